"""Daily, emulated: rooms that exist until they expire, tokens signed with the API key, transcripts.

Requests and responses are Daily's (https://docs.daily.co/reference/rest-api). Only the properties that this service
sends are known; any other is refused, as Daily refuses a property that it does not know.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Annotated, Any, Literal

import httpx
from jwt import PyJWS
from jwt.algorithms import HMACAlgorithm
from pydantic import Field
from pydantic_core import ErrorDetails, to_json

from services.sandbox.daily_transcripts import Call, Transcript
from services.sandbox.wire import (
    Clock,
    Closed,
    Emulation,
    Refusal,
    Route,
    bearer_key,
    field_path,
    read_body,
    reason,
    timestamp,
)
from services.text.fields import ROOM_NAME_PATTERN

DOMAIN = "https://sandbox.daily.co"
DOMAIN_ID = "5a4d6b0e-5a4d-4b0e-8000-000000000000"
CAPACITY = 20_000
"""Maximum number of rooms, and of transcripts."""
PAGE = 100
"""Maximum number of items in one list."""
NO_EXPIRY = 0

RoomName = Annotated[str, Field(pattern=ROOM_NAME_PATTERN)]


class RoomProperties(Closed):
    """https://docs.daily.co/reference/rest-api/rooms/config"""

    exp: int = NO_EXPIRY
    eject_at_room_exp: bool = False
    enable_transcription_storage: bool = False


class CreateRoom(Closed):
    """The body of `POST /rooms`."""

    name: RoomName = Field(default_factory=lambda: uuid.uuid4().hex[:20])
    privacy: Literal["public", "private"] = "public"
    properties: RoomProperties = RoomProperties()


class TokenProperties(Closed):
    """https://docs.daily.co/reference/rest-api/meeting-tokens/create-meeting-token

    Each is serialized under the name of its claim:
    https://docs.daily.co/docs/guides/privacy-and-security/self-signing-tokens
    """

    room_name: RoomName = Field("", serialization_alias="r")
    exp: int = Field(NO_EXPIRY, serialization_alias="exp")
    is_owner: bool = Field(default=False, serialization_alias="o")
    user_name: str = Field("", serialization_alias="u")
    user_id: str = Field("", max_length=36, serialization_alias="ud")
    auto_start_transcription: bool = Field(default=False, serialization_alias="ast")


class CreateToken(Closed):
    """The body of `POST /meeting-tokens`."""

    properties: TokenProperties = TokenProperties()


@dataclass(frozen=True)
class StoredRoom:
    """A room as it was created."""

    id: str
    name: str
    privacy: str
    created_at: float
    properties: RoomProperties
    call: Call = field(default_factory=Call)

    def is_expired(self, now: float) -> bool:
        return self.properties.exp != NO_EXPIRY and now >= self.properties.exp

    def document(self) -> dict[str, Any]:
        """The room as Daily sends it: `config` has the properties that differ from the defaults."""
        return {
            "id": self.id,
            "name": self.name,
            "api_created": True,
            "privacy": self.privacy,
            "url": f"{DOMAIN}/{self.name}",
            "created_at": timestamp(self.created_at),
            "config": self.properties.model_dump(exclude_defaults=True),
        }


