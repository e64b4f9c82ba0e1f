"""Events that Daily sends to a webhook: https://docs.daily.co/reference/rest-api/webhooks"""

from typing import Annotated, Literal, NamedTuple

from pydantic import BaseModel, Field, ValidationError

from services.text.fields import ROOM_NAME_PATTERN


class ReadyTranscript(NamedTuple):
    """A transcript that can be downloaded."""

    room_name: str
    transcript_id: str


class _Payload(BaseModel):
    room_name: Annotated[str, Field(pattern=ROOM_NAME_PATTERN)]
    id: Annotated[str, Field(min_length=1, max_length=100)]


class _Event(BaseModel):
    type: Literal["transcript.ready-to-download"]
    payload: _Payload


def read_event(body: bytes) -> ReadyTranscript | None:
    """The transcript that the event announces; None for Daily's test delivery and for every other event."""
    try:
        event = _Event.model_validate_json(body)
    except ValidationError:
        return None
    return ReadyTranscript(event.payload.room_name, event.payload.id)
