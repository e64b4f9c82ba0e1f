"""Reads a model's question plan. An item that cannot be read is left out and counted; the rest is kept.

Nothing here says that a source exists: `services/evidence/plan.py` checks that.
"""

from collections.abc import Sequence
from typing import Any

from services.evidence.answer_fields import (
    LONGEST_PROSE,
    InvalidModelAnswer,
    ItemReader,
    ModelValue,
    NumberedNames,
    Unreadable,
    read_answer,
    read_list,
    read_object,
    read_prose,
    read_text,
    read_whole_number,
)
from services.evidence.json_answer import JsonObject
from services.plan import LONGEST_MINUTES, Kind, SourceKind

MOST_AREAS = 6
"""That a model may propose."""
MOST_QUESTIONS = 60
MOST_SCALES = 40
LONGEST_AREA = 120
LONGEST_QUESTION = 1000
LONGEST_LEVEL = 500
"""Characters."""

_FIELDS = ("questions", "scales", "focus_areas")
_LEVELS = (1, 3, 5)
_KINDS: dict[str, Kind] = {
    "behav": "behaviour",
    "past": "behaviour",
    "situat": "situation",
    "hypothe": "situation",
    "knowledge": "knowledge",
    "technical": "knowledge",
}
"""By how the word begins."""


class ModelSource(ModelValue):
    """A line of the briefing as the model gives it; it may occur nowhere."""

    source: SourceKind
    text: str


class ModelArea(ModelValue):
    """A focus area that the model proposes."""

    name: str
    because: ModelSource | None


class ModelQuestion(ModelValue):
    """A question. `focus_area` counts from 1."""

    focus_area: int
    text: str
    kind: Kind
    because: ModelSource | None
    listen_for: str
    minutes: int | None


class ModelScale(ModelValue):
    """What levels 1, 3 and 5 of a focus area mean. `focus_area` counts from 1."""

    focus_area: int
    levels: tuple[str, str, str]


class ModelPlan(ModelValue):
    """The whole answer. `dropped`: items that could not be read and were left out."""

    focus_areas: tuple[ModelArea | None, ...] = ()
    """Proposed ones, in the order that numbers refer to; None for one that could not be read."""
    questions: tuple[ModelQuestion, ...]
    scales: tuple[ModelScale, ...] = ()
    dropped: int = 0


def parse_model_plan(content: str, focus_areas: Sequence[str]) -> ModelPlan:
    """The model's plan. Raises InvalidModelAnswer where it has no readable question.

    `focus_areas` are those that were asked about; where there are none, the answer proposes some. Questions and scales
    name a focus area by its number or its name. Other keys are ignored. Linear in the length of the content.
    """
    return _Reader(focus_areas).read(read_answer(content, _FIELDS))


class _Reader(ItemReader):
    """Reads one plan."""

    def __init__(self, focus_areas: Sequence[str]) -> None:
        super().__init__()
        self._areas = NumberedNames(focus_areas)
        self._is_asked_for_areas = not focus_areas

    def read(self, answer: JsonObject) -> ModelPlan:
        proposed = self._proposed(answer) if self._is_asked_for_areas else ()
        questions = self.each(read_list(answer.get("questions")), self._question, MOST_QUESTIONS)
        if not questions:
            raise InvalidModelAnswer("it has no readable questions")
        scales = self.each(_items(answer.get("scales")), self._scale, MOST_SCALES)
        return ModelPlan(focus_areas=proposed, questions=questions, scales=scales, dropped=self.dropped)

    def _proposed(self, answer: JsonObject) -> tuple[ModelArea | None, ...]:
        items = read_list(answer.get("focus_areas"))
        self.dropped += max(0, len(items) - MOST_AREAS)
        areas = tuple(next(iter(self.each([item], _area, 1)), None) for item in items[:MOST_AREAS])
        self._areas = NumberedNames([area.name if area else "" for area in areas])
        return areas

    def _question(self, item: Any) -> ModelQuestion:
        fields = read_object(item)
        return ModelQuestion(
            focus_area=self._areas.number(fields.get("focus_area")),
            text=read_prose(fields.get("text") or fields.get("question"), LONGEST_QUESTION),
            kind=_kind(fields.get("kind")),
            because=_source(fields.get("because")),
            listen_for=_joined(fields.get("listen_for")),
            minutes=_minutes(fields.get("minutes")),
        )

    def _scale(self, item: Any) -> ModelScale:
        fields = read_object(item)
        levels = fields.get("levels") if isinstance(fields.get("levels"), dict) else fields
        lowest, middle, highest = (read_prose(_level(levels, number), LONGEST_LEVEL) for number in _LEVELS)
        return ModelScale(focus_area=self._areas.number(fields.get("focus_area")), levels=(lowest, middle, highest))


def _area(item: Any) -> ModelArea:
    if isinstance(item, str):
        return ModelArea(name=read_prose(item, LONGEST_AREA), because=None)
    fields = read_object(item)
    name = read_prose(fields.get("name") or fields.get("focus_area"), LONGEST_AREA)
    return ModelArea(name=name, because=_source(fields.get("because"), default="job"))


def _source(value: Any, default: SourceKind = "resume") -> ModelSource | None:
    """The line; None where there is none, or none that can be read: then nothing is claimed."""
    fields = value if isinstance(value, dict) else {"text": value}
    try:
        text = read_text(fields.get("text") or fields.get("quote"), LONGEST_PROSE)
    except Unreadable:
        return None
    named = fields.get("source")
    is_job = "job" in named.casefold() if isinstance(named, str) else default == "job"
    return ModelSource(source="job" if is_job else "resume", text=text)


def _kind(value: Any) -> Kind:
    word = value.strip().casefold() if isinstance(value, str) else ""
    for beginning, kind in _KINDS.items():
        if word.startswith(beginning):
            return kind
    raise Unreadable


def _joined(value: Any) -> str:
    """What to listen for, which may come as a list."""
    if value is None or value in ("", []):
        return ""
    return read_prose("; ".join(map(read_prose, value)) if isinstance(value, list) else value, LONGEST_QUESTION)


def _minutes(value: Any) -> int | None:
    number = int(value) if isinstance(value, str) and value.isdecimal() and len(value) < 4 else read_whole_number(value)
    return number if number is not None and 1 <= number <= LONGEST_MINUTES else None


def _level(levels: Any, number: int) -> Any:
    return levels.get(str(number), levels.get(f"level_{number}"))


def _items(value: Any) -> Sequence[Any]:
    """A list of scales, or an object that is keyed by focus area."""
    if isinstance(value, dict) and "focus_area" not in value:
        return [{**(scale if isinstance(scale, dict) else {}), "focus_area": area} for area, scale in value.items()]
    return read_list(value)
