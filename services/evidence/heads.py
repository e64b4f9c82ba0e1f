"""Where turns begin in written transcripts: at a label that a line begins with, or at one inside of a line.

Transcripts that were pasted together on one line have their labels in the
middle: `Candidate: I helped. Interviewer: And then?` There a label has to be
beyond doubt and stand behind the end of a sentence; `They asked me. Role: lead.`
is one speaker's.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from io import StringIO
from itertools import islice
from typing import NamedTuple

from services.evidence.labels import Label, SpeakerLabels, read_label

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


class Head(NamedTuple):
    """A label and the offset at which it begins."""

    label: Label
    start: int

    @property
    def end(self) -> int:
        """Where the speech begins."""
        return self.start + self.label.end


def find_heads(source: str, known_names: Sequence[str] = ()) -> list[Head]:
    """The heads of all turns, in order."""
    lines = list(_line_heads(source))
    speakers = SpeakerLabels([head.label for head in lines], known_names)
    accepted = [head for head in lines if speakers.accept(head.label)]
    return heads_apart([*accepted, *inner_heads(source, speakers)])


def inner_heads(source: str, speakers: SpeakerLabels) -> Iterator[Head]:
    """The heads that are beyond doubt, wherever they stand. The speakers must know those that begin a turn by then."""
    last = 0
    for colon in _COLON.finditer(source):
        head = _inner_head(source, max(last, colon.start() - _LONGEST_INSIDE), colon.start(), speakers)
        if head:
            yield head
        last = colon.end()


def _line_heads(source: str) -> Iterator[Head]:
    """A line ends with a line feed, a carriage return or both. A character that other programs take for a line break
    must not begin a turn: it can be typed into speech.
    """
    start = 0
    for line in StringIO(source, newline=""):
        label = read_label(line)
        if label:
            yield Head(label, start)
        start += len(line)


def _inner_head(source: str, first: int, colon: int, speakers: SpeakerLabels) -> Head | None:
    """The label that ends with this colon and follows the end of a sentence, or begins a line."""
    for start in islice(_starts(source, first, colon), _MOST_STARTS):
        label = read_label(source[start : colon + _LONGEST_GAP])
        if label and start + label.end > colon and speakers.accept_inside(label):
            return Head(label, start)
    return None


def _starts(source: str, first: int, colon: int) -> Iterator[int]:
    """Where a label may begin, the nearest to its colon first."""
    line = max(source.rfind("\n", first, colon), source.rfind("\r", first, colon)) + 1
    yield from reversed([match.end() for match in _SENTENCE_END.finditer(source, max(first, line), colon)])
    if line:
        yield line


def heads_apart(heads: Iterable[Head]) -> list[Head]:
    """In order, without those that are a part of the one before them, as `Jane` is in `Dr. Jane:`."""
    apart: list[Head] = []
    for head in sorted(heads, key=lambda head: head.start):
        if not apart or head.start >= apart[-1].end:
            apart.append(head)
    return apart
