"""What clients send and get: the contract's words, with the limits in the types."""

import unicodedata
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self

from fastapi import Path
from pydantic import (
    AfterValidator,
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    PlainSerializer,
    StringConstraints,
    Tag,
    model_validator,
)

from services.evidence.debrief import Usage
from services.evidence.transcript import SpokenTurn
from services.interview.rooms import Participant
from services.openai_realtime import LONGEST_SECRET_SECONDS, SECRET_SECONDS, SHORTEST_SECRET_SECONDS

TRANSCRIPT_CHARACTERS = 1_000_000
TRANSCRIPT_TURNS = 20_000


def _without_null_bytes(text: str) -> str:
    if "\x00" in text:
        raise ValueError("null bytes are not allowed")
    return text


def _without_controls(text: str) -> str:
    if any(unicodedata.category(character) in {"Cc", "Zl", "Zp"} for character in text):
        raise ValueError("line breaks and control characters are not allowed")
    return text


def _none_as_empty(value: Any) -> Any:
    return "" if value is None else value


def _none_as_list(value: Any) -> Any:
    return [] if value is None else value


def _seconds_as_clock(value: Any) -> Any:
    """Times come as text or as seconds from the start."""
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 360_000:
        minutes, seconds = divmod(int(value), 60)
        return f"{minutes // 60:02}:{minutes % 60:02}:{seconds:02}"
    return value


def _rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _or_null(longest: int) -> BeforeValidator:
    """The page sends null for what it does not know: the same as an empty text."""
    return BeforeValidator(_none_as_empty, json_schema_input_type=Annotated[str, Field(max_length=longest)] | None)


def _or_no_list(item: type, most: int) -> BeforeValidator:
    return BeforeValidator(_none_as_list, json_schema_input_type=Annotated[list[item], Field(max_length=most)] | None)  # type: ignore[valid-type]


NoNullBytes = AfterValidator(_without_null_bytes)
RoomName = Annotated[
    str,
    Path(
        alias="name",
        pattern=r"^[A-Za-z0-9_-]{1,128}$",
        description="The room's name, as `room_name` gives it.",
        examples=["interview-3f9c1c2ab1de4f7a9d20c4e1b7"],
    ),
]
PhoneCallId = Annotated[
    str,
    Path(pattern=r"^[A-Za-z0-9-]{1,64}$", description="The call's id, as placing it gave it."),
]
PersonName = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=80),
    AfterValidator(_without_controls),
]
FocusArea = Annotated[str, StringConstraints(strip_whitespace=True, max_length=120), AfterValidator(_without_controls)]
Timestamp = Annotated[datetime, PlainSerializer(_rfc3339, return_type=str, when_used="json")]


class Sent(BaseModel):
    """What clients send. Unknown fields are ignored: the page may be newer than we are."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True, use_attribute_docstrings=True)


class Given(BaseModel):
    """What clients get."""

    model_config = ConfigDict(use_attribute_docstrings=True)


class RoomRequest(Sent):
    """Open a room."""

    model_config = ConfigDict(json_schema_extra={"example": {"interviewer_name": "Ada", "candidate_name": "Grace"}})

    interviewer_name: PersonName
    candidate_name: PersonName | None = None
    expires_in_minutes: Annotated[int, Field(ge=15, le=720)] = 120


class OpenedRoomAnswer(Given):
    """A new private room, and the token with which its interviewer enters it."""

    room_name: str
    room_url: str
    interviewer_token: str
    """Opens this room only, and ends with it. Treat it as a password."""
    created_by: str
    created_at: Timestamp
    expires_at: Timestamp


class RoomAnswer(Given):
    """A room that is open."""

    room_name: str
    room_url: str
    created_by: str
    """Who opened it; `unknown` for a room that only Daily remembers after a restart without a database."""
    created_at: Timestamp
    expires_at: Timestamp


class JoinRequest(Sent):
    """Enter a room."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"participant_name": "Grace", "participant_type": "candidate"}}
    )

    participant_name: PersonName
    participant_type: Participant


class JoinAnswer(Given):
    """The token for this person, and where to use it."""

    token: str
    room_url: str
    expires_at: Timestamp


class Deleted(Given):
    """How many of each were erased."""

    room: int
    briefing: int
    debriefs: int
    chat_turns: int
    phone_calls: int
    idempotency_keys: int


class DeletionReceipt(Given):
    """What is gone, and what remains to be done."""

    room_name: str
    deleted: Deleted
    remaining: list[str]
    """In words: what could not be removed yet, and how to. Empty when nothing is left."""


