"""Finds the one JSON object in a model's answer, behind thoughts, code fences and sentences."""

import json
from collections.abc import Collection, Iterator
from typing import Any

from services.text.thoughts import strip_thoughts

JsonObject = dict[str, Any]

_READS_PER_CHARACTER = 2
"""Maximum reads for each character before the search stops, which keeps it linear for hostile text."""
_LINE_COUNT_SPEED = 64
"""A failed attempt also counts the line breaks before it (json.JSONDecodeError), this many times faster than it parses.
"""
_LONGEST_NUMBER = 20


class NoSingleObject(ValueError):
    """There is no object with these keys, or there are several that differ. The text says which."""


def find_object(content: str, keys: Collection[str]) -> JsonObject:
    """The one object that has any of these keys, by itself or as a value of another. Raises NoSingleObject.

    The same object twice counts as one. Takes time linear in the length of the content.
    """
    found: list[JsonObject] = []
    for candidate in _objects(content):
        wanted = _with_keys(candidate, keys)
        if wanted is not None and wanted not in found:
            found.append(wanted)
        if len(found) > 1:
            raise NoSingleObject("it holds several JSON objects that differ")
    if not found:
        raise NoSingleObject("it holds no complete JSON object with the fields asked for")
    return found[0]


def _with_keys(candidate: JsonObject, keys: Collection[str]) -> JsonObject | None:
    """The object itself, or the only one inside of a wrapper such as `{"thoughts": "…", "debrief": {…}}`."""
    if any(key in candidate for key in keys):
        return candidate
    inner = [value for value in candidate.values() if isinstance(value, dict) and any(key in value for key in keys)]
    return inner[0] if len(inner) == 1 else None


def _objects(content: str) -> Iterator[JsonObject]:
    """The outermost JSON objects. An answer that is one object and nothing else keeps tags that it quotes."""
    try:
        whole = _DECODER.decode(content.strip("\ufeff \t\r\n"))
    except (ValueError, RecursionError):
        whole = None
    if isinstance(whole, dict):
        yield whole
    else:
        yield from _embedded_objects(strip_thoughts(content))


def _embedded_objects(text: str) -> Iterator[JsonObject]:
    left = _READS_PER_CHARACTER * len(text)
    start = text.find("{")
    while start >= 0 and left > 0:
        value, end = _decode_at(text, start)
        left -= end - start + start // _LINE_COUNT_SPEED
        if value is not None:
            yield value
        start = text.find("{", start + 1 if value is None else end)


def _decode_at(text: str, start: int) -> tuple[JsonObject | None, int]:
    """Returns the object that begins here and its end, or None and the offset up to which the text was read."""
    try:
        value, end = _DECODER.raw_decode(text, start)
    except json.JSONDecodeError as error:
        return None, max(error.pos, start + 1)
    except RecursionError:
        return None, len(text)  # the error has no offset
    return value, end


def _integer(digits: str) -> int | str:
    """The integer. Python refuses to convert thousands of digits, which therefore stay a text that no field accepts."""
    return int(digits) if len(digits) <= _LONGEST_NUMBER else digits


_DECODER = json.JSONDecoder(strict=False, parse_int=_integer, parse_constant=str)
"""Accepts line breaks inside strings, which small models write."""
