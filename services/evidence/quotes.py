"""Quotes, looked up in what was said and cut from there.

A quote that a model proposes stands in its turn word for word, or after folding
(see `folding`), or it is no quote. There is no fuzzy matching beyond that: a
sentence and its negation are 99 % alike. For the same reason a quote may not
begin right behind a negation (see `negations`); one that is cut off before its
negation, or before an `in fact I did not`, is for the reader to notice.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from services.evidence.debrief import Quote
from services.evidence.negations import follows_negation
from services.evidence.word_boundaries import end_with_marks, is_long_enough_to_quote, is_word_border
from services.text.normalization import NormalizedText, Span, normalize
from services.transcript.transcript import Transcript, Turn

_ELLIPSIS = re.compile(r"[ \t]?(?:[\[(][ \t]?)?(?:\u2026|\.[ \t]?\.[ \t]?\.)[\u2026.]*(?:[ \t]?[\])])?")
_QUOTED = re.compile('["\u201c\u201d\u201e\u00ab\u00bb](.+)["\u201c\u201d\u00ab\u00bb]', re.DOTALL)
_MOST_HITS = 200
"""What stands hundreds of times inside of longer words can't be placed. Bounds the work on text made to be slow."""


class _Cut(NamedTuple):
    """A piece of the source that a quote was found to be."""

    span: Span
    is_exact: bool


class _Passage:
    """A stretch of a text in which quotes are looked up: one turn, or the notes."""

    def __init__(self, source: str, start: int, end: int) -> None:
        self._source = source
        self._start = start
        self._end = end
        self._folded: NormalizedText | None = None

    def find(self, words: str) -> list[_Cut]:
        """The one piece that the words are, or the pieces that they join with an ellipsis, in order. Words that stand
        there more than once are placed where they stand first. Empty when they don't stand there.
        """
        if not is_long_enough_to_quote(normalize(words)):
            return []
        exact = self.find_exact(words)
        if exact:
            return [_cut_of(words, exact)]
        return self._find_in_order([words]) or self._find_in_order(_pieces(words))

    def find_exact(self, words: str) -> Span | None:
        """The words as they are."""
        for at in _hits(self._source, words, self._start, self._end):
            span = self._as_said(Span(at, at + len(words)))
            if span:
                return span
        return None

    def _find_in_order(self, pieces: list[str]) -> list[_Cut]:
        """All of them, folded, one behind the other."""
        if self._folded is None:
            self._folded = NormalizedText(self._source, self._start, self._end)
        cuts: list[_Cut] = []
        start = 0
        for needle in map(normalize, pieces):
            found = self._find_folded(self._folded, needle, start)
            if found is None:
                return []
            start, span = found
            cuts.append(_Cut(span, is_exact=False))
        return cuts

    def _find_folded(self, folded: NormalizedText, needle: str, start: int) -> tuple[int, Span] | None:
        """Where the search goes on, and where the needle stood in the source."""
        for at in _hits(folded.text, needle, start, len(folded.text)):
            unfolded = folded.original_span(at, at + len(needle))
            span = self._as_said(unfolded) if unfolded else None
            if span:
                return at + len(needle), span
        return None

    def _as_said(self, span: Span) -> Span | None:
        """The span in whole words; None where it is no whole words, or where a negation before it is cut off."""
        whole = self._whole_words(span)
        return None if whole and follows_negation(self._source, self._start, whole.start) else whole

    def _whole_words(self, span: Span) -> Span | None:
        """The span with the marks that sit on its last character; None where it begins or ends within a word."""
        end = end_with_marks(self._source, span.end, self._end)
        borders = (is_word_border(self._source, index, self._start, self._end) for index in (span.start, end))
        return Span(span.start, end) if all(borders) else None


