"""Reads a model's debrief. An item that cannot be read is left out and counted; the rest is kept.

Nothing here says that a quote is real: `services/evidence/grounding.py` checks that.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict

from services.evidence.json_answer import JsonObject, NoSingleObject, find_object
from services.text.normalization import normalize

MOST_SENTENCES = 20
MOST_CLAIMS = 40
MOST_QUESTIONS = 20
MOST_QUOTES = 20
"""For each claim, rating or sentence."""
LONGEST_PROSE = 4000
LONGEST_QUOTE = 8000
"""Characters."""
_LONGEST_NAME = 200
_LONGEST_NUMBER = 40
"""Characters that are looked at for a competency, a rating or a turn."""

_FIELDS = ("claims", "ratings", "summary")
_TURN = re.compile(r"\s*\[?\s*(?:T|turn|№|no\.?|#)?\s*(\d{1,9})(?:\.0+)?\b", re.IGNORECASE)
_RATING = re.compile(r"\s*([1-5])(?:\.0+)?\s*(?:/\s*5\s*)?")
_NO_RATING = frozenset({"", "null", "none", "n/a", "not assessed", "not_assessed"})
_NUMBERED = re.compile(r"\s*(?:competency|c|№|no\.?|#)?[\s_-]*(\d{1,3})\s*(?:[.):].*)?", re.IGNORECASE | re.DOTALL)
_SENTENCE_END = re.compile(r"(?<=[.!?…])[\"'”’)\]]*\s+(?=[^\sa-z])|(?<=[。！？])|\n+")


class InvalidModelDebrief(ValueError):
    """Nothing in the answer can be used. The text says why and contains nothing of the answer."""


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)


class ModelQuote(_Value):
    """A quote as the model gives it; it may occur nowhere."""

    source: Literal["transcript", "notes"] = "transcript"
    turn: int | None = None
    quote: str


class ModelSentence(_Value):
    """A sentence of the summary."""

    text: str
    evidence: tuple[ModelQuote, ...] = ()


class ModelClaim(_Value):
    """A claim about the candidate."""

    claim: str
    kind: Literal["strength", "improvement"]
    evidence: tuple[ModelQuote, ...] = ()


class ModelRating(_Value):
    """A rating of one competency. `competency` counts from 1."""

    competency: int
    rating: int | None
    rationale: str = ""
    evidence: tuple[ModelQuote, ...] = ()


class ModelDebrief(_Value):
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
    """The model's debrief. Raises InvalidModelDebrief when nothing of it can be used.

    Reads `4.0` and `"4"` as 4, `T2` as 2, a bare string as a quote, and ratings as a list or as an object keyed by the
    competency's number or name. Other keys are ignored. Linear in the length of the content.
    """
    try:
        answer = find_object(content, _FIELDS)
    except NoSingleObject as error:
        raise InvalidModelDebrief(str(error)) from None
    return _Reader(competencies).read(answer)


class _Unreadable(Exception):
    """An item that cannot be used."""


Item = TypeVar("Item")


class _Reader:
    """Reads one answer and counts what it leaves out."""

    def __init__(self, competencies: Sequence[str]) -> None:
        self._competencies = {normalize(name): number for number, name in reversed(list(enumerate(competencies, 1)))}
        self._count = len(competencies)
        self._dropped = 0

    def read(self, answer: JsonObject) -> ModelDebrief:
        claims = self._each(_list(answer.get("claims")), self._claim, MOST_CLAIMS)
        ratings = self._ratings(answer.get("ratings"))
        if not claims and not ratings and (self._dropped or not answer.keys() & {"claims", "ratings"}):
            raise InvalidModelDebrief("it has no readable claims and no readable ratings")
        return ModelDebrief(
            claims=claims,
            ratings=ratings,
            summary=self._each(_sentences(answer.get("summary")), self._sentence, MOST_SENTENCES),
            follow_up_questions=self._each(_lines(answer.get("follow_up_questions")), _question, MOST_QUESTIONS),
            dropped=self._dropped,
        )

    def _each(self, items: Sequence[Any], read: Callable[[Any], Item], most: int) -> tuple[Item, ...]:
        """What can be read of the first `most` items."""
        self._dropped += max(0, len(items) - most)
        kept: list[Item] = []
        for item in items[:most]:
            try:
                kept.append(read(item))
            except _Unreadable:
                self._dropped += 1
        return tuple(kept)

    def _sentence(self, item: Any) -> ModelSentence:
        if isinstance(item, str):
            return ModelSentence(text=_prose(item))
        fields = _object(item)
        return ModelSentence(text=_prose(fields.get("text")), evidence=self._evidence(fields))

    def _claim(self, item: Any) -> ModelClaim:
        fields = _object(item)
        return ModelClaim(
            claim=_prose(fields.get("claim")), kind=_kind(fields.get("kind")), evidence=self._evidence(fields)
        )

    def _ratings(self, value: Any) -> tuple[ModelRating, ...]:
        """The first readable rating of each competency."""
        if isinstance(value, dict):
            value = [
                {**(row if isinstance(row, dict) else {"rating": row}), "competency": key} for key, row in value.items()
            ]
        first: dict[int, ModelRating] = {}
        for rating in self._each(_list(value), self._rating, self._count):
            if first.setdefault(rating.competency, rating) is not rating:
                self._dropped += 1
        return tuple(first.values())

    def _rating(self, item: Any) -> ModelRating:
        fields = _object(item)
        return ModelRating(
            competency=self._competency(fields.get("competency")),
            rating=_rating(fields.get("rating")),
            rationale=_optional_prose(fields.get("rationale")),
            evidence=self._evidence(fields),
        )

    def _competency(self, value: Any) -> int:
        """Its number. A name wins over a number in it: a competency may be called `5G networks`."""
        if isinstance(value, str):
            named = self._competencies.get(normalize(value[:_LONGEST_NAME]))
            numbered = _NUMBERED.fullmatch(value[:_LONGEST_NAME])
            value = named or (int(numbered[1]) if numbered else None)
        number = _whole(value)
        if number is None or not 1 <= number <= self._count:
            raise _Unreadable
        return number

    def _evidence(self, fields: JsonObject) -> tuple[ModelQuote, ...]:
        return self._each(_list(fields.get("evidence")), _quote, MOST_QUOTES)


def _quote(item: Any) -> ModelQuote:
    if isinstance(item, str):
        return ModelQuote(quote=_text(item, LONGEST_QUOTE))
    fields = _object(item)
    quote = _text(fields.get("quote"), LONGEST_QUOTE)
    if "note" in str(fields.get("source"))[:_LONGEST_NAME].casefold():
        return ModelQuote(source="notes", quote=quote)
    return ModelQuote(turn=_turn(fields.get("turn")), quote=quote)


def _question(item: Any) -> str:
    return _prose(item.get("question") if isinstance(item, dict) else item)


def _turn(value: Any) -> int | None:
    """The number of the turn; None where it is no number: the quote may still be found."""
    if isinstance(value, str):
        found = _TURN.match(value[:_LONGEST_NUMBER])
        return int(found[1]) if found else None
    return _whole(value)


def _rating(value: Any) -> int | None:
    """1 to 5, or None for "not assessed"."""
    if value is None or (isinstance(value, str) and value.strip().casefold() in _NO_RATING):
        return None
    found = _RATING.fullmatch(value[:_LONGEST_NUMBER]) if isinstance(value, str) else None
    number = int(found[1]) if found else _whole(value)
    if number is None or not 1 <= number <= 5:
        raise _Unreadable
    return number


def _whole(value: Any) -> int | None:
    """The integer that a JSON number is; None for fractions, infinities, booleans and everything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if abs(value) < 10**9 and value == int(value) else None


