"""Text normalization for comparison, with the way back to the original offsets.

Normalizing removes differences in spelling between a transcript and a model's text that change no word: Unicode form,
case, white space, quotation marks, dashes and format characters. It changes no letter, accent or full stop.
"""

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from services.text.invisible import strip_format

_DASHES = re.compile(
    "[\u058a\u05be\u1400\u1806\u2010-\u2015\u2043\u2212\u2e17\u2e1a\u2e3a\u2e3b\u2e40\u2e5d\u301c\u3030\u30a0\U00010ead]"
)
_DOUBLE_QUOTES = re.compile("[\u00ab\u00bb\u201c-\u201f\u2760\u275d\u275e\u301d-\u301f]")
_SINGLE_QUOTES = re.compile("[\u02b9\u02bb-\u02bd\u2018-\u201b\u2032\u2035\u2039\u203a\u275b\u275c]")
_ACUTE = "\u00b4"
"""Typed for an apostrophe. Its compatibility form is a space with an accent, so it is replaced first."""

_ASCII = dict.fromkeys((*range(9), *range(14, 28), 127)) | {ord("`"): "'"}
_NEEDS_COLLAPSING = re.compile(r"[^\S ]|  ")
_SPACE = re.compile(r"\s+")

_BLOCK_CHARACTERS = 256
_MOST_MARKS = 96
"""Marks on one letter that are kept together. Unicode normalization sorts them, which is quadratic in their number."""


def normalize(text: str) -> str:
    """The form in which texts are compared, without white space around it."""
    if text.isascii() and text.isprintable() and "  " not in text:
        return text.lower().replace("`", "'").strip()
    return _collapse_spaces(_normalize_characters(text)).strip()


class Span(NamedTuple):
    """A stretch of text: the offset of its first character, and the offset after its last."""

    start: int
    end: int


class _Pieces(NamedTuple):
    """Offsets of one block: where its normalized characters begin and end in the source."""

    starts: dict[int, int]
    ends: dict[int, int]


class NormalizedText:
    """A normalized stretch of a text; `original_span` gives the place in the source of a piece of it.

    Normalization runs block by block with built-in functions. Only the blocks in which a match begins or ends are
    processed character by character.
    """

    def __init__(self, source: str, start: int, end: int) -> None:
        self._source = source
        self._blocks = list(pairwise(_block_borders(source, start, end)))
        self._offsets: list[int] = []
        self._pieces_of_block: dict[int, _Pieces] = {}
        self.text = "".join(self._normalize_blocks())

    def original_span(self, start: int, end: int) -> Span | None:
        """The source of `text[start:end]`; None where a border falls inside a source character, such as a ligature."""
        source_start = self._pieces(bisect_right(self._offsets, start) - 1).starts.get(start)
        source_end = self._pieces(bisect_left(self._offsets, end) - 1).ends.get(end)
        if source_start is None or source_end is None:
            return None
        return Span(source_start, source_end)

    def _normalize_blocks(self) -> Iterator[str]:
        length, is_after_space = 0, False
        for start, end in self._blocks:
            self._offsets.append(length)
            piece = _collapse_spaces(_normalize_characters(self._source[start:end]))
            if is_after_space and piece.startswith(" "):
                piece = piece[1:]
            if piece:
                is_after_space = piece.endswith(" ")
                length += len(piece)
                yield piece

    def _pieces(self, block: int) -> _Pieces:
        if block not in self._pieces_of_block:
            self._pieces_of_block[block] = self._locate_characters(block)
        return self._pieces_of_block[block]

    def _locate_characters(self, block: int) -> _Pieces:
        pieces = _Pieces({}, {})
        at = self._offsets[block]
        is_after_space = at > 0 and self.text[at - 1] == " "
        for span in _characters(self._source, *self._blocks[block]):
            piece = _normalize_character(self._source[span.start : span.end])
            if is_after_space and piece.startswith(" "):
                piece = piece[1:]
            if piece:
                is_after_space = piece.endswith(" ")
                pieces.starts[at] = span.start
                at += len(piece)
                pieces.ends[at] = span.end
        return pieces


def _normalize_characters(text: str) -> str:
    """Normalizes everything except white space."""
    if text.isascii():
        return text.lower().translate(_ASCII)
    text = strip_format(text).replace(_ACUTE, "'").replace("`", "'")
    text = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return _SINGLE_QUOTES.sub("'", _DOUBLE_QUOTES.sub('"', _DASHES.sub("-", text)))


def _collapse_spaces(text: str) -> str:
    return _SPACE.sub(" ", text) if _NEEDS_COLLAPSING.search(text) else text


@lru_cache(maxsize=4096)
def _normalize_character(character: str) -> str:
    return _collapse_spaces(_normalize_characters(character))


@lru_cache(maxsize=4096)
def _is_dropped(character: str) -> bool:
    return not strip_format(character)


@lru_cache(maxsize=4096)
def _belongs_to_previous(character: str) -> bool:
    """Whether it is a combining mark: normalization may reorder marks, but never across a letter."""
    return unicodedata.combining(unicodedata.normalize("NFKD", character)[0]) != 0


def _characters(source: str, start: int, end: int) -> Iterator[Span]:
    """The visible characters, each with its marks. Dropped characters between two of them belong to neither."""
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
    """Offsets between characters, about `_BLOCK_CHARACTERS` apart, including the first and the last."""
    border = start
    while border < end:
        yield border
        border = min(border + _BLOCK_CHARACTERS, end)
        latest = min(border + _MOST_MARKS, end)
        while border < latest and (_is_dropped(source[border]) or _belongs_to_previous(source[border])):
            border += 1
    yield end
