"""The transcript of an interview: its speakers are told apart by the names that the room and the briefing give."""

from collections.abc import Mapping, Sequence

from services.errors import InvalidInput
from services.prompts.inputs import without_placeholder
from services.storage.records import ParticipantRole, StoredRoom
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
            candidate_names=_candidate_names(interview),
            interviewer_names=[*interview.room.interviewer_names(), *names_that_joined(interview, "interviewer")],
            candidate_token_names=names_that_joined(interview, "candidate"),
            roles=roles,
        )
    except UnreadableTranscript as error:
        raise InvalidInput(str(error)) from error


def names_that_joined(interview: StoredRoom, role: ParticipantRole) -> list[str]:
    """The names under which people got a meeting token of this kind, each once."""
    return list(dict.fromkeys(person.name for person in interview.participants if person.role == role))


def _candidate_names(interview: StoredRoom) -> list[str]:
    """The briefing's name and the room's, where they differ both: one of them may be the short form."""
    briefed = without_placeholder(interview.briefing.candidate_name) if interview.briefing else ""
    return [name for name in dict.fromkeys([briefed, interview.room.candidate_name]) if name]