class BriefingRequest(Sent):
    """What the interviewer knows before the interview. Saving again replaces."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "candidate_name": "Grace Hopper",
                "role": "Compiler engineer",
                "resume_summary": "Wrote the A-0 linker…",
                "notes": "We look for somebody who…",
                "focus_areas": ["Compilers", "Mentoring"],
            }
        }
    )

    candidate_name: PersonName
    role: Annotated[str, _or_null(200), StringConstraints(max_length=200), NoNullBytes] = ""
    resume_summary: Annotated[str, _or_null(50_000), StringConstraints(max_length=50_000), NoNullBytes] = ""
    """The resume, whole or in short."""
    notes: Annotated[str, _or_null(50_000), StringConstraints(max_length=50_000), NoNullBytes] = ""
    """The job description, and whatever else matters."""
    focus_areas: Annotated[list[FocusArea], _or_no_list(FocusArea, 20), Field(max_length=20)] = []
    """What the interview should find out; each becomes a row of the debrief's scorecard."""

    def areas(self) -> tuple[str, ...]:
        """The focus areas that say something, each once."""
        return tuple(dict.fromkeys(area for area in self.focus_areas if area))


class HistoryMessage(Sent):
    """One earlier message of the sidebar."""

    role: Literal["user", "assistant"]
    content: Annotated[str, StringConstraints(max_length=20_000), NoNullBytes]

    def message(self) -> dict[str, str]:
        return {"role": self.role, "content": self.content}


class TranscriptTurn(Sent):
    """One turn of a transcript. `role`, `content` and `timestamp` mean the same as `speaker`, `text` and `at`."""

    speaker: Annotated[
        str,
        Field(validation_alias=AliasChoices("speaker", "role")),
        StringConstraints(max_length=200),
        NoNullBytes,
    ]
    text: Annotated[
        str,
        Field(validation_alias=AliasChoices("text", "content")),
        StringConstraints(max_length=TRANSCRIPT_CHARACTERS),
        NoNullBytes,
    ]
    at: Annotated[
        Annotated[str, StringConstraints(max_length=64)] | None,
        Field(validation_alias=AliasChoices("at", "timestamp")),
        BeforeValidator(_seconds_as_clock),
    ] = None

    def spoken(self) -> SpokenTurn:
        return SpokenTurn(self.speaker, self.text, self.at)


def _transcript_form(value: Any) -> str:
    return "turns" if isinstance(value, list) else "text"


TranscriptText = Annotated[
    str, _or_null(TRANSCRIPT_CHARACTERS), StringConstraints(max_length=TRANSCRIPT_CHARACTERS), NoNullBytes
]
TranscriptTurns = Annotated[list[TranscriptTurn], Field(max_length=TRANSCRIPT_TURNS)]


def _spoken(transcript: str | list[TranscriptTurn]) -> str | list[SpokenTurn]:
    if isinstance(transcript, str):
        return transcript if transcript.strip() else ""
    return [turn.spoken() for turn in transcript if turn.text.strip()]


class _WithTranscript(Sent):
    transcript: Annotated[
        Annotated[TranscriptText, Tag("text")] | Annotated[TranscriptTurns, Tag("turns")],
        Discriminator(_transcript_form),
    ] = ""
    """Lines such as `Candidate: …`, WebVTT as Daily stores it, or a list of turns. Empty or null is none."""

    @model_validator(mode="after")
    def _transcript_is_not_too_long(self) -> Self:
        turns = self.transcript if isinstance(self.transcript, list) else []
        if sum(len(turn.text) for turn in turns) > TRANSCRIPT_CHARACTERS:
            raise ValueError(f"the transcript's turns hold more than {TRANSCRIPT_CHARACTERS:,} characters")
        return self

    def spoken(self) -> str | list[SpokenTurn]:
        """The transcript, or nothing where nothing was said."""
        return _spoken(self.transcript)


class ChatRequest(_WithTranscript):
    """Ask the sidebar."""

    model_config = ConfigDict(json_schema_extra={"example": {"message": "What should I ask about her last project?"}})

    message: Annotated[
        str,
        StringConstraints(strip_whitespace=True, min_length=1, max_length=4000),
        NoNullBytes,
    ]
    context: Annotated[str, _or_null(100_000), StringConstraints(max_length=100_000), NoNullBytes] = ""
    history: Annotated[list[HistoryMessage], _or_no_list(HistoryMessage, 50), Field(max_length=50)] = []


class ChatAnswer(Given):
    """The sidebar's answer."""

    response: str
    model: str
    """The model that answered."""
    usage: Usage
    warnings: list[str] = []
    """What to know about how it was made: something left out, or an answer that was cut off."""


