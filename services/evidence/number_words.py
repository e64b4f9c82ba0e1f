"""Reads the numbers in a text, in digits and in English words."""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

_NUMBER_OR_WORD = re.compile(
    r"(?<![^\W_])(?P<digits>\d+(?:[.,\u2019' \u00a0\u202f]\d{3}(?!\d))*(?:[.,]\d+)?)(?![^\W\d_])|(?P<word>[^\W\d_]+)"
)
_GROUP_MARK = re.compile(r"[.,\u2019' \u00a0\u202f](?=\d{3}(?!\d))")

_UNITS = (
    *("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_NUMBERS = {word: float(number) for number, word in enumerate(_UNITS, 1)}
_NUMBERS |= {word: 10.0 * number for number, word in enumerate(_TENS, 2)}
_SCALES = {"dozen": 12.0, "hundred": 100.0, "thousand": 1e3, "million": 1e6, "billion": 1e9}


class _Number(NamedTuple):
    value: float
    is_scale: bool = False
    is_word: bool = True


def numbers_in(text: str) -> set[float]:
    """The numbers in a text: `1,500` is 1500, `thirty-eight` is 38, `2 million` is 2000000. `one` alone is left out."""
    return {value for run in _runs(text) for value in _values(run)}


def _runs(text: str) -> Iterator[list[_Number]]:
    """Numbers that only a space or a hyphen separates, and may therefore be one: `two hundred`, `2 million`."""
    run: list[_Number] = []
    end = 0
    for match in _NUMBER_OR_WORD.finditer(text):
        number = _read(match)
        if run and (number is None or text[end : match.start()] not in {" ", "-"}):
            yield run
            run = []
        if number:
            run.append(number)
        end = match.end()
    yield run


def _read(match: re.Match[str]) -> _Number | None:
    if match["digits"]:
        return _Number(float(_GROUP_MARK.sub("", match["digits"]).replace(",", ".")), is_word=False)
    word = match["word"].casefold()
    if word in _SCALES:
        return _Number(_SCALES[word], is_scale=True)
    return _Number(_NUMBERS[word]) if word in _NUMBERS else None


def _values(run: Iterable[_Number]) -> Iterator[float]:
    """The values of a run: `two hundred five` is one, `five ten` is two."""
    numbers = list(run)
    if numbers == [_Number(1.0)]:
        return
    total = current = 0.0
    for number in numbers:
        if number.is_scale and number.value < _SCALES["thousand"]:
            current = (current or 1.0) * number.value
        elif number.is_scale:
            total, current = total + (current or 1.0) * number.value, 0.0
        elif number.is_word and _has_place_for(number.value, current):
            current += number.value
        else:
            yield from _nonzero(total + current)
            total, current = 0.0, number.value
    yield from _nonzero(total + current)


def _has_place_for(value: float, current: float) -> bool:
    """Whether a word continues a number: `thirty` and `eight`, `two hundred` and `thirty`."""
    return current % 100 == 0 if value >= 10 else current % 10 == 0 and current % 100 != 10


def _nonzero(value: float) -> Iterator[float]:
    if value:
        yield value
