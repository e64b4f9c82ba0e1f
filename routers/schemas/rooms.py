"""Opening, reading, listing, joining and deleting rooms."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import AliasChoices, ConfigDict, Field

from services.storage.records import ParticipantRole, RoomSummary
from services.text.fields import PersonName, RequestModel, ResponseModel, Timestamp


class RoomRequest(RequestModel):
    """Open a room."""

    model_config = ConfigDict(json_schema_extra={"example": {"interviewer_name": "Ada", "candidate_name": "Grace"}})

    interviewer_name: PersonName
    candidate_name: PersonName | None = None
    expires_in_minutes: Annotated[int, Field(ge=15, le=720)] = 120


class RoomResponse(ResponseModel):
    """A room that is open."""

    room_name: Annotated[str, Field(validation_alias=AliasChoices("room_name", "name"))]
    room_url: Annotated[str, Field(validation_alias=AliasChoices("room_url", "url"))]
    created_by: str
    """The interviewer's name; `unknown` for a room that was found at Daily after a restart without a database."""
    created_at: Timestamp
    expires_at: Timestamp


class OpenedRoomResponse(RoomResponse):
    """A new private room and its interviewer's token."""

    interviewer_token: str
    """Meeting token for this room only; it expires with the room. Treat it as a password."""


RoomStatus = Literal["active", "ended"]


class ListedRoom(RoomResponse):
    """A room in a list, with what is stored under it."""

    status: RoomStatus
    has_briefing: bool
    has_transcript: bool
    has_debrief: bool
    has_decision: bool

    @classmethod
    def of(cls, summary: RoomSummary, now: datetime) -> Self:
        room = summary.room
        return cls(
            room_name=room.name,
            room_url=room.url,
            created_by=room.created_by,
            created_at=room.created_at,
            expires_at=room.expires_at,
            status="ended" if room.is_expired(now) else "active",
            has_briefing=summary.has_briefing,
            has_transcript=summary.has_transcript,
            has_debrief=summary.has_debrief,
            has_decision=summary.has_decision,
        )


class RoomList(ResponseModel):
    """A page of the caller's rooms, newest first."""

    data: list[ListedRoom]
    has_more: bool
    """Whether there are rooms after the last one; ask for them with its name as `starting_after`."""


class JoinRequest(RequestModel):
    """Join a room."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"participant_name": "Grace", "participant_type": "candidate"}}
    )

    participant_name: PersonName
    participant_type: ParticipantRole


class JoinResponse(ResponseModel):
    """The participant's meeting token, and the room to use it in."""

    token: str
    room_url: str
    expires_at: Timestamp


class Deleted(ResponseModel):
    """How many of each were deleted."""

    room: int
    briefing: int
    debriefs: int
    transcripts: int
    transcripts_at_daily: int
    """At Daily, which keeps them apart from this service's."""
    segments: int
    chat_turns: int
    plans: int
    ratings: int
    decisions: int
    participants: int
    phone_calls: int
    idempotency_keys: int


class DeletionReceipt(ResponseModel):
    """What was deleted, and what could not be."""

    room_name: str
    deleted: Deleted
    remaining: list[str]
    """Sentences: what could not be removed yet, and how to remove it. Empty when nothing is left."""
