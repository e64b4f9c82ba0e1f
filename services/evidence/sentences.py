"""The whole sentences around a selection, so that no cut can reverse what was said.

In doubt a full stop ends no sentence (`Dr.`, `e.g.`, `3.`, `well...`): a sentence too many is harmless, a sentence cut
in two is not. Text without punctuation is bounded by its paragraph and by the length limit.
"""

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from services.evidence.word_boundaries import is_word_border
from services.text.normalization import Span

LONGEST_QUOTE = 600
"""Characters."""
TURN_BORDER = "\u2028"
"""Separator of turns that are read as one text: white space that ends a sentence if a capital follows."""

_STOPS = ".!?\u2026\u203d\u061f\u0589\u1362\u1367\u06d4\u0964\u0965\u104a\u104b\u17d4\u17d5\u2047-\u2049"
_STOP = f"(?<![{_STOPS}])(?P<stop>[{_STOPS}]++)"
_UNSPACED_STOP = "[\u3002\uff0e\uff01\uff1f\uff61]+"
_CLOSING = "[\"'\u201d\u2019\u00bb\u203a)\\]}\u300d\u300f\uff09\u3011\u300b\u3009*_]*+"
_BLANKS = r"[^\S\r\n]"
_LINE_BREAK = rf"{_BLANKS}*+(?:\r\n?|\n)"
_LIST_ITEM = rf"{_BLANKS}*+(?:[-*\u2022\u2013]|\d{{1,3}}[.)]){_BLANKS}"
_BOUNDARY = re.compile(
    rf"{_STOP}{_CLOSING}(?=\s|$)|{_UNSPACED_STOP}{_CLOSING}"
    rf"|(?<!{_BLANKS})(?=(?:{_LINE_BREAK}){{2,}}+(?!{_LIST_ITEM}))|(?P<border>{TURN_BORDER})"
)
"""The end of a sentence, a blank line, or a border between turns. What introduces a list belongs to its items."""
_BOUNDARY_OR_LINE = re.compile(
    rf"{_BOUNDARY.pattern}|(?<!{_BLANKS})(?<![:\uff1a])(?=(?:{_LINE_BREAK})++(?!{_LIST_ITEM}))"
)

_LAST_WORD = re.compile(r"[^\s\"'(\[\u201c\u201e\u00ab]{1,20}$")
_NEXT_LETTER = re.compile(r"\W{0,20}(\w)")
_TITLES = (
    "dr",
    "mr",
    "mrs",
    "ms",
    "mx",
    "prof",
    "st",
    "sr",
    "jr",
    "rev",
    "hon",
    "hr",
    "fr",
    "sra",
    "mme",
    "mag",
    "ing",
)
_RANKS = ("gen", "lt", "col", "capt", "maj", "sgt", "cpl", "adm", "gov", "pres", "sen", "rep")
_SHORTENED = ("no", "nr", "vs", "fig", "art", "approx", "ca", "bzw", "usw", "etc", "resp", "incl", "inc", "ltd", "co")
_ABBREVIATIONS = frozenset((*_TITLES, *_RANKS, *_SHORTENED, "corp", "dept", "univ"))
_LONGEST_ORDINAL = 2
"""Digits: `am 3. Mai`, but `in 2019. Then`."""


class Sentences(NamedTuple):
    """Whole sentences. `is_truncated`: the beginning or the end of a sentence is missing."""

    span: Span
    is_truncated: bool = False


def whole_sentences(text: str, selection: Span, *, lines_end_sentences: bool = False) -> list[Sentences]:
    """The sentences that the selection touches, in order, packed into pieces of at most 600 characters.

    A longer sentence is cut at words: around the selection, or through it where the selection is longer as well.
    """
    pieces: list[Sentences] = []
    for sentence in sentences_in(text, selection, lines_end_sentences=lines_end_sentences):
        if pieces and not pieces[-1].is_truncated and sentence.end - pieces[-1].span.start <= LONGEST_QUOTE:
            pieces[-1] = Sentences(Span(pieces[-1].span.start, sentence.end))
        elif sentence.end - sentence.start <= LONGEST_QUOTE:
            pieces.append(Sentences(sentence))
        else:
            pieces += (Sentences(part, is_truncated=True) for part in _parts(text, sentence, selection))
    return pieces


