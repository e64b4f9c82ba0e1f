"""Plain transcripts, cut into passages where they stand: a speaker's label begins one."""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from services.evidence.heads import find_heads

_PARAGRAPH_BREAK = re.compile(r"\n[^\S\n]*\n\s*")


class Passage(NamedTuple):
    """`source[start:end]`, said by `speaker`; empty where nobody is named."""

    speaker: str
    at: str | None
    start: int
    end: int


def read_lines(source: str, known_names: Sequence[str] = ()) -> list[Passage]:
    """Every passage that says something. Lines without a label go on with the one before them; before the first
    label, or where there is none at all, each paragraph is a passage of nobody's.
    """
    passages = (_trimmed(source, passage) for passage in _passages(source, known_names))
    return [passage for passage in passages if passage.start < passage.end]


def _passages(source: str, known_names: Sequence[str]) -> Iterator[Passage]:
    heads = find_heads(source, known_names)
    borders = [*(head.start for head in heads), len(source)]
    yield from _paragraphs(source, borders[0])
    for head, end in zip(heads, borders[1:], strict=True):
        yield Passage(head.label.name, head.label.at, head.end, end)


def _paragraphs(source: str, end: int) -> Iterator[Passage]:
    breaks = [match.start() for match in _PARAGRAPH_BREAK.finditer(source, 0, end)]
    for start, stop in pairwise((0, *breaks, end)):
        yield Passage("", None, start, stop)


def _trimmed(source: str, passage: Passage) -> Passage:
    """Without the white space around it."""
    text = source[passage.start : passage.end]
    start = passage.end - len(text.lstrip())
    return passage._replace(start=start, end=max(start, passage.start + len(text.rstrip())))
