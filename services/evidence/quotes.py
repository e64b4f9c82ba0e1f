"""Looks up the quotes that a model proposes, and cuts them from the source with their whole sentences.

A quote is found word for word, or after evening out what `search_text` evens out. There is no fuzzy matching beyond
that: a sentence and its negation are 99 % alike. Every refusal has a reason (`RefusalReason`).
"""

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import NamedTuple

from services.evidence.debrief import Cut, Quote, RefusalReason
from services.evidence.matching import Match, find_words
from services.evidence.passages import (
    PassageIndex,
    PassagePart,
    QuotablePassage,
    Work,
    evidence_passages,
    notes_passage,
)
from services.evidence.proposals import Words, read_proposal
from services.evidence.questions import Questions
from services.evidence.sentences import whole_sentences
from services.text.normalization import Span, normalize
from services.transcript.transcript import Transcript, Turn

MOST_WORK = 200_000_000
"""Maximum characters that are scanned for one debrief: less than a second of CPU time, whatever the text."""

_CHARACTER_COST = 200
"""Reading, cutting and comparing one character of a proposal takes as long as scanning this many."""

_ROLES = frozenset({"candidate", "interviewer", "other", "unknown"})


class Stopped(Exception):
    """The caller's work was cancelled."""


class Lookup(NamedTuple):
    """The quotes that a proposal was found to be, or why it was refused."""

    quotes: tuple[Quote, ...] = ()
    refused: RefusalReason | None = None


class QuoteFinder:
    """Looks quotes up in one transcript and in the interviewer's notes. Each distinct quote is looked up once.

    `should_stop` is asked before each lookup, which then raises `Stopped`. Once `MOST_WORK` is done, every further
    quote is refused as not found, and `is_exhausted` is true.
    """

    def __init__(
        self, transcript: Transcript, notes: str = "", should_stop: Callable[[], bool] = lambda: False
    ) -> None:
        self._transcript = transcript
        self._notes = notes
        self._should_stop = should_stop
        self._labels = _ROLES.union(normalize(speaker.label) for speaker in transcript.speakers)
        self._lookups: dict[tuple[str, int | None], Lookup] = {}
        self._lookups_in_notes: dict[str, Lookup] = {}
        self._work = Work(MOST_WORK)
        self._questions = Questions(transcript.turns)

    @property
    def is_exhausted(self) -> bool:
        return self._work.is_exhausted

    def find_quote(self, quote: str, turn: int | None) -> Lookup:
        """The quote in the turn that it names, else in the nearest turn that may be quoted.

        Where the turn does not exist, the words must occur exactly once. An ellipsis makes several quotes, which
        must occur in this order.
        """
        key = (quote, turn)
        if key not in self._lookups:
            self._lookups[key] = self._look_up(quote, self._turn(turn)) if self._may_look_up(quote) else _NOT_FOUND
        return self._lookups[key]

    def find_in_notes(self, quote: str) -> Lookup:
        """The quote in the interviewer's notes. Where there are none, the only source is the transcript."""
        if not self._notes.strip():
            lookup = self.find_quote(quote, None)
            return _NOT_FOUND if lookup.refused == "no_such_turn" else lookup
        if quote not in self._lookups_in_notes:
            self._lookups_in_notes[quote] = self._look_up_in_notes(quote) if self._may_look_up(quote) else _NOT_FOUND
        return self._lookups_in_notes[quote]

    @cached_property
    def _evidence_index(self) -> PassageIndex:
        return PassageIndex(evidence_passages(self._transcript), self._work)

    @cached_property
    def _other_index(self) -> PassageIndex:
        """Words that may not be quoted: looked up only to name the reason of a refusal."""
        others = (turn for turn in self._transcript.turns if not turn.is_evidence)
        return PassageIndex((QuotablePassage([turn], [turn.text]) for turn in others), self._work)

    @cached_property
    def _notes_index(self) -> PassageIndex:
        return PassageIndex([notes_passage(self._notes)], self._work)

    def _may_look_up(self, quote: str) -> bool:
        if self._should_stop():
            raise Stopped
        self._work.add(_CHARACTER_COST * len(quote))
        return not self.is_exhausted

    def _turn(self, number: int | None) -> Turn | None:
        if number is None or not 1 <= number <= len(self._transcript.turns):
            return None
        return self._transcript.turns[number - 1]

    def _look_up(self, quote: str, named: Turn | None) -> Lookup:
        readings = list(read_proposal(quote, self._labels))
        if not readings:
            return Lookup(refused="too_short")
        if named and not named.is_evidence and any(self._are_said_in(named, words) for words in readings):
            return Lookup(refused="wrong_speaker")
        near = named.number if named else None
        lookup = self._find(self._evidence_index, readings, near, is_unique=named is None)
        if lookup.refused != "not_found":
            return lookup
        if any(any(True for _ in self._other_index.hits(words[0].form)) for words in readings):
            return Lookup(refused="wrong_speaker")
        return lookup if named else Lookup(refused="no_such_turn")

    def _are_said_in(self, turn: Turn, words: Sequence[Words]) -> bool:
        """Whether a turn that may not be quoted has the words."""
        passage = self._other_index.passage_of(turn.number)
        return passage is not None and any(True for _ in self._other_index.hits_in(passage, words[0].form))

    def _look_up_in_notes(self, quote: str) -> Lookup:
        readings = list(read_proposal(quote, self._labels))
        return self._find(self._notes_index, readings, None) if readings else Lookup(refused="too_short")

    def _find(
        self, index: PassageIndex, readings: Sequence[Sequence[Words]], near: int | None, *, is_unique: bool = False
    ) -> Lookup:
        """The first reading that is found, else whether one occurs reversed."""
        refused: RefusalReason = "not_found"
        for words in readings:
            matches = find_words(index, words, near_turn=near, is_unique=is_unique)
            if matches and not matches[-1].is_reversed:
                return Lookup(tuple(quote for match in matches for quote in self._cut(match)))
            refused = "reversed" if matches else refused
        return Lookup(refused=refused)

    def _cut(self, match: Match) -> Iterator[Quote]:
        """The match with its whole sentences: a quote for each turn that they lie in, or for each 600 characters."""
        passage = match.passage
        is_first = True
        for sentences in whole_sentences(passage.text, match.span, lines_end_sentences=passage.is_notes):
            for piece in passage.pieces(sentences.span):
                cut = _intersection(match.span, piece.span)
                yield self._quote(piece, cut, match, truncated=sentences.is_truncated, continues=not is_first)
                is_first = False

    def _quote(self, piece: PassagePart, cut: Cut, match: Match, *, truncated: bool, continues: bool) -> Quote:
        turn = piece.turn
        source = self._transcript.text if turn else self._notes
        return Quote(
            text=source[piece.source.start : piece.source.end],
            cut=cut,
            status="exact" if match.is_exact else "normalized",
            source="transcript" if turn else "notes",
            speaker=turn.role if turn else None,
            turn=turn.number if turn else None,
            at=turn.at if turn else None,
            question=self._questions.before(turn) if turn and turn.role == "candidate" else None,
            start=piece.source.start,
            end=piece.source.end,
            truncated=truncated,
            continues=continues,
        )


_NOT_FOUND = Lookup(refused="not_found")


def _intersection(selection: Span, piece: Span) -> Cut:
    """The overlap of the selection and the piece, as offsets in the piece. Empty without an overlap."""
    start = max(selection.start, piece.start) - piece.start
    end = min(selection.end, piece.end) - piece.start
    return Cut(start=start, end=end) if start < end else Cut(start=0, end=0)
