"""Where turns begin in written transcripts: at a label that a line begins with, or at one inside of a line.

Transcripts that were pasted together on one line have their labels in the
middle: `Candidate: I helped. Interviewer: And then?` There a label has to be
beyond doubt and stand behind the end of a sentence; `They asked me. Role: lead.`
is one speaker's.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from io import StringIO
from itertools import islice, pairwise
from typing import NamedTuple

from services.transcript.speaker_labels import Label, SpeakerLabels, read_label

_PARAGRAPH_BREAK = re.compile(r"\n[^\S\n]*\n\s*")
_COLON = re.compile(r":(?=[*_]{0,2}(?:[ \t\u00a0\r\n]|$))|\uff1a")
_LONGEST_GAP = 4
"""Characters from the colon to the speech, as in `**Interviewer:** Why?`."""
_SENTENCE_END = re.compile(
    "[.!?\u2026]+[\"'\u201d\u2019\u00bb)\\]*_]{0,3}[ \t\u00a0]+"
    "|[\u3002\uff01\uff1f]+[\u201d\u2019\u300d\u300f\uff09]{0,2}[ \t\u3000]*"
)
_LONGEST_INSIDE = 120
_MOST_STARTS = 3
"""`Dr. J. Example` has two full stops in it, so the last end of a sentence is not always the right one."""


class Utterance(NamedTuple):
    """`source[start:end]`, said by `speaker`; empty where nobody is named."""

    speaker: str
    at: str | None
    start: int
    end: int


class TurnStart(NamedTuple):
    """A label and the offset at which it begins."""

    label: Label
    start: int

    @property
    def end(self) -> int:
        """Where the speech begins."""
        return self.start + self.label.end


def find_turn_starts(source: str, known_names: Sequence[str] = ()) -> list[TurnStart]:
    """The heads of all turns, in order."""
    lines = list(_line_turn_starts(source))
    speakers = SpeakerLabels([turn_start.label for turn_start in lines], known_names)
    accepted = [turn_start for turn_start in lines if speakers.accept(turn_start.label)]
    return without_overlaps([*accepted, *inner_turn_starts(source, speakers)])


def inner_turn_starts(source: str, speakers: SpeakerLabels) -> Iterator[TurnStart]:
    """The heads that are beyond doubt, wherever they stand. The speakers must know those that begin a turn by then."""
    last = 0
    for colon in _COLON.finditer(source):
        turn_start = _inner_turn_start(source, max(last, colon.start() - _LONGEST_INSIDE), colon.start(), speakers)
        if turn_start:
            yield turn_start
        last = colon.end()


def _line_turn_starts(source: str) -> Iterator[TurnStart]:
    """A line ends with a line feed, a carriage return or both. A character that other programs take for a line break
    must not begin a turn: it can be typed into speech.
    """
    start = 0
    for line in StringIO(source, newline=""):
        label = read_label(line)
        if label:
            yield TurnStart(label, start)
        start += len(line)


def _inner_turn_start(source: str, first: int, colon: int, speakers: SpeakerLabels) -> TurnStart | None:
    """The label that ends with this colon and follows the end of a sentence, or begins a line."""
    for start in islice(_starts(source, first, colon), _MOST_STARTS):
        label = read_label(source[start : colon + _LONGEST_GAP])
        if label and start + label.end > colon and speakers.accept_inside(label):
            return TurnStart(label, start)
    return None


def _starts(source: str, first: int, colon: int) -> Iterator[int]:
    """Where a label may begin, the nearest to its colon first."""
    line = max(source.rfind("\n", first, colon), source.rfind("\r", first, colon)) + 1
    yield from reversed([match.end() for match in _SENTENCE_END.finditer(source, max(first, line), colon)])
    if line:
        yield line


def without_overlaps(turn_starts: Iterable[TurnStart]) -> list[TurnStart]:
    """In order, without those that are a part of the one before them, as `Jane` is in `Dr. Jane:`."""
    apart: list[TurnStart] = []
    for turn_start in sorted(turn_starts, key=lambda each: each.start):
        if not apart or turn_start.start >= apart[-1].end:
            apart.append(turn_start)
    return apart


def read_lines(source: str, known_names: Sequence[str] = ()) -> list[Utterance]:
    """Every utterance that says something. Lines without a label go on with the one before them; before the first
    label, or where there is none at all, each paragraph is a utterance of nobody's.
    """
    utterances = (_trimmed(source, utterance) for utterance in _utterances(source, known_names))
    return [utterance for utterance in utterances if utterance.start < utterance.end]


def _utterances(source: str, known_names: Sequence[str]) -> Iterator[Utterance]:
    turn_starts = find_turn_starts(source, known_names)
    borders = [*(turn_start.start for turn_start in turn_starts), len(source)]
    yield from _paragraphs(source, borders[0])
    for turn_start, end in zip(turn_starts, borders[1:], strict=True):
        yield Utterance(turn_start.label.name, turn_start.label.at, turn_start.end, end)


def _paragraphs(source: str, end: int) -> Iterator[Utterance]:
    breaks = [match.start() for match in _PARAGRAPH_BREAK.finditer(source, 0, end)]
    for start, stop in pairwise((0, *breaks, end)):
        yield Utterance("", None, start, stop)


def _trimmed(source: str, utterance: Utterance) -> Utterance:
    """Without the white space around it."""
    text = source[utterance.start : utterance.end]
    start = utterance.end - len(text.lstrip())
    return utterance._replace(start=start, end=max(start, utterance.start + len(text.rstrip())))
