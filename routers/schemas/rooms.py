"""Rooms: opening, joining and deleting one."""

from dataclasses import asdict
from typing import Annotated, Self

from pydantic import ConfigDict, Field

from services.interview.rooms import Erasure, Participant
from services.storage.records import Room
from services.text.fields import PersonName, RequestModel, ResponseModel, Timestamp


class RoomRequest(RequestModel):
    """Open a room."""

    model_config = ConfigDict(json_schema_extra={"example": {"interviewer_name": "Ada", "candidate_name": "Grace"}})

    interviewer_name: PersonName
    candidate_name: PersonName | None = None
    expires_in_minutes: Annotated[int, Field(ge=15, le=720)] = 120


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
