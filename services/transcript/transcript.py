"""The record of an interview, read into numbered turns with speakers and roles.

It comes as plain text, as WebVTT or SubRip, or as JSON. Nothing is invented: no speaker, no time and no role without
grounds. What is left out is counted in a warning.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from services.text.words import count_words
from services.transcript.attribution_warnings import attribution_warnings
from services.transcript.formats import read_source
from services.transcript.source import (
    MOST_CHARACTERS,
    MOST_LABEL_CHARACTERS,
    MOST_LABELS,
    MOST_TURNS,
    Passage,
    SourceTurn,
    UnreadableTranscript,
)
from services.transcript.speaker_labels import ExpectedSpeakers
from services.transcript.speaker_roles import Attribution, Participants, Role, assign_roles

__all__ = [
    "MOST_CHARACTERS",
    "MOST_LABELS",
    "MOST_LABEL_CHARACTERS",
    "MOST_TURNS",
    "Role",
    "SourceTurn",
    "Speaker",
    "Transcript",
    "Turn",
    "UnreadableTranscript",
    "parse_transcript",
]


@dataclass(frozen=True, slots=True)
class Turn:
    """What one speaker says without interruption: `transcript.text[start:end] == text`."""

    number: int
    """Counts from 1."""
    speaker: str | None
    """The label as written; None if there is none."""
    role: Role
    at: str | None
    """The time, as the transcript writes it."""
    start: int
    end: int
    text: str
    is_evidence: bool
    """Whether its words may be quoted: those of the candidate, or, if no speaker is the candidate, those of speakers
    whose role is unknown."""


@dataclass(frozen=True, slots=True)
class Speaker:
    """One label of the transcript."""

    label: str
    role: Role
    because: str
    """Why it has this role, in a few plain words."""
    turns: int
    words: int


@dataclass(frozen=True, slots=True)
class Transcript:
    """Everything that was said, in order.

    `text` is the source itself if that is plain text, so that quotes are cut from what was sent. For WebVTT, SubRip and
    JSON it is put together, with one paragraph for each turn.
    """

    text: str
    turns: tuple[Turn, ...]
    speakers: tuple[Speaker, ...]
    """In the order in which they first speak."""
    warnings: tuple[str, ...]
    """Sentences for the reader about who speaks, and about what was left out."""

    @property
    def has_candidate(self) -> bool:
        """Whether a speaker is the candidate. If not, nothing may be rated."""
        return any(speaker.role == "candidate" for speaker in self.speakers)

    @property
    def candidate_words(self) -> int:
        return sum(speaker.words for speaker in self.speakers if speaker.role == "candidate")


def parse_transcript(
    source: str | Sequence[SourceTurn],
    *,
    candidate_names: Sequence[str],
    interviewer_names: Sequence[str],
    candidate_token_names: Sequence[str] = (),
    roles: Mapping[str, Role] | None = None,
) -> Transcript:
    """The turns of a transcript and its speakers. `roles` maps labels to roles and wins over every other rule.

    `candidate_token_names` are names under which people got a candidate's meeting token.
    Raises UnreadableTranscript for a known format that cannot be read, for more than 20,000 turns and for more than
    200 labels. Takes time in proportion to the length of the source.
    """
    given = roles or {}
    names = [*candidate_names, *candidate_token_names, *interviewer_names]
    record = read_source(source, ExpectedSpeakers(names, given))
    labels = dict.fromkeys(passage.speaker for passage in record.passages if passage.speaker)
    participants = Participants(candidate_names, interviewer_names, candidate_token_names)
    attributions = assign_roles(labels, participants, given, has_chat_roles=record.has_chat_roles)
    turns = _turns(record.text, record.passages, attributions)
    speakers = _speakers(turns, attributions)
    return Transcript(record.text, turns, speakers, tuple(attribution_warnings(record, attributions, given)))


def _turns(text: str, passages: Iterable[Passage], attributions: Mapping[str, Attribution]) -> tuple[Turn, ...]:
    has_candidate = any(each.role == "candidate" for each in attributions.values())
    turns: list[Turn] = []
    for number, (speaker, at, start, end) in enumerate(passages, 1):
        role: Role = attributions[speaker].role if speaker else "unknown"
        is_named = speaker is not None or not attributions
        is_evidence = role == "candidate" or (role == "unknown" and is_named and not has_candidate)
        turns.append(Turn(number, speaker, role, at, start, end, text[start:end], is_evidence))
    return tuple(turns)


def _speakers(turns: Iterable[Turn], attributions: Mapping[str, Attribution]) -> tuple[Speaker, ...]:
    count: Counter[str] = Counter()
    words: Counter[str] = Counter()
    for turn in turns:
        if turn.speaker:
            count[turn.speaker] += 1
            words[turn.speaker] += count_words(turn.text)
    return tuple(
        Speaker(label, each.role, each.because, count[label], words[label]) for label, each in attributions.items()
    )
