"""Reads the transcript of an interview. The names in the room and the briefing identify its speakers."""

from collections.abc import Mapping, Sequence

from services.errors import InvalidInput
from services.interview.participants import candidate_names, interviewer_names, names_that_joined
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

    The names of the interview are those of the room, of its briefing and of its participants. Raises InvalidInput for
    a transcript that cannot be read or exceeds a limit.
    """
    try:
        return parse_transcript(
            source,
            candidate_names=candidate_names(interview),
            interviewer_names=interviewer_names(interview),
            candidate_token_names=names_that_joined(interview, "candidate"),
            roles=roles,
        )
    except UnreadableTranscript as error:
        raise InvalidInput(str(error)) from error
