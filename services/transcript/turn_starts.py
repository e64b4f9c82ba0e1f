"""Starts of turns in the lines of a transcript: the labels of speakers, wherever a program puts them."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from services.transcript.line_prefixes import Form, LinePrefix, Time, read_prefix, read_time
from services.transcript.role_words import states_role
from services.transcript.source import MOST_LINES, TooManyTurns
from services.transcript.speaker_labels import ExpectedSpeakers, PlacedPrefix, SpeakerLabels
from services.transcript.speaker_names import Label

_LINE = re.compile(r"[^\r\n]+")
"""A line ends with a line feed, a carriage return or both. Other characters that programs treat as line breaks must not
begin a turn, since they can be part of speech.
"""
_LEAST_TURNS_OF_ONE_LINE = 3
_MOST_WORDS_OF_VALUE = 6
_FORMS_OF_TABLES = frozenset({Form.COLON, Form.DELIMITED})


class Line(NamedTuple):
    """A line that is not empty."""

    text: str
    start: int
    """Its offset in the source."""
    is_after_gap: bool
    """Whether an empty line, or nothing, is above it."""
    time: Time | None = None
    """The time at its start."""

    @property
    def has_only_time(self) -> bool:
        return self.time is not None and not self.text[self.time.end :].strip()

    @property
    def end(self) -> int:
        return self.start + len(self.text)


def split_lines(source: str) -> list[Line]:
    """The lines that are not empty. Raises TooManyTurns."""
    lines: list[Line] = []
    end = -1
    for match in _LINE.finditer(source):
        text = match[0]
        if text.isspace():
            continue
        if len(lines) == MOST_LINES:
            raise TooManyTurns
        is_after_gap = end < 0 or _has_empty_line(source, end, match.start())
        lines.append(Line(text, match.start(), is_after_gap, read_time(text)))
        end = match.end()
    return lines


def _has_empty_line(source: str, start: int, end: int) -> bool:
    return source.count("\n", start, end) > 1 or source.count("\r", start, end) > 1


def find_turn_starts(lines: Sequence[Line], expected: ExpectedSpeakers) -> dict[int, LinePrefix]:
    """The prefixes that begin turns, by the index of their line."""
    prefixes = [read_prefix(line.text, line.time) for line in lines]
    placed = {index: _place(lines, prefixes, index) for index in range(len(lines)) if prefixes[index]}
    labels = SpeakerLabels(list(placed.values()), expected, starts_with_prefix=0 in placed)
    accepted = {index: each.prefix for index, each in placed.items() if labels.accept(each)}
    accepted = _with_doubtful(lines, placed, accepted, labels)
    accepted = _without_list(prefixes, _from_first_of_form(accepted, labels), expected)
    return _without_table(lines, accepted, expected)


def _with_doubtful(
    lines: Sequence[Line], placed: Mapping[int, PlacedPrefix], accepted: dict[int, LinePrefix], labels: SpeakerLabels
) -> dict[int, LinePrefix]:
    """The prefixes with those that are perhaps labels, if every turn of the file is one line: then a line that is no
    turn would be the only one of its kind.
    """
    first = next(iter(accepted), len(lines))
    others = [index for index in range(first, len(lines)) if index not in accepted and not lines[index].has_only_time]
    if len(accepted) < _LEAST_TURNS_OF_ONE_LINE or 2 * len(others) > len(accepted):
        return accepted
    doubtful = {index: placed[index].prefix for index in others if index in placed}
    begins = all(lines[index].text.lstrip(" \t[(<{#").startswith(prefix.name) for index, prefix in doubtful.items())
    if len(doubtful) < len(others) or not begins or not all(map(labels.could_be_in_doubt, doubtful.values())):
        return accepted
    return dict(sorted((accepted | doubtful).items()))


def _from_first_of_form(accepted: dict[int, LinePrefix], labels: SpeakerLabels) -> dict[int, LinePrefix]:
    """The prefixes without those above the first clear one of the file's own form: they are titles."""
    first = next((index for index, prefix in accepted.items() if labels.may_come_first(prefix)), None)
    return accepted if first is None else {index: prefix for index, prefix in accepted.items() if index >= first}


def _without_list(
    prefixes: Sequence[LinePrefix | None], accepted: dict[int, LinePrefix], expected: ExpectedSpeakers
) -> dict[int, LinePrefix]:
    """The prefixes without a list of names at the top, where nothing is said between two lines."""
    first = next(iter(accepted), 0)
    last = first
    while _is_expected_name(prefixes, last, expected) and _is_expected_name(prefixes, last + 1, expected):
        last += 1
    return {index: prefix for index, prefix in accepted.items() if index > last} if last > first else accepted


def _is_expected_name(prefixes: Sequence[LinePrefix | None], index: int, expected: ExpectedSpeakers) -> bool:
    prefix = prefixes[index] if index < len(prefixes) else None
    return prefix is not None and prefix.form is Form.ALONE and expected.is_full_name(Label(prefix.name))


def _names_participant(value: str, expected: ExpectedSpeakers) -> bool:
    label = Label(value)
    return expected.is_full_name(label) or (len(label.words) == 1 and states_role(label))


def _place(lines: Sequence[Line], prefixes: Sequence[LinePrefix | None], index: int) -> PlacedPrefix:
    prefix = prefixes[index]
    assert prefix is not None
    below = lines[index + 1] if index + 1 < len(lines) else None
    if below is None:
        return PlacedPrefix(prefix, lines[index].is_after_gap, is_above_speech=False)
    if prefix.form is Form.ALONE and below.has_only_time and not below.is_after_gap:
        return PlacedPrefix(prefix._replace(form=Form.TIMED), lines[index].is_after_gap, is_above_speech=True)
    prefix_below = prefixes[index + 1]
    is_timed = below.time is not None or (prefix_below is not None and prefix_below.at is not None)
    is_apart = prefix.form is Form.ALONE and below.is_after_gap
    return PlacedPrefix(prefix, lines[index].is_after_gap, is_above_speech=not is_timed and not is_apart)


def _without_table(
    lines: Sequence[Line], accepted: dict[int, LinePrefix], expected: ExpectedSpeakers
) -> dict[int, LinePrefix]:
    """The prefixes without a table above the transcript, such as `Role: Engineer` and `Candidate: Dario Vento`.

    In a table each label occurs once and has a short value, and one of the values is a participant's name or role.
    """
    count = Counter(prefix.name for prefix in accepted.values())
    table: dict[int, str] = {}
    for index, prefix in accepted.items():
        value = lines[index].text[prefix.end :].strip()
        is_short = 0 < len(value.split()) <= _MOST_WORDS_OF_VALUE
        is_apart = bool(table) and lines[index].is_after_gap
        if prefix.form not in _FORMS_OF_TABLES or count[prefix.name] > 1 or not is_short or is_apart:
            break
        table[index] = value
    is_table = any(value in count or _names_participant(value, expected) for value in table.values())
    return {index: prefix for index, prefix in accepted.items() if index not in table} if is_table else accepted
