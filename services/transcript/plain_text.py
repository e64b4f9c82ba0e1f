"""Plain text, read into passages: lines that begin with a speaker's label, or paragraphs without any.

Passages are cut from the text as it was sent; what is between them are labels, times and lines that are not speech.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, pairwise

from services.text.invisible import has_visible
from services.transcript.inner_labels import inner_labels
from services.transcript.line_prefixes import LinePrefix, Time
from services.transcript.non_speech import NonSpeech, NonSpeechRules, is_transcript_heading
from services.transcript.source import Limits, Passage, Record, clean_label
from services.transcript.speaker_labels import ExpectedSpeakers
from services.transcript.turn_starts import Line, find_turn_starts, split_lines

_OPENS_BRACKET = re.compile(r"\s{0,99}[\[(]")
_LONGEST_PREFACE = 20
"""Maximum lines above the first label that are always left out. If there are more, and they are most of the text, they
are read as speech without names.
"""
_PROGRAMS_TEXT = "\u200e"
"""WhatsApp puts a left-to-right mark before its own texts, such as `image omitted`."""

_Part = tuple[Passage, bool]
"""Speech on one line, and whether it begins a passage."""


def read_plain_text(source: str, expected: ExpectedSpeakers) -> Record:
    """The passages of a text in any of the line formats. Raises UnreadableTranscript when a limit is exceeded."""
    lines = split_lines(source)
    starts = _without_notes(lines, find_turn_starts(lines, expected))
    if not starts:
        return Record(source, _passages(source, _paragraphs(lines)))
    *above, last = lines
    if [*starts] == [len(above)] and _are_titles(above):
        passages = _passages(source, _one_line(source, last, starts[len(above)], expected))
        return Record(source, passages, lines_left_out=len(above))
    labelled = _LabelledLines(lines, starts)
    passages = _passages(source, labelled.parts())
    ends = {lines[index].start + prefix.end for index, prefix in starts.items()}
    inside = sum(start + prefix.end not in ends for start, prefix in inner_labels(source, expected))
    return Record(source, passages, labelled.lines_left_out, labels_inside_lines=inside)


def _without_notes(lines: Sequence[Line], starts: dict[int, LinePrefix]) -> dict[int, LinePrefix]:
    """The starts below the heading `Transcript`: what is above it are notes."""
    headings = (index for index, line in enumerate(lines) if index not in starts and is_transcript_heading(line))
    heading = next(headings, -1)
    below = {index: prefix for index, prefix in starts.items() if index > heading}
    return below if len(below) > 1 else starts


def _passages(source: str, parts: Iterable[_Part]) -> list[Passage]:
    """Joins the parts to passages, without white space around them and without empty ones."""
    limits = Limits()
    passages: list[Passage] = []
    for passage in filter(None, (_trimmed(source, each) for each in _joined(parts))):
        limits.count_turn(passage.speaker)
        passages.append(passage)
    return passages


def _joined(parts: Iterable[_Part]) -> Iterator[Passage]:
    passage: Passage | None = None
    for part, is_start in parts:
        if passage and not is_start:
            passage = passage._replace(end=part.end)
            continue
        if passage:
            yield passage
        passage = part
    if passage:
        yield passage


def _trimmed(source: str, passage: Passage) -> Passage | None:
    if not has_visible(source, passage.start, passage.end):
        return None
    text = source[passage.start : passage.end]
    start = passage.end - len(text.lstrip())
    return passage._replace(start=start, end=passage.start + len(text.rstrip()))


def _paragraphs(lines: Sequence[Line]) -> Iterator[_Part]:
    """The paragraphs of a text that names no speakers, and its captions if most lines begin with a time."""
    has_captions = 2 * sum(line.time is not None for line in lines) >= len(lines)
    at: str | None = None
    is_start = True
    for line in lines:
        is_start = is_start or line.is_after_gap
        start = line.start
        if line.time and (has_captions or line.has_only_time):
            at, start, is_start = line.time.clock, line.start + line.time.end, True
        if start < line.end:
            yield Passage(None, at, start, line.end), is_start
            is_start = False


def _are_titles(lines: Sequence[Line]) -> bool:
    return len(lines) <= _LONGEST_PREFACE and not any(line.has_only_time for line in lines)


def _one_line(source: str, line: Line, first: LinePrefix, expected: ExpectedSpeakers) -> Iterator[_Part]:
    """The turns of a transcript on one line."""
    begin = (line.start, first)
    behind = (each for each in inner_labels(source, expected, first.name) if each[0] >= line.start + first.end)
    for (start, prefix), (end, _) in pairwise(chain([begin], behind, [(line.end, first)])):
        yield Passage(clean_label(prefix.name), prefix.at, start + prefix.end, end), True


class _LabelledLines:
    """The speech of a text that names its speakers, line by line."""

    def __init__(self, lines: Sequence[Line], starts: Mapping[int, LinePrefix]) -> None:
        self._lines = lines
        self._starts = starts
        self._non_speech = NonSpeechRules({prefix.name for prefix in starts.values()})
        self._is_table = any(prefix.mark == "|" for prefix in starts.values())
        self._is_dated = any(prefix.is_dated for prefix in starts.values())
        self._is_timed = 2 * sum(lines[index].time is not None for index in starts) > len(starts)
        self._speaker: str | None = None
        self._at: str | None = None
        self._clock: str | None = None
        self._is_speech = min(starts) > max(_LONGEST_PREFACE, len(lines) / 2)
        self._is_start = True
        self._is_below_label = False
        self.lines_left_out = 0
        """Lines above the first label, notices, headings and trailers."""

    def parts(self) -> Iterator[_Part]:
        for index, line in enumerate(self._lines):
            prefix = self._starts.get(index)
            start = self._begin(prefix, line) if prefix else self._continue(line)
            self._is_below_label = prefix is not None
            end = self._end(line)
            if self._is_speech and start is not None and start < end:
                yield Passage(self._speaker, self._at, start, end), self._is_start
                self._is_start = False

    def _end(self, line: Line) -> int:
        """The end of the speech in a line: a row of a table ends with a bar."""
        return line.start + len(line.text.rstrip(" |\t")) if self._is_table else line.end

    def _begin(self, prefix: LinePrefix, line: Line) -> int | None:
        """The start of the speech after the label."""
        self._clock = None if prefix.at else self._clock
        self._speaker, self._at = clean_label(prefix.name), prefix.at or self._clock
        self._is_speech = self._is_start = True
        if prefix.is_dated and line.text.startswith(_PROGRAMS_TEXT, prefix.end):
            self.lines_left_out += 1
            return None
        return line.start + prefix.end

    def _continue(self, line: Line) -> int | None:
        """The start of the speech in a line without a label; None if the line is not speech."""
        if line.time and not line.has_only_time and (self._is_timed or _OPENS_BRACKET.match(line.text)):
            return self._continue_timed(line, line.time)
        kind = self._non_speech.kind_of(line)
        if kind is NonSpeech.RULE and self._is_below_label and not line.is_after_gap:
            return None
        if kind is not None:
            self._pass_over(kind, line)
            return None
        return self._speech_from(line.start)

    def _continue_timed(self, line: Line, time: Time) -> int | None:
        """A line with a time and no name: in a dated chat a notice of the program; where names follow times, an unnamed
        caption; else speech of the same speaker.
        """
        if self._is_dated and time.is_dated:
            self._pass_over(NonSpeech.BREAK, line)
            return None
        self._speaker = None if self._is_timed else self._speaker
        self._at, self._is_start = time.clock, True
        return self._speech_from(line.start + time.end)

    def _speech_from(self, start: int) -> int | None:
        """The start, unless it is before the first label or below a heading, where nothing is speech."""
        self.lines_left_out += not self._is_speech
        return start if self._is_speech else None

    def _pass_over(self, kind: NonSpeech, line: Line) -> None:
        self._is_start = True
        match kind:
            case NonSpeech.TIME:
                self._at = self._clock = line.time.clock if line.time else None
            case NonSpeech.RULE:
                self._is_speech = False
            case NonSpeech.NOTICE:
                self.lines_left_out += 1
            case NonSpeech.BREAK:
                self._is_speech = False
                self.lines_left_out += 1