def sentences_in(text: str, selection: Span, *, lines_end_sentences: bool = False) -> Iterator[Span]:
    """Each sentence that the selection touches. Text further away than one length limit is not read."""
    boundary = _BOUNDARY_OR_LINE if lines_end_sentences else _BOUNDARY
    first = max(0, selection.start - LONGEST_QUOTE - 1)
    last = min(len(text), selection.end + LONGEST_QUOTE + 1)
    for start, end in pairwise((first, *_boundaries(text, first, last, boundary), last)):
        sentence = _trimmed(text, start, end)
        if sentence.start < selection.end and sentence.end > selection.start:
            yield sentence


def _boundaries(text: str, first: int, last: int, boundary: re.Pattern[str]) -> Iterator[int]:
    """The ends of sentences between these offsets."""
    window = text[first:last]
    has_capitals = window != window.lower()
    for match in boundary.finditer(text, first, last):
        if _is_boundary(text, match, has_capitals=has_capitals):
            yield match.end()


def _is_boundary(text: str, match: re.Match[str], *, has_capitals: bool) -> bool:
    following = _NEXT_LETTER.match(text, match.end())
    letter = following[1] if following else ""
    if match["border"]:
        return letter.isupper()
    if match["stop"] is None:
        return True
    return not (has_capitals and letter.islower()) and _is_full_stop(text, match)


def _is_full_stop(text: str, match: re.Match[str]) -> bool:
    if "\u2026" in match["stop"] or ".." in match["stop"]:
        return False
    return match["stop"] != "." or not _is_abbreviation(text[max(0, match.start() - 20) : match.start()])


def _is_abbreviation(before: str) -> bool:
    """Whether a text that a full stop follows ends with an abbreviation, an initial or an ordinal number."""
    match = _LAST_WORD.search(before)
    word = match[0].casefold() if match else ""
    is_ordinal = word.isdigit() and len(word) <= _LONGEST_ORDINAL
    return is_ordinal or "." in word or word in _ABBREVIATIONS or (len(word) == 1 and word.isalpha())


def _trimmed(text: str, start: int, end: int) -> Span:
    """The span without the white space around it."""
    piece = text[start:end]
    return Span(end - len(piece.lstrip()), start + len(piece.rstrip()))


def _parts(text: str, sentence: Span, selection: Span) -> Iterator[Span]:
    """A sentence over the length limit in parts that are within it."""
    chosen = Span(max(sentence.start, selection.start), min(sentence.end, selection.end))
    room = LONGEST_QUOTE - (chosen.end - chosen.start)
    if room < 0:
        yield from _cut_through(text, chosen)
        return
    after = min(sentence.end - chosen.end, room // 2)
    before = min(chosen.start - sentence.start, room - after)
    after = min(sentence.end - chosen.end, room - before)
    start = _border(text, range(chosen.start - before, chosen.start + 1))
    end = _border(text, range(chosen.end + after, chosen.end - 1, -1))
    yield _trimmed(text, start, end)


def _cut_through(text: str, chosen: Span) -> Iterator[Span]:
    start = chosen.start
    while start < chosen.end:
        limit = min(start + LONGEST_QUOTE, chosen.end)
        end = limit if limit == chosen.end else _border(text, range(limit, start, -1))
        yield _trimmed(text, start, end)
        start = end


def _border(text: str, offsets: range) -> int:
    """The first of the offsets that is a border between words, else the first of all."""
    return next((offset for offset in offsets if is_word_border(text, offset, 0, len(text))), offsets[0])
