"""The record of an interview, read into numbered turns.

It comes as plain lines, as WebVTT or as JSON turns. Nothing is invented: no
speaker and no time where there was none. Nothing that was said is dropped.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from services.text.invisible import strip_format, strip_invisible
from services.transcript.plain_text import read_lines
from services.transcript.speaker_roles import Role as Role  # noqa: PLC0414 exported
from services.transcript.speaker_roles import assign_roles
from services.transcript.webvtt import is_webvtt, read_cues

_LONGEST_NAME_SHOWN = 60
_MOST_NAMES_SHOWN = 5


class SourceTurn(NamedTuple):
    """A JSON turn as it was sent. Speakers `user` and `assistant` mean interviewer and candidate."""

    speaker: str
    text: str
    at: str | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """What one speaker says in one go: `transcript.text[start:end] == text`."""

    number: int
    """Counts from 1."""
    speaker: str | None
    """The name as written; None where nobody is named."""
    role: Role
    at: str | None
    """When, as the transcript gives it."""
    start: int
    end: int
    text: str
    is_evidence: bool
    """Whether its words may carry a claim about the candidate."""


@dataclass(frozen=True, slots=True)
class Speaker:
    """One speaker, the role, and why."""

    label: str
    role: Role
    because: str
    turns: int
    words: int


@dataclass(frozen=True, slots=True)
class Transcript:
    """Everything that was said, in order.

    `text` is the source itself where that was plain lines, so whatever is cut
    from it can be found there. For WebVTT and JSON it is put together, a turn a
    paragraph.
    """

    text: str
    turns: tuple[Turn, ...]
    speakers: tuple[Speaker, ...]
    warnings: tuple[str, ...]
    """Sentences for the reader about what the transcript does not tell."""

    @property
    def has_candidate(self) -> bool:
        return any(speaker.role == "candidate" for speaker in self.speakers)

    @property
    def candidate_words(self) -> int:
        return sum(speaker.words for speaker in self.speakers if speaker.role == "candidate")


class _Passage(NamedTuple):
    speaker: str | None
    at: str | None
    start: int
    end: int


def parse_transcript(
    source: str | Sequence[SourceTurn],
    *,
    candidate_names: Sequence[str] = (),
    interviewer_names: Sequence[str],
    candidate_name: str | None = None,
) -> Transcript:
    """The turns of a transcript, with the role of each speaker where it can be told."""
    candidate_name = candidate_name or next(iter(candidate_names), None)
    text, passages = _read(source, [candidate_name or "", *interviewer_names])
    labels = dict.fromkeys(passage.speaker for passage in passages if passage.speaker)
    roles = assign_roles(labels, candidate_name=candidate_name, interviewer_names=interviewer_names)
    is_cast = "candidate" in roles.values()
    turns = tuple(
        Turn(
            number=number,
            speaker=passage.speaker,
            role=roles[passage.speaker] if passage.speaker else "unknown",
            at=passage.at,
            start=passage.start,
            end=passage.end,
            text=text[passage.start : passage.end],
            is_evidence=_is_evidence(passage.speaker, roles, is_cast=is_cast),
        )
        for number, passage in enumerate(passages, 1)
    )
    return Transcript(text, turns, tuple(_speakers(turns, roles)), tuple(_warnings(turns)))


def _speakers(turns: Sequence[Turn], roles: Mapping[str, Role]) -> Iterable[Speaker]:
    for label, role in roles.items():
        said = [turn.text for turn in turns if turn.speaker == label]
        yield Speaker(label, role, "by name or role", len(said), sum(len(text.split()) for text in said))


def _is_evidence(speaker: str | None, roles: Mapping[str, Role], *, is_cast: bool) -> bool:
    """Once the candidate is known among the speakers, whoever has another name is somebody else: on a panel, an
    interviewer whom nobody has told us of.
    """
    role = roles[speaker] if speaker else "unknown"
    return role == "candidate" or (role == "unknown" and not (speaker and is_cast))


def _read(source: str | Sequence[SourceTurn], known_names: Sequence[str]) -> tuple[str, list[_Passage]]:
    if not isinstance(source, str):
        return _assemble(source)
    if is_webvtt(source):
        return _assemble(SourceTurn(cue.speaker, cue.text, cue.at) for cue in read_cues(source, known_names))
    passages = read_lines(source, known_names)
    return source, [
        _Passage(_name(line.speaker), line.at, line.start, line.end)
        for line in passages
        if _says_something(source[line.start : line.end])
    ]


def _assemble(spoken: Iterable[SourceTurn]) -> tuple[str, list[_Passage]]:
    """One text, a paragraph for each turn that says something, `Name: what was said`."""
    paragraphs: list[str] = []
    passages: list[_Passage] = []
    length = 0
    for turn in spoken:
        said, name = turn.text.strip(), _name(turn.speaker)
        if not _says_something(said):
            continue
        head = f"{name}: " if name else ""
        start = length + len(head)
        passages.append(_Passage(name, turn.at or None, start, start + len(said)))
        paragraphs.append(f"{head}{said}\n\n")
        length += len(paragraphs[-1])
    return "".join(paragraphs), passages


def _says_something(text: str) -> bool:
    return any(strip_format(character) and not character.isspace() for character in text)


def _name(speaker: str) -> str | None:
    """On one line and without what nobody sees."""
    return " ".join(strip_invisible(speaker).split()) or None


def _warnings(turns: Sequence[Turn]) -> Iterable[str]:
    if not turns:
        return
    unknown = list(dict.fromkeys(turn.speaker for turn in turns if turn.speaker and turn.role == "unknown"))
    if not any(turn.speaker for turn in turns):
        yield "The transcript names no speakers; quotes from it are marked as of an unknown speaker."
    elif all(turn.role != "candidate" for turn in turns):
        yield "The transcript does not tell who the candidate is." + _told_of(
            unknown, "Quotes of these are marked as of an unknown speaker"
        )
    elif unknown:
        yield "Not every speaker is known to be the candidate or the interviewer." + _told_of(
            unknown, "The words of these are not used as evidence"
        )


def _told_of(names: Sequence[str], what: str) -> str:
    shown = [name[:_LONGEST_NAME_SHOWN] for name in names]
    if not shown:
        return ""
    more = f" and {len(shown) - _MOST_NAMES_SHOWN} more" if len(shown) > _MOST_NAMES_SHOWN else ""
    return f" {what}: {', '.join(shown[:_MOST_NAMES_SHOWN])}{more}."
