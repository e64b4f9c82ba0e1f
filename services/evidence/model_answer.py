"""What a model answered to a debrief, validated: nothing beyond the schema, every number in its range."""

import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

Prose = Annotated[str, Field(min_length=1, max_length=4000)]
_SENTENCE_END = re.compile(r"(?<=[.!?…])\s+|(?<=[。！？])")


class InvalidModelDebrief(ValueError):
    """The answer does not fit. Its text says where and why, and holds nothing of the answer."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


class ModelQuote(_Strict):
    """A quote as the model gives it; it may occur nowhere."""

    source: Literal["transcript", "notes"]
    turn: int | None
    quote: Annotated[str, Field(max_length=8000)]


_Quotes = Annotated[tuple[ModelQuote, ...], Field(max_length=20, strict=False)]


class ModelSentence(_Strict):
    """A sentence of the summary."""

    text: Prose
    evidence: _Quotes = ()


class ModelClaim(_Strict):
    """A claim about the candidate."""

    claim: Prose
    kind: Literal["strength", "improvement"]
    evidence: _Quotes = ()


class ModelRating(_Strict):
    """A rating of the competency with this number, counted from 1."""

    competency: int
    rating: Annotated[int, Field(ge=1, le=5)] | None
    rationale: Annotated[str, Field(max_length=4000)]
    evidence: _Quotes = ()


def _sentences(summary: Any) -> Any:
    if not isinstance(summary, str):
        return summary
    return [{"text": text} for text in _SENTENCE_END.split(summary) if text.strip()]


class ModelDebrief(_Strict):
    """The whole answer. `dropped`: items that could not be read and were left out."""

    summary: Annotated[
        tuple[ModelSentence, ...], BeforeValidator(_sentences), Field(min_length=1, max_length=40, strict=False)
    ]
    claims: Annotated[tuple[ModelClaim, ...], Field(max_length=40, strict=False)]
    ratings: Annotated[tuple[ModelRating, ...], Field(max_length=40, strict=False)]
    follow_up_questions: Annotated[tuple[Prose, ...], Field(max_length=20, strict=False)]
    dropped: int = 0

    def quotes(self) -> Iterator[ModelQuote]:
        """Every quote of the answer."""
        items: tuple[ModelSentence | ModelClaim | ModelRating, ...] = (*self.summary, *self.claims, *self.ratings)
        for item in items:
            yield from item.evidence

    @model_validator(mode="after")
    def _each_competency_is_rated_once(self) -> Self:
        numbers = [rating.competency for rating in self.ratings]
        if len(numbers) != len(set(numbers)):
            raise ValueError("a competency is rated twice")
        return self


def parse_model_debrief(content: str, competencies: int) -> ModelDebrief:
    """The answer as a value. Raises InvalidModelDebrief."""
    try:
        reading = ModelDebrief.model_validate_json(content)
    except ValidationError as error:
        raise InvalidModelDebrief(_problems(error)) from None
    if any(not 1 <= rating.competency <= competencies for rating in reading.ratings):
        raise InvalidModelDebrief("ratings name a competency that was not asked for")
    return reading


def _problems(error: ValidationError) -> str:
    """Places and kinds only: the input is a stranger's text."""
    if error.errors(include_input=False)[0]["type"] == "json_invalid":
        return "it is not one JSON object and nothing else: no code fence, no words around it"
    places = (f"{'.'.join(map(str, problem['loc'])) or 'answer'}: {problem['type']}" for problem in error.errors())
    return "; ".join(list(dict.fromkeys(places))[:8])
