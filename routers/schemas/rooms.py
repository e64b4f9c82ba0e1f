"""What clients send and get: the contract's words."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from routers.schemas.fields import (
    FocusArea,
    LongText,
    NoNullBytes,
    PersonName,
    RequestModel,
    ResponseModel,
    Role,
    Timestamp,
    or_default,
    or_no_list,
    or_null,
)
from routers.schemas.transcript import WithTranscript
from services.evidence.debrief import Usage
from services.interview.rooms import Erasure, Participant
from services.storage.records import ChatTurn, Room
from services.upstream.chat_completions import Reply


class RoomRequest(RequestModel):
    """Open a room."""

    model_config = ConfigDict(json_schema_extra={"example": {"interviewer_name": "Ada", "candidate_name": "Grace"}})

    interviewer_name: PersonName
    candidate_name: PersonName | None = None
    expires_in_minutes: Annotated[int, Field(ge=15, le=720), or_default(120, 15, 720)] = 120


class RoomResponse(ResponseModel):
    """A room that is open."""

    room_name: str
    room_url: str
    created_by: str
    """Who opened it; `unknown` for a room that only Daily remembers after a restart without a database."""
    created_at: Timestamp
    expires_at: Timestamp

    @classmethod
    def of(cls, room: Room) -> Self:
        return cls(
            room_name=room.name,
            room_url=room.url,
            created_by=room.created_by,
            created_at=room.created_at,
            expires_at=room.expires_at,
        )


class OpenedRoomResponse(RoomResponse):
    """A new private room, and the token with which its interviewer enters it."""

    interviewer_token: str
    """Opens this room only, and ends with it. Treat it as a password."""


class JoinRequest(RequestModel):
    """Enter a room."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"participant_name": "Grace", "participant_type": "candidate"}}
    )

    participant_name: PersonName
    participant_type: Participant


class JoinResponse(ResponseModel):
    """The token for this person, and where to use it."""

    token: str
    room_url: str
    expires_at: Timestamp


class Deleted(ResponseModel):
    """How many of each were erased."""

    room: int
    briefing: int
    debriefs: int
    chat_turns: int
    phone_calls: int
    idempotency_keys: int


class DeletionReceipt(ResponseModel):
    """What is gone, and what remains to be done."""

    room_name: str
    deleted: Deleted
    remaining: list[str]
    """In words: what could not be removed yet, and how to. Empty when nothing is left."""

    @classmethod
    def of(cls, room_name: str, erasure: Erasure) -> Self:
        deleted = Deleted(**asdict(erasure.receipt))
        return cls(room_name=room_name, deleted=deleted, remaining=list(erasure.remaining))


class BriefingRequest(RequestModel):
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
    role: Role = ""
    resume_summary: LongText = ""
    """The resume, whole or in short."""
    notes: LongText = ""
    """The job description, and whatever else matters."""
    focus_areas: Annotated[list[FocusArea], Field(max_length=20, default_factory=list), or_no_list(FocusArea, 20)]
    """What the interview should find out; each becomes a row of the debrief's scorecard."""

    def areas(self) -> tuple[str, ...]:
        """The focus areas that say something, each once."""
        return tuple(dict.fromkeys(area for area in self.focus_areas if area))


class HistoryMessage(RequestModel):
    """One earlier message of the sidebar."""

    role: Literal["user", "assistant"]
    content: Annotated[str, StringConstraints(max_length=20_000), NoNullBytes]

    def message(self) -> dict[str, str]:
        return {"role": self.role, "content": self.content}


History = Annotated[list[HistoryMessage], Field(max_length=50, default_factory=list), or_no_list(HistoryMessage, 50)]


class ChatRequest(WithTranscript):
    """Ask the sidebar."""

    model_config = ConfigDict(json_schema_extra={"example": {"message": "What should I ask about her last project?"}})

    message: Annotated[
        str,
        StringConstraints(strip_whitespace=True, min_length=1, max_length=4000),
        NoNullBytes,
    ]
    context: Annotated[str, StringConstraints(max_length=100_000), NoNullBytes, or_null(100_000)] = ""
    history: History


class ChatResponse(ResponseModel):
    """The sidebar's answer."""

    response: str
    model: str
    """The model that answered."""
    usage: Usage
    warnings: list[str] = Field(default_factory=list)
    """What to know about how it was made: something left out, or an answer that was cut off."""


class ChatDone(ChatResponse):
    """The terminal event of a streamed answer."""

    finish_reason: str | None
    """The provider's word for why it ended, such as `stop` or `length`."""

    @classmethod
    def of(cls, reply: Reply, warnings: Sequence[str]) -> Self:
        return cls(
            response=reply.text,
            model=reply.model,
            usage=reply.usage,
            warnings=list(warnings),
            finish_reason=reply.finish_reason,
        )


class ChatTurnResponse(ResponseModel):
    """One message of the room's sidebar record."""

    role: Literal["user", "assistant"]
    content: str
    at: Timestamp


class ChatRecord(ResponseModel):
    """What was asked and answered in the room's sidebar, oldest first."""

    room_name: str
    turns: list[ChatTurnResponse]

    @classmethod
    def of(cls, room_name: str, turns: Sequence[ChatTurn]) -> Self:
        return cls(room_name=room_name, turns=[ChatTurnResponse(**asdict(turn)) for turn in turns])


class DebriefRequest(WithTranscript):
    """Ask for a debrief of the interview."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "transcript": "Interviewer: What did you build?\nCandidate: I led the migration to Postgres.",
                "notes": "Strong on databases.",
            }
        }
    )

    chat_history: History
    notes: LongText = ""
    """The interviewer's own notes."""


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


class Health(ResponseModel):
    """The process lives."""

    status: Literal["healthy"]
    service: str
    version: str
    sandbox: bool


class Readiness(ResponseModel):
    """Whether calls can be served, and by what."""

    status: Literal["ready", "not_ready"]
    dependencies: dict[str, Literal["ok", "unavailable"]]
    """Storage and rate-limit storage: without them calls fail or limits are per process."""
    providers: dict[str, Literal["configured", "not_configured", "emulated"]]
    """Whether each provider has what it needs. None is called."""


class ProgressEvent(ResponseModel):
    """What a streamed debrief is doing now."""

    stage: str
