"""Passages: what one speaker says without a real interruption, and the notes. A quote lies within one passage."""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import accumulate
from typing import NamedTuple

from services.evidence.search_text import SearchText
from services.evidence.sentences import TURN_BORDER
from services.evidence.word_boundaries import is_unspaced
from services.text.normalization import Span
from services.transcript.transcript import Transcript, Turn

_LONGEST_BACKCHANNEL = 20
_MOST_BACKCHANNEL_WORDS = 3
_ASKS = re.compile("[?\uff1f\u061f]")
_MOST_HITS = 200
"""Maximum hits per search. Bounds the work on a text in which the words occur many times inside longer words."""
_HIT_COST = 3000
"""Checking a hit takes about as long as scanning this many characters."""


class PassagePart(NamedTuple):
    """The part of a passage that lies in one turn, or in the notes (`turn` is None)."""

    turn: Turn | None
    span: Span
    """Offset in the passage."""
    source: Span
    """Offset in the transcript or the notes."""


class QuotablePassage:
    """Text of one speaker: turns that follow each other, or the notes, joined as one text."""

    def __init__(self, turns: Sequence[Turn | None], texts: Sequence[str]) -> None:
        self._turns = turns
        self._starts: list[int] = []
        self.text = self._join(texts)

    @property
    def is_notes(self) -> bool:
        return self._turns[0] is None

    @cached_property
    def search(self) -> SearchText:
        return SearchText(self.text)

    def turn_at(self, offset: int) -> int:
        """Number of the turn at this offset; 0 in the notes."""
        turn = self._turns[bisect_right(self._starts, offset) - 1]
        return turn.number if turn else 0

    def pieces(self, span: Span) -> Iterator[PassagePart]:
        """The parts of the span, one for each turn that it touches."""
        for number in range(bisect_right(self._starts, span.start) - 1, len(self._starts)):
            start, turn = self._starts[number], self._turns[number]
            if start >= span.end:
                return
            length = len(turn.text) if turn else len(self.text)
            part = Span(max(span.start, start), min(span.end, start + length))
            shift = (turn.start if turn else 0) - start
            yield PassagePart(turn, part, Span(part.start + shift, part.end + shift))

    def _join(self, texts: Sequence[str]) -> str:
        joined: list[str] = []
        length = 0
        for text in texts:
            if joined and not (is_unspaced(joined[-1][-1:]) and is_unspaced(text[:1])):
                joined[-1] += TURN_BORDER
                length += len(TURN_BORDER)
            self._starts.append(length)
            joined.append(text)
            length += len(text)
        return "".join(joined)


def notes_passage(notes: str) -> QuotablePassage:
    """The interviewer's notes as one passage."""
    return QuotablePassage([None], [notes])


def evidence_passages(transcript: Transcript) -> Iterator[QuotablePassage]:
    """The words that may be quoted. Turns of one speaker are one passage, also across a short `Mhm` of another."""
    for turns in _runs(transcript.turns):
        yield QuotablePassage(turns, [turn.text for turn in turns])


def _runs(turns: Iterable[Turn]) -> Iterator[list[Turn]]:
    run: list[Turn] = []
    for turn in turns:
        if not turn.is_evidence:
            is_over = not _is_backchannel(turn.text)
        else:
            is_over = bool(run) and not _is_same_speaker(run[-1], turn)
        if is_over and run:
            yield run
            run = []
        if turn.is_evidence:
            run.append(turn)
    if run:
        yield run


def _is_same_speaker(one: Turn, other: Turn) -> bool:
    """Two unnamed speakers are not assumed to be the same person."""
    return one.role == other.role == "candidate" or (one.speaker is not None and one.speaker == other.speaker)


def _is_backchannel(text: str) -> bool:
    """Whether the words are no more than `Mhm`, `Right, okay` or `はい`."""
    is_short = len(text) <= _LONGEST_BACKCHANNEL and len(text.split()) <= _MOST_BACKCHANNEL_WORDS
    return is_short and not _ASKS.search(text)


class Hit(NamedTuple):
    """An occurrence of a search form in a passage's search text."""

    passage: QuotablePassage
    start: int
    end: int

    @property
    def span(self) -> Span | None:
        """The place in the passage. None where an end falls inside a character."""
        return self.passage.search.original_span(self.start, self.end)


class Work:
    """Counts work in characters scanned, up to a limit."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._done = 0

    @property
    def is_exhausted(self) -> bool:
        return self._done > self._limit

    def add(self, characters: int) -> None:
        self._done += characters


class PassageIndex:
    """Finds a search form in one passage, or in all of them with one scan, and counts the work.

    No hits are found once the work is exhausted, and at most 200 for each search.
    """

    def __init__(self, passages: Iterable[QuotablePassage], work: Work) -> None:
        self._passages = list(passages)
        self._work = work
        self._first_turns = [passage.turn_at(0) for passage in self._passages]

    def passage_of(self, turn: int) -> QuotablePassage | None:
        """The passage that a turn is in, or, for a turn of another speaker, the one before it."""
        index = bisect_right(self._first_turns, turn) - 1
        return self._passages[index] if index >= 0 else None

    def hits_in(self, passage: QuotablePassage, form: str, start: int = 0) -> Iterator[Hit]:
        """Occurrences of the form in one passage, from an offset of its search text on."""
        for at in self._find_all(passage.search.text, form, start):
            yield Hit(passage, at, at + len(form))

    def hits(self, form: str) -> Iterator[Hit]:
        """Occurrences of the form in all passages, in order."""
        if not self._words.issuperset(form.split(" ")[1:-1]):
            return  # an inner word occurs nowhere, so the form does not either
        for at in self._find_all(self._text, form, 0):
            number = bisect_right(self._starts, at) - 1
            start = at - self._starts[number]
            yield Hit(self._passages[number], start, start + len(form))

    @cached_property
    def _text(self) -> str:
        return "\n".join(passage.search.text for passage in self._passages)

    @cached_property
    def _starts(self) -> list[int]:
        lengths = (len(passage.search.text) + len("\n") for passage in self._passages)
        return list(accumulate(lengths, initial=0))[:-1]

    @cached_property
    def _words(self) -> frozenset[str]:
        return frozenset(self._text.split())

    def _find_all(self, text: str, form: str, start: int) -> Iterator[int]:
        for _ in range(_MOST_HITS):
            at = text.find(form, start)
            self._work.add((at + _HIT_COST if at >= 0 else len(text)) - start)
            if at < 0 or self._work.is_exhausted:
                return
            yield at
            start = at + 1
