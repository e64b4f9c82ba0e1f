"""Text folded for comparison, with the way back to where each character stood.

Folding evens out what a transcript and a model write differently without a
word being different: Unicode form, case, white space, quotation marks, dashes
and characters that nobody sees. It changes no letter, accent or full stop.
"""

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

_DROPPED = re.compile(
    "[\u0000-\u0008\u000e-\u001b\u007f-\u0084\u0086-\u009f"  # controls but white space
    "\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2"  # soft hyphen, joiner, Arabic and Syriac marks
    "\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\uffa0"  # fillers, Mongolian selectors
    "\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\ufff9-\ufffb"  # zero width, bidirectional, selectors
    "\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_DASHES = re.compile(
    "[\u058a\u05be\u1400\u1806\u2010-\u2015\u2043\u2212\u2e17\u2e1a\u2e3a\u2e3b\u2e40\u2e5d\u301c\u3030\u30a0\U00010ead]"
)
_DOUBLE_QUOTES = re.compile("[\u00ab\u00bb\u201c-\u201f\u2760\u275d\u275e\u301d-\u301f]")
_SINGLE_QUOTES = re.compile("[\u02b9\u02bb-\u02bd\u2018-\u201b\u2032\u2035\u2039\u203a\u275b\u275c]")
_ACUTE = "\u00b4"
"""Typed for an apostrophe. Its compatibility form is a space with an accent, so it goes first."""

_ASCII = dict.fromkeys((*range(9), *range(14, 28), 127)) | {ord("`"): "'"}
_UNEVEN_SPACE = re.compile(r"[^\S ]|  ")
_SPACE = re.compile(r"\s+")

_BLOCK = 256
_LONGEST_ACCENT = 96
"""Marks on one letter that are kept together. Sorting a million marks on one letter would take for ever."""


def normalize(text: str) -> str:
    """The form in which texts are compared, without white space around it."""
    return _with_even_spaces(_fold_characters(text)).strip()


def strip_format(text: str) -> str:
    """The text without format and control characters."""
    return text if text.isascii() and text.isprintable() else _DROPPED.sub("", text)


class Span(NamedTuple):
    """A stretch of text: offset of its first character and the offset behind its last."""

    start: int
    end: int


class _Pieces(NamedTuple):
    """The folded characters of a block: where each begins and ends, and what it was made of."""

    starts: dict[int, int]
    """Folded offset to offset in the source."""
    ends: dict[int, int]


class NormalizedText:
    """A stretch of a text, folded; `original_span` tells where a piece of it stood.

    Folding runs block by block at the speed of the built-in functions. Only the
    blocks in which a match begins or ends are gone through character by character.
    """

    def __init__(self, source: str, start: int, end: int) -> None:
        self._source = source
        self._blocks = list(pairwise(_block_borders(source, start, end)))
        self._offsets: list[int] = []
        self._pieces_of_block: dict[int, _Pieces] = {}
        self.text = "".join(self._fold_blocks())

    def original_span(self, start: int, end: int) -> Span | None:
        """Where `text[start:end]` stood. None where a border falls inside a character."""
        source_start = self._pieces(bisect_right(self._offsets, start) - 1).starts.get(start)
        source_end = self._pieces(bisect_left(self._offsets, end) - 1).ends.get(end)
        if source_start is None or source_end is None:
            return None
        return Span(source_start, source_end)

    def _fold_blocks(self) -> Iterator[str]:
        length, is_after_space = 0, False
        for start, end in self._blocks:
            self._offsets.append(length)
            piece = _with_even_spaces(_fold_characters(self._source[start:end]))
            if is_after_space and piece.startswith(" "):
                piece = piece[1:]
            if piece:
                is_after_space = piece.endswith(" ")
                length += len(piece)
                yield piece

    def _pieces(self, block: int) -> _Pieces:
        if block not in self._pieces_of_block:
            self._pieces_of_block[block] = self._fold_by_character(block)
        return self._pieces_of_block[block]

    def _fold_by_character(self, block: int) -> _Pieces:
        pieces = _Pieces({}, {})
        at = self._offsets[block]
        is_after_space = at > 0 and self.text[at - 1] == " "
        for span in _characters(self._source, *self._blocks[block]):
            piece = _fold_character(self._source[span.start : span.end])
            if is_after_space and piece.startswith(" "):
                piece = piece[1:]
            if piece:
                is_after_space = piece.endswith(" ")
                pieces.starts[at] = span.start
                at += len(piece)
                pieces.ends[at] = span.end
        return pieces


def _fold_characters(text: str) -> str:
    """Everything but white space."""
    if text.isascii():
        return text.lower().translate(_ASCII)
    text = _DROPPED.sub("", text).replace(_ACUTE, "'").replace("`", "'")
    text = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return _SINGLE_QUOTES.sub("'", _DOUBLE_QUOTES.sub('"', _DASHES.sub("-", text)))


def _with_even_spaces(text: str) -> str:
    return _SPACE.sub(" ", text) if _UNEVEN_SPACE.search(text) else text


@lru_cache(maxsize=4096)
def _fold_character(character: str) -> str:
    return _with_even_spaces(_fold_characters(character))


@lru_cache(maxsize=4096)
def _is_dropped(character: str) -> bool:
    return _DROPPED.match(character) is not None


@lru_cache(maxsize=4096)
def _belongs_to_previous(character: str) -> bool:
    """Whether it is a mark on the character before it: normalization may reorder it, but not over a letter."""
    return unicodedata.combining(unicodedata.normalize("NFKD", character)[0]) != 0


def _characters(source: str, start: int, end: int) -> Iterator[Span]:
    """The characters that a person sees, each with its marks. What is dropped belongs to none of them at its ends."""
    first, last = -1, start
    for index in range(start, end):
        character = source[index]
        if _is_dropped(character):
            continue
        if first < 0:
            first = index
        elif not _belongs_to_previous(character):
            yield Span(first, last)
            first = index
        last = index + 1
    if first >= 0:
        yield Span(first, last)


def _block_borders(source: str, start: int, end: int) -> Iterator[int]:
    """Borders between characters, about `_BLOCK` apart, the first and the last included."""
    border = start
    while border < end:
        yield border
        border = min(border + _BLOCK, end)
        latest = min(border + _LONGEST_ACCENT, end)
        while border < latest and (_is_dropped(source[border]) or _belongs_to_previous(source[border])):
            border += 1
    yield end
