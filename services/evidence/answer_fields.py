"""Fields of a model's JSON answer, read leniently: an item that cannot be read is left out and counted."""

import re
from collections.abc import Callable, Collection, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict

from services.evidence.json_answer import JsonObject, NoSingleObject, find_object
from services.text.invisible import replace_unstorable
from services.text.normalization import normalize
from services.text.thoughts import strip_thoughts

LONGEST_PROSE = 4000
LONGEST_NAME = 200
LONGEST_NUMBER = 40
"""Characters. Of names and numbers, those that are looked at."""

_NUMBERED = re.compile(
    r"\s*(?:competency|focus[ _]?area|area|c|№|no\.?|#)?[\s_-]*(\d{1,3})\s*(?:[.):].*)?", re.IGNORECASE | re.DOTALL
)

Item = TypeVar("Item")


class InvalidModelAnswer(ValueError):
    """Nothing in the answer can be used. The text says why and contains nothing of the answer."""


class ModelValue(BaseModel):
    """A part of a model's answer."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)


class Unreadable(Exception):
    """An item that cannot be used."""


class ItemReader:
    """Reads lists of items. `dropped` counts those that were left out."""

    def __init__(self) -> None:
        self.dropped = 0

    def each(self, items: Sequence[Any], read: Callable[[Any], Item], most: int) -> tuple[Item, ...]:
        """What can be read of the first `most` items."""
        self.dropped += max(0, len(items) - most)
        kept: list[Item] = []
        for item in items[:most]:
            try:
                kept.append(read(item))
            except Unreadable:
                self.dropped += 1
        return tuple(kept)


def read_answer(content: str, keys: Collection[str]) -> JsonObject:
    """The one JSON object of the answer that has any of these keys. Raises InvalidModelAnswer."""
    try:
        return find_object(content, keys)
    except NoSingleObject as error:
        raise InvalidModelAnswer(str(error)) from None


def read_object(value: Any) -> JsonObject:
    """The object. Raises Unreadable."""
    if not isinstance(value, dict):
        raise Unreadable
    return value


def read_text(value: Any, longest: int) -> str:
    """The text without white space around it, fit to be stored. Raises Unreadable where it is empty or longer."""
    text = replace_unstorable(value.strip()) if isinstance(value, str) else ""
    if not 0 < len(text) <= longest:
        raise Unreadable
    return text


def read_prose(value: Any, longest: int = LONGEST_PROSE) -> str:
    """The model's own words, without thoughts among them. Raises Unreadable where none are left or they are longer."""
    return read_text(strip_thoughts(value) if isinstance(value, str) else value, longest)


def read_optional_prose(value: Any) -> str:
    """The same, or an empty text where there is none."""
    is_empty = value is None or (isinstance(value, str) and not strip_thoughts(value))
    return "" if is_empty else read_prose(value)


def read_list(value: Any) -> Sequence[Any]:
    """The items of a list; a single object or string is a list of one."""
    if value is None or value == "":
        return ()
    return value if isinstance(value, list) else (value,)


def read_lines(value: Any) -> Sequence[Any]:
    """The items of a list, or the lines of a text."""
    return value.splitlines() if isinstance(value, str) else read_list(value)


def read_whole_number(value: Any) -> int | None:
    """The integer that a JSON number is; None for fractions, infinities, booleans and everything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if abs(value) < 10**9 and value == int(value) else None


class NumberedNames:
    """Names that an answer refers to by number or by name."""

    def __init__(self, names: Sequence[str]) -> None:
        self._numbers = {_spelled(name): number for number, name in reversed(list(enumerate(names, 1)))}
        self._count = len(names)

    def number(self, value: Any) -> int:
        """The number, counted from 1. Raises Unreadable where there is no such name.

        A name wins over a number in it: a competency may be called `5G networks`.
        """
        if isinstance(value, str):
            numbered = _NUMBERED.fullmatch(value[:LONGEST_NAME])
            value = self._numbers.get(_spelled(value[:LONGEST_NAME])) or (int(numbered[1]) if numbered else None)
        number = read_whole_number(value)
        if number is None or not 1 <= number <= self._count:
            raise Unreadable
        return number


def _spelled(name: str) -> str:
    """The name as it is compared: `incident_response` is `Incident response`, since keys are often written so."""
    return normalize(name.replace("_", " "))


def dropped_warnings(dropped: int) -> list[str]:
    """A warning where items were left out."""
    items = "1 item of the model's answer was" if dropped == 1 else f"{dropped} items of the model's answer were"
    return [f"{items} unreadable and left out."] if dropped else []
