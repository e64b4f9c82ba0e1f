"""Reads transcripts in tests, and shows what was read as plain tuples."""

from collections.abc import Mapping, Sequence

from services.transcript.transcript import Role, SourceTurn, Transcript, parse_transcript


def parse(
    source: str | Sequence[SourceTurn],
    candidate: str | None = None,
    interviewers: Sequence[str] = (),
    roles: Mapping[str, Role] | None = None,
    *,
    token_names: Sequence[str] = (),
) -> Transcript:
    return parse_transcript(
        source,
        candidate_names=[candidate] if candidate else [],
        interviewer_names=interviewers,
        candidate_token_names=token_names,
        roles=roles,
    )


def said(transcript: Transcript) -> list[tuple[str | None, str | None, str]]:
    """Label, time and words of every turn."""
    return [(turn.speaker, turn.at, turn.text) for turn in transcript.turns]


def roles_of(transcript: Transcript) -> list[str]:
    return [turn.role for turn in transcript.turns]


def words_by_role(transcript: Transcript) -> list[tuple[str, str]]:
    return [(turn.role, turn.text) for turn in transcript.turns]