class ChatDone(ChatAnswer):
    """The terminal event of a streamed answer."""

    finish_reason: str | None


class ChatTurnAnswer(Given):
    """One message of the room's sidebar record."""

    role: Literal["user", "assistant"]
    content: str
    at: Timestamp


class ChatRecord(Given):
    """What was asked and answered in the room's sidebar, oldest first."""

    room_name: str
    turns: list[ChatTurnAnswer]


class DebriefRequest(_WithTranscript):
    """Ask for a debrief of the interview."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "transcript": "Interviewer: What did you build?\nCandidate: I led the migration to Postgres.",
                "notes": "Strong on databases.",
            }
        }
    )

    chat_history: Annotated[list[HistoryMessage], _or_no_list(HistoryMessage, 50), Field(max_length=50)] = []
    notes: Annotated[str, _or_null(50_000), StringConstraints(max_length=50_000), NoNullBytes] = ""
    """The interviewer's own notes."""


class RealtimeTokenRequest(Sent):
    """Ask for a voice session with this room's candidate. Every field may be left out."""

    model_config = ConfigDict(json_schema_extra={"example": {"voice": "cedar", "expires_in_seconds": 60}})

    voice: Annotated[str | None, Field(max_length=100)] = None
    """One of OpenAI's voices; the server's own choice without it."""
    expires_in_seconds: Annotated[int, Field(ge=SHORTEST_SECRET_SECONDS, le=LONGEST_SECRET_SECONDS)] = SECRET_SECONDS
    """How long the secret may start sessions. A session that is running goes on."""


class RealtimeSessionRequest(Sent):
    """Ask for a voice session with a candidate that is described here."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "candidate_name": "Grace Hopper",
                "role": "Compiler engineer",
                "resume": "Wrote the A-0 linker…",
                "job_description": "We look for somebody who…",
            }
        }
    )

    candidate_name: PersonName
    role: Annotated[str, _or_null(200), StringConstraints(max_length=200), NoNullBytes] = ""
    resume: Annotated[str, _or_null(50_000), StringConstraints(max_length=50_000), NoNullBytes] = ""
    job_description: Annotated[str, _or_null(50_000), StringConstraints(max_length=50_000), NoNullBytes] = ""


class RealtimeAnswer(Given):
    """A short-lived key with which a browser talks to the voice candidate. It holds no instructions."""

    client_secret: str
    """Starts sessions until it expires. Treat it as a password."""
    expires_at: Timestamp
    session_id: str
    model: str
    modalities: list[str]
    calls_url: str
    """Post the SDP offer here, with the secret as bearer."""
    note: str
    """How to use it, for pages that still speak the interface that OpenAI removed."""
    warnings: list[str] = []
    """What the candidate does not know, or knows in part."""


class PhoneCallRequest(Sent):
    """Phone the interviewer."""

    model_config = ConfigDict(json_schema_extra={"example": {"phone_number": "+14155550100"}})

    phone_number: Annotated[str, Field(max_length=40)]
    """E.164: a plus, the country code, the number, and nothing else."""


class PhoneCallAnswer(Given):
    """A call that is being placed."""

    call_id: str
    status: str | None
    """Vapi's word, such as `queued`; null where it gave none."""
    warnings: list[str] = []


class PhoneCallStateAnswer(Given):
    """How a call goes, or went."""

    call_id: str
    status: str | None
    """Vapi's word, such as `ringing`, `in-progress` or `ended`."""
    started_at: Timestamp | None
    ended_at: Timestamp | None
    duration_seconds: int | None
    ended_reason: str | None
    """Vapi's word, one of hundreds."""
    outcome: str | None
    """The same as a sentence, for the common ones."""


class FieldProblem(BaseModel):
    """One input that was refused."""

    field: str
    message: str


class Problem(BaseModel):
    """An error, as RFC 9457 has it. `detail` is one sentence that a person can act on."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str
    errors: list[FieldProblem] | None = None


class Health(Given):
    """The process lives."""

    status: Literal["healthy"]
    service: str
    version: str
    sandbox: bool


class Readiness(Given):
    """Whether calls can be served, and by what."""

    status: Literal["ready", "not_ready"]
    dependencies: dict[str, Literal["ok", "unavailable"]]
    """Storage and rate-limit storage: without them calls fail or limits are per process."""
    providers: dict[str, Literal["configured", "not_configured", "emulated"]]
    """Whether each provider has what it needs. None is called."""


class ProgressEvent(Given):
    """What a streamed debrief is doing now."""

    stage: str