class QuoteFinder:
    """Looks quotes up in one transcript and in the interviewer's notes. Made once for a debrief."""

    def __init__(self, transcript: Transcript, notes: str = "") -> None:
        self._transcript = transcript
        self._notes = notes
        self._starts = [turn.start for turn in transcript.turns]
        self._passages: dict[int, _Passage] = {}
        self._notes_passage = _Passage(notes, 0, len(notes))

    def find_quote(self, quote: str, turn: int | None) -> list[Quote]:
        """The quote where it stands in the turn that it names, or word for word in exactly one other turn of the same
        speaker; with an ellipsis, each of its pieces. Empty when it is not found, or when the turn is no evidence.
        """
        named = self._turn(turn)
        if named is None or not named.is_evidence:
            return []
        for words in _readings(quote):
            cuts = self._passage(named).find(words)
            if cuts:
                return [_quote(self._transcript.text, named, cut) for cut in cuts]
            other = self._find_elsewhere(words, named)
            if other:
                return [other]
        return []

    def find_in_notes(self, quote: str) -> list[Quote]:
        """The quote where it stands in the notes; with an ellipsis, each of its pieces."""
        for words in _readings(quote):
            cuts = self._notes_passage.find(words)
            if cuts:
                return [_quote(self._notes, None, cut) for cut in cuts]
        return []

    def _turn(self, number: int | None) -> Turn | None:
        if number is None or not 1 <= number <= len(self._transcript.turns):
            return None
        return self._transcript.turns[number - 1]

    def _passage(self, turn: Turn) -> _Passage:
        if turn.number not in self._passages:
            self._passages[turn.number] = _Passage(self._transcript.text, turn.start, turn.end)
        return self._passages[turn.number]

    def _find_elsewhere(self, words: str, named: Turn) -> Quote | None:
        """The words as they are, in exactly one other turn of the same speaker: a model miscounts turns. In two of
        them they could be from either, and nothing is guessed.
        """
        if not is_long_enough_to_quote(normalize(words)):
            return None
        turns = [turn for turn in islice(self._turns_with(words), _MOST_HITS) if _is_same_speaker(turn, named)]
        found = [(turn, span) for turn in turns if (span := self._passage(turn).find_exact(words))]
        if len(found) != 1 or len(turns) == _MOST_HITS:
            return None
        turn, span = found[0]
        return _quote(self._transcript.text, turn, _cut_of(words, span))

    def _turns_with(self, words: str) -> Iterator[Turn]:
        """Every turn that holds these characters, whether as whole words or not."""
        at = self._transcript.text.find(words)
        while at >= 0:
            turn = self._turn(bisect_right(self._starts, at))
            if turn and at + len(words) <= turn.end:
                yield turn
            at = self._transcript.text.find(words, max(at + 1, turn.end if turn else 0))


def _hits(text: str, words: str, start: int, end: int) -> Iterator[int]:
    at = text.find(words, start, end)
    for _ in range(_MOST_HITS):
        if at < 0:
            return
        yield at
        at = text.find(words, at + 1, end)


def _cut_of(words: str, span: Span) -> _Cut:
    """A mark behind the words that the quote lacks makes it another text."""
    return _Cut(span, is_exact=span.end - span.start == len(words))


def _readings(quote: str) -> Iterator[str]:
    """The quote, and what is inside the quotation marks that a model put around it."""
    words = quote.strip()
    yield words
    quoted = _QUOTED.fullmatch(words)
    if quoted:
        yield quoted[1].strip()


def _pieces(words: str) -> list[str]:
    """What ellipses join. Each has to prove something by itself: out of single words, anything could be joined."""
    pieces = [piece for piece in _ELLIPSIS.split(words) if piece.strip()]
    return pieces if all(is_long_enough_to_quote(normalize(piece)) for piece in pieces) else []


def _is_same_speaker(turn: Turn, named: Turn) -> bool:
    """Nobody named is not the same as nobody named."""
    if not turn.is_evidence or turn.role != named.role:
        return False
    return turn.role == "candidate" or (turn.speaker is not None and turn.speaker == named.speaker)


def _quote(source: str, turn: Turn | None, cut: _Cut) -> Quote:
    return Quote(
        text=source[cut.span.start : cut.span.end],
        status="exact" if cut.is_exact else "normalized",
        source="transcript" if turn else "notes",
        speaker=turn.role if turn else None,
        turn=turn.number if turn else None,
        at=turn.at if turn else None,
        start=cut.span.start,
        end=cut.span.end,
    )
