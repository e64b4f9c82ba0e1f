"""Reads a model's debrief. An item that cannot be read is left out and counted; the rest is kept.

Nothing here says that a quote is real: `services/evidence/grounding.py` checks that.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any, Literal

from services.evidence.answer_fields import (
    LONGEST_NAME,
    LONGEST_NUMBER,
    InvalidModelAnswer,
    ItemReader,
    ModelValue,
    NumberedNames,
    Unreadable,
    read_answer,
    read_lines,
    read_list,
    read_object,
    read_optional_prose,
    read_prose,
    read_text,
    read_whole_number,
)
from services.evidence.json_answer import JsonObject

MOST_SENTENCES = 20
MOST_CLAIMS = 40
MOST_RATINGS = 100
MOST_QUESTIONS = 20
MOST_QUOTES = 20
"""For each claim, rating or sentence."""
LONGEST_QUOTE = 8000
"""Characters."""

_FIELDS = ("claims", "ratings", "summary")
_TURN = re.compile(r"\s*\[?\s*(?:T|turn|№|no\.?|#)?\s*(\d{1,9})(?:\.0+)?\b", re.IGNORECASE)
_RATING = re.compile(r"\s*([1-5])(?:\.0+)?\s*(?:/\s*5\s*)?")
_NO_RATING = frozenset({"", "null", "none", "n/a", "not assessed", "not_assessed"})
_SENTENCE_END = re.compile(r"(?<=[.!?…])[\"'”’)\]]*\s+(?=[^\sa-z])|(?<=[。！？])|\n+")

_MARKDOWN = re.compile(r"^[^\S\n]*(?:[-*•#>]{1,6}|\d{1,3}[.)])[^\S\n]+|\*\*", re.MULTILINE)
"""Marks of lists, headings and emphasis in a summary that came as plain text."""


class ModelQuote(ModelValue):
    """A quote as the model gives it; it may occur nowhere."""

    source: Literal["transcript", "notes"] = "transcript"
    turn: int | None = None
    quote: str


class ModelSentence(ModelValue):
    """A sentence of the summary."""

    text: str
    evidence: tuple[ModelQuote, ...] = ()


class ModelClaim(ModelValue):
    """A claim about the candidate."""

    claim: str
    kind: Literal["strength", "improvement"]
    evidence: tuple[ModelQuote, ...] = ()


class ModelRating(ModelValue):
    """A rating of one competency. `competency` counts from 1."""

    competency: int
    rating: int | None
    rationale: str = ""
    evidence: tuple[ModelQuote, ...] = ()


class ModelDebrief(ModelValue):
    """The whole answer. `dropped`: items that could not be read and were left out."""

    summary: tuple[ModelSentence, ...] = ()
    claims: tuple[ModelClaim, ...] = ()
    ratings: tuple[ModelRating, ...] = ()
    follow_up_questions: tuple[str, ...] = ()
    dropped: int = 0

    def quotes(self) -> Iterator[ModelQuote]:
        """Every quote of the answer."""
        for evidence in (item.evidence for items in (self.summary, self.claims, self.ratings) for item in items):
            yield from evidence


def parse_model_debrief(content: str, competencies: Sequence[str]) -> ModelDebrief:
    """The model's debrief. Raises InvalidModelAnswer when nothing of it can be used.

    Reads `4.0` and `"4"` as 4, `T2` as 2, a bare string as a quote, and ratings as a list or as an object keyed by the
    competency's number or name. Other keys are ignored. Linear in the length of the content.
    """
    return _Reader(competencies).read(read_answer(content, _FIELDS))


class _Reader(ItemReader):
    """Reads one debrief."""

    def __init__(self, competencies: Sequence[str]) -> None:
        super().__init__()
        self._competencies = NumberedNames(competencies)

    def read(self, answer: JsonObject) -> ModelDebrief:
        claims = self.each(read_list(answer.get("claims")), self._claim, MOST_CLAIMS)
        ratings = self._ratings(answer.get("ratings"))
        if not claims and not ratings and (self.dropped or not answer.keys() & {"claims", "ratings"}):
            raise InvalidModelAnswer("it has no readable claims and no readable ratings")
        return ModelDebrief(
            claims=claims,
            ratings=ratings,
            summary=self.each(_sentences(answer.get("summary")), self._sentence, MOST_SENTENCES),
            follow_up_questions=self.each(read_lines(answer.get("follow_up_questions")), _question, MOST_QUESTIONS),
            dropped=self.dropped,
        )

    def _sentence(self, item: Any) -> ModelSentence:
        if isinstance(item, str):
            return ModelSentence(text=read_prose(item))
        fields = read_object(item)
        return ModelSentence(text=read_prose(fields.get("text")), evidence=self._evidence(fields))

    def _claim(self, item: Any) -> ModelClaim:
        fields = read_object(item)
        return ModelClaim(
            claim=read_prose(fields.get("claim")), kind=_kind(fields.get("kind")), evidence=self._evidence(fields)
        )

    def _ratings(self, value: Any) -> tuple[ModelRating, ...]:
        """The first readable rating of each competency."""
        if isinstance(value, dict) and "competency" not in value:
            value = [
                {**(row if isinstance(row, dict) else {"rating": row}), "competency": key} for key, row in value.items()
            ]
        first: dict[int, ModelRating] = {}
        for rating in self.each(read_list(value), self._rating, MOST_RATINGS):
            if first.setdefault(rating.competency, rating) is not rating:
                self.dropped += 1
        return tuple(first.values())

    def _rating(self, item: Any) -> ModelRating:
        fields = read_object(item)
        return ModelRating(
            competency=self._competencies.number(fields.get("competency")),
            rating=_rating(fields.get("rating")),
            rationale="".join(self.each([fields.get("rationale")], read_optional_prose, 1)),
            evidence=self._evidence(fields),
        )

    def _evidence(self, fields: JsonObject) -> tuple[ModelQuote, ...]:
        return self.each(read_list(fields.get("evidence")), _quote, MOST_QUOTES)


def _quote(item: Any) -> ModelQuote:
    if isinstance(item, str):
        return ModelQuote(quote=read_text(item, LONGEST_QUOTE))
    fields = read_object(item)
    quote = read_text(fields.get("quote"), LONGEST_QUOTE)
    if "note" in str(fields.get("source"))[:LONGEST_NAME].casefold():
        return ModelQuote(source="notes", quote=quote)
    return ModelQuote(turn=_turn(fields.get("turn")), quote=quote)


def _question(item: Any) -> str:
    return read_prose(item.get("question") if isinstance(item, dict) else item)


def _turn(value: Any) -> int | None:
    """The number of the turn; None where it is no number: the quote may still be found."""
    if isinstance(value, str):
        found = _TURN.match(value[:LONGEST_NUMBER])
        return int(found[1]) if found else None
    return read_whole_number(value)


def _rating(value: Any) -> int | None:
    """1 to 5, or None for "not assessed"."""
    if value is None or (isinstance(value, str) and value.strip().casefold() in _NO_RATING):
        return None
    found = _RATING.fullmatch(value[:LONGEST_NUMBER]) if isinstance(value, str) else None
    number = int(found[1]) if found else read_whole_number(value)
    if number is None or not 1 <= number <= 5:
        raise Unreadable
    return number


def _kind(value: Any) -> Literal["strength", "improvement"]:
    kind = value.strip().casefold() if isinstance(value, str) else ""
    if kind.startswith("strength"):
        return "strength"
    if kind.startswith(("improvement", "weakness")):
        return "improvement"
    raise Unreadable


def _sentences(value: Any) -> Sequence[Any]:
    return _split(_SENTENCE_END, _MARKDOWN.sub("", value)) if isinstance(value, str) else read_list(value)


def _split(border: re.Pattern[str], text: str) -> list[str]:
    return [part for part in border.split(text) if part.strip()]
