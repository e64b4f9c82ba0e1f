"""Reads the transcript of an interview. The names in the room and the briefing identify its speakers."""

from collections.abc import Mapping, Sequence

from services.errors import InvalidInput
from services.prompts.inputs import without_placeholder
from services.storage.records import StoredRoom
from services.transcript.transcript import (
    Role,
    SourceTurn,
    Transcript,
    UnreadableTranscript,
    parse_transcript,
)


def read_transcript(
    source: str | Sequence[SourceTurn], interview: StoredRoom, roles: Mapping[str, Role] | None = None
) -> Transcript:
    """The transcript as numbered turns with roles. `roles` is what the request says about the labels.

    Raises InvalidInput for a transcript that cannot be read or exceeds a limit.
    """
    try:
        return parse_transcript(
            source,
            candidate_names=_candidate_names(interview),
            interviewer_names=interview.room.interviewer_names(),
            roles=roles,
        )
    except UnreadableTranscript as error:
        raise InvalidInput(str(error)) from error


def _candidate_names(interview: StoredRoom) -> list[str]:
    """The briefing's name, or else the room's: the briefing is written later."""
    briefed = without_placeholder(interview.briefing.candidate_name) if interview.briefing else ""
    name = briefed or interview.room.candidate_name
    return [name] if name else []