class Daily(Emulation):
    """One Daily domain. An expired room counts as deleted.

    Above the capacity expired rooms and the oldest transcripts are dropped.
    """

    def __init__(self, now: Clock, capacity: int = CAPACITY) -> None:
        self._now = now
        self._capacity = capacity
        self._rooms: dict[str, StoredRoom] = {}
        self._transcripts: dict[str, Transcript] = {}
        self.routes = (
            Route("POST", "/rooms", self._create_room),
            Route("GET", "/rooms/{name}", self._get_room),
            Route("DELETE", "/rooms/{name}", self._delete_room),
            Route("POST", "/meeting-tokens", self._create_token),
            Route("POST", "/rooms/{name}/transcription/start", self._start_transcription),
            Route("GET", "/transcript", self._list_transcripts),
            Route("DELETE", "/transcript/{transcript_id}", self._delete_transcript),
            Route("GET", "/transcript/{transcript_id}/access-link", self._link_transcript),
            Route("GET", "/transcript-files/{transcript_id}", self._download_transcript, needs_key=False),
        )

    def without_key(self) -> Refusal:
        return Refusal(
            400, {"error": "authorization-header-error", "info": "authorization header missing or malformed"}
        )

    def unknown_call(self, request: httpx.Request) -> Refusal:
        return Refusal(404, {"error": "not-found", "info": f"no such path: {request.url.path}"})

    def _create_room(self, request: httpx.Request) -> httpx.Response:
        body = read_body(CreateRoom, request, _invalid_body)
        self._refuse_past(body.properties.exp)
        if (existing := self._rooms.get(body.name)) and not existing.is_expired(self._now()):
            raise _invalid(f"a room named {body.name} already exists")
        self._evict()
        room = StoredRoom(str(uuid.uuid4()), body.name, body.privacy, self._now(), body.properties)
        self._rooms[room.name] = room
        return httpx.Response(200, json=room.document())

    def _get_room(self, _request: httpx.Request, name: str) -> httpx.Response:
        room = self._rooms.get(name)
        if room is None or room.is_expired(self._now()):
            raise _no_room(name)
        return httpx.Response(200, json=room.document())

    def _delete_room(self, _request: httpx.Request, name: str) -> httpx.Response:
        room = self._rooms.pop(name, None)
        if room is None:
            raise _no_room(name)
        if room.is_expired(self._now()):
            raise _no_room(name, deleted=True)
        return httpx.Response(200, json={"deleted": True, "name": name})

    def _create_token(self, request: httpx.Request) -> httpx.Response:
        properties = read_body(CreateToken, request, _invalid_body).properties
        self._refuse_past(properties.exp)
        if (room := self._rooms.get(properties.room_name)) is not None:
            self._join(room, properties)
        claims = properties.model_dump(by_alias=True, exclude_unset=True) | {"d": DOMAIN_ID, "iat": int(self._now())}
        return httpx.Response(200, json={"token": sign(claims, bearer_key(request))})

    def _join(self, room: StoredRoom, token: TokenProperties) -> None:
        room.call.join(token.user_name, self._now(), is_owner=token.is_owner)
        if token.is_owner and token.auto_start_transcription:
            self._transcribe(room)

    def _transcribe(self, room: StoredRoom) -> None:
        """Begin a transcript, unless the room has one already or stores none."""
        has_one = room.call.transcript is not None and not room.call.transcript.is_deleted
        if has_one or not room.properties.enable_transcription_storage:
            return
        room.call.transcript = transcript = Transcript(room.id, room.call, self._now())
        self._transcripts[transcript.id] = transcript
        for oldest in list(islice(self._transcripts, max(0, len(self._transcripts) - self._capacity))):
            del self._transcripts[oldest]

    def _start_transcription(self, _request: httpx.Request, name: str) -> httpx.Response:
        room = self._rooms.get(name)
        if room is None or room.is_expired(self._now()) or room.call.last_join is None:
            raise Refusal(404, {"error": "not-found", "info": f"room {name} is not hosting a call"})
        self._transcribe(room)
        return httpx.Response(200, json={"sent": "true"})

    def _list_transcripts(self, request: httpx.Request) -> httpx.Response:
        parameters = request.url.params
        found = [
            transcript
            for transcript in reversed(self._transcripts.values())
            if transcript.room_id == parameters.get("roomId", transcript.room_id)
        ]
        ids = [transcript.id for transcript in found]
        first = ids.index(after) + 1 if (after := parameters.get("starting_after")) in ids else 0
        limit = parameters.get("limit", "")
        page = found[first : first + min(PAGE, int(limit) if limit.isdecimal() else PAGE)]
        documents = [transcript.document(self._now(), DOMAIN_ID) for transcript in page]
        return httpx.Response(200, json={"total_count": len(found), "data": documents})

    def _delete_transcript(self, _request: httpx.Request, transcript_id: str) -> httpx.Response:
        transcript = self._transcript(transcript_id)
        transcript.is_deleted = True
        return httpx.Response(200, json=transcript.document(self._now(), DOMAIN_ID))

    def _link_transcript(self, request: httpx.Request, transcript_id: str) -> httpx.Response:
        """A link to the file, beside the API. Like Daily's it works without the key, and only without it."""
        transcript = self._transcript(transcript_id)
        base = request.url.path.partition("/transcript/")[0]
        link = request.url.copy_with(path=f"{base}/transcript-files/{transcript.id}", query=None)
        return httpx.Response(200, json={"transcriptId": transcript.id, "link": str(link)})

    def _download_transcript(self, request: httpx.Request, transcript_id: str) -> httpx.Response:
        transcript = self._transcript(transcript_id)
        if "authorization" in request.headers:
            return httpx.Response(400, text="<Error><Code>InvalidArgument</Code></Error>")
        if transcript.status(self._now()) != "t_finished":
            return httpx.Response(404, text="<Error><Code>NoSuchKey</Code></Error>")
        return httpx.Response(200, text=transcript.webvtt(), headers={"content-type": "text/vtt"})

    def _transcript(self, transcript_id: str) -> Transcript:
        transcript = self._transcripts.get(transcript_id)
        if transcript is None or transcript.is_deleted:
            raise Refusal(404, {"error": "not-found", "info": f"transcript {transcript_id} not found"})
        return transcript

    def _refuse_past(self, exp: int) -> None:
        if exp != NO_EXPIRY and exp <= self._now():
            raise _invalid(f"exp was {exp}, which is in the past")

    def _evict(self) -> None:
        if len(self._rooms) < self._capacity:
            return
        now = self._now()
        self._rooms = {name: room for name, room in self._rooms.items() if not room.is_expired(now)}
        if len(self._rooms) >= self._capacity:
            raise Refusal(429, {"error": "rate-limit-error", "info": "the sandbox has no space for more rooms"})


class _AnyLengthHS256(HMACAlgorithm):
    """HS256 as Daily uses it: the API key is the secret, whatever its length. PyJWT would warn about short ones."""

    def check_key_length(self, _key: bytes) -> str | None:
        return None


_signer = PyJWS()
_signer.unregister_algorithm("HS256")
_signer.register_algorithm("HS256", _AnyLengthHS256(HMACAlgorithm.SHA256))


def sign(claims: Mapping[str, Any], key: str) -> str:
    """A meeting token: an HS256 JWT whose secret is the API key."""
    return _signer.encode(to_json(claims), key.encode(), algorithm="HS256", sort_headers=True)


def _invalid(info: str) -> Refusal:
    return Refusal(400, {"error": "invalid-request-error", "info": info})


def _invalid_body(errors: Sequence[ErrorDetails]) -> Refusal:
    first = errors[0]
    if first["type"] == "json_invalid":
        return Refusal(400, {"error": "json-parsing-error", "info": "the body is not JSON"})
    if first["type"] == "extra_forbidden":
        return _invalid(f"unknown property '{field_path(first)}'")
    return _invalid(f"{field_path(first)}: {reason(first)}")


def _no_room(name: str, **more: bool) -> Refusal:
    return Refusal(404, {"error": "not-found", "info": f"room {name} not found", **more})
