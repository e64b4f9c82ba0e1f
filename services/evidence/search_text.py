"""The form of a text in which quotes are looked up, with the way back to the characters that were said.

Normalization evens out Unicode form, case and white space. This module also evens out marks that people and models
write differently around the same words: quotation marks, Markdown marks and dashes. No letter, digit or sentence mark
changes, so a sentence never equals its negation.
"""

import re
from bisect import bisect_right
from typing import NamedTuple

from services.evidence.prose import QUOTATION_MARKS
from services.text.normalization import NormalizedText, Span, normalize

_LETTER = r"[^\W_]"
_MARK = rf"[{QUOTATION_MARKS}*\\]|~~|(?<!{_LETTER})['_]|['_](?!{_LETTER})"
"""A quotation or Markdown mark. Apostrophes and underscores inside a word are part of it."""
_MARKS = re.compile(rf" ?(?:-|{_MARK})(?: ?(?:-|{_MARK}))* ?|(?<=\bno)\.? ?(?=\d)")
"""Marks and dashes with the spaces around them, or the full stop and space in `No. 7` and `№ 7`."""
_OUTSIDE = " .,;:!?-()[]{}<>|\u3001\u3002\uff0c\u2026\u0964\u06d4\u061f"
"""Punctuation that may differ around a quote: a model ends a clause with a full stop, or leaves one out."""


def search_form(words: str) -> str:
    """The words as they are looked up, without the punctuation around them."""
    return _MARKS.sub(_replacement, normalize(words)).strip(_OUTSIDE)


def _replacement(match: re.Match[str]) -> str:
    marks = match[0]
    if set(marks) <= {" ", "."}:
        return ""
    if "-" in marks:
        return "-"
    return " " if " " in marks else ""


class _Edit(NamedTuple):
    """From `end` in the search text on, offsets in the normalized text are larger by `shift`."""

    end: int
    shift: int


class SearchText:
    """A text in the form in which quotes are looked up; `original_span` gives the place of a hit."""

    def __init__(self, source: str) -> None:
        self._normalized = NormalizedText(source, 0, len(source))
        self._is_aligned = source.isascii() and len(self._normalized.text) == len(source)
        self._edits: list[_Edit] = []
        self.text = self._without_marks(self._normalized.text)

    def original_span(self, start: int, end: int) -> Span | None:
        """The place of `text[start:end]` in the source. None where an end falls inside a character."""
        normalized = Span(self._unedited(start), self._unedited(end - 1) + 1)
        if self._is_aligned:  # ASCII without edits: all offsets are unchanged
            return normalized
        return self._normalized.original_span(*normalized)

    def _without_marks(self, text: str) -> str:
        pieces: list[str] = []
        last = length = 0
        for match in _MARKS.finditer(text):
            replacement = _replacement(match)
            if replacement == match[0]:
                continue
            pieces += (text[last : match.start()], replacement)
            length += match.start() - last + len(replacement)
            last = match.end()
            self._edits.append(_Edit(length, last - length))
        return "".join((*pieces, text[last:]))

    def _unedited(self, offset: int) -> int:
        number = bisect_right(self._edits, offset, key=lambda edit: edit.end)
        return offset + (self._edits[number - 1].shift if number else 0)