def _kind(value: Any) -> Literal["strength", "improvement"]:
    kind = value.strip().casefold() if isinstance(value, str) else ""
    if kind.startswith("strength"):
        return "strength"
    if kind.startswith(("improvement", "weakness")):
        return "improvement"
    raise _Unreadable


def _object(value: Any) -> JsonObject:
    if not isinstance(value, dict):
        raise _Unreadable
    return value


def _prose(value: Any) -> str:
    return _text(value, LONGEST_PROSE)


def _optional_prose(value: Any) -> str:
    return "" if value is None or value == "" else _prose(value)


def _text(value: Any, longest: int) -> str:
    text = value.strip() if isinstance(value, str) else ""
    if not 0 < len(text) <= longest:
        raise _Unreadable
    return text


def _list(value: Any) -> Sequence[Any]:
    """The items of a list; a single object or string is a list of one."""
    if value is None or value == "":
        return ()
    return value if isinstance(value, list) else (value,)


def _sentences(value: Any) -> Sequence[Any]:
    return _split(_SENTENCE_END, value) if isinstance(value, str) else _list(value)


def _lines(value: Any) -> Sequence[Any]:
    return value.splitlines() if isinstance(value, str) else _list(value)


def _split(border: re.Pattern[str], text: str) -> list[str]:
    return [part for part in border.split(text) if part.strip()]
