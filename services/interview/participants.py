"""The people of an interview: the names that its room, its briefing and its meeting tokens give."""

from services.errors import FieldError, InvalidInput, RateLimited
from services.prompts.inputs import without_placeholder
from services.storage.records import ParticipantRole, StoredRoom
from services.transcript.speaker_names import Label

MAX_CANDIDATE_TOKENS = 50
"""For one room. Each reload of the web page takes one."""

_TOO_MANY_TOKENS = (
    f"This room has issued {MAX_CANDIDATE_TOKENS} tokens to candidates, and that is the most; go on in the call that "
    "is open, or ask the interviewer for a new room."
)
_INTERVIEWERS_NAME = "This is the interviewer's name; join under your own, so that the transcript tells you apart."


def names_that_joined(interview: StoredRoom, role: ParticipantRole) -> list[str]:
    """The names under which people got a meeting token of this kind, each once."""
    return list(dict.fromkeys(person.name for person in interview.participants if person.role == role))


def interviewer_names(interview: StoredRoom) -> list[str]:
    """The names of the person who opened the room and of those who joined as interviewers."""
    return list(dict.fromkeys([*interview.room.interviewer_names(), *names_that_joined(interview, "interviewer")]))


def candidate_names(interview: StoredRoom) -> list[str]:
    """The briefing's name and the room's, where they differ both: one of them may be the short form."""
    briefed = without_placeholder(interview.briefing.candidate_name) if interview.briefing else ""
    return [name for name in dict.fromkeys([briefed, interview.room.candidate_name]) if name]


def check_candidate(name: str, interview: StoredRoom) -> None:
    """Raise InvalidInput for an interviewer's name, and RateLimited when there are too many candidates' tokens."""
    label = Label(name)
    if any(label.is_same_name(Label(interviewer)) for interviewer in interviewer_names(interview)):
        raise InvalidInput(_INTERVIEWERS_NAME, errors=[FieldError("participant_name", "it is the interviewer's name")])
    if sum(person.role == "candidate" for person in interview.participants) >= MAX_CANDIDATE_TOKENS:
        raise RateLimited(_TOO_MANY_TOKENS)
