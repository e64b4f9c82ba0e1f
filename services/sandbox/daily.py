"""Daily, emulated: rooms that exist until they expire, and tokens signed with the API key.

Requests and responses are Daily's (https://docs.daily.co/reference/rest-api). Only the properties that this service
sends are known; any other is refused, as Daily refuses a property that it does not know.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import httpx
from jwt import PyJWS
from jwt.algorithms import HMACAlgorithm
from pydantic import Field
from pydantic_core import ErrorDetails, to_json

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

DOMAIN = "https://sandbox.daily.co"
DOMAIN_ID = "5a4d6b0e-5a4d-4b0e-8000-000000000000"
MAX_ROOMS = 20_000
NO_EXPIRY = 0

RoomName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,128}$")]


class RoomProperties(Closed):
    """https://docs.daily.co/reference/rest-api/rooms/config"""

    exp: int = NO_EXPIRY
    eject_at_room_exp: bool = False


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
    """The rooms of one Daily domain. An expired room counts as deleted and is dropped when space is needed."""

    def __init__(self, now: Clock, capacity: int = MAX_ROOMS) -> None:
        self._now = now
        self._capacity = capacity
        self._rooms: dict[str, StoredRoom] = {}
        self.routes = (
            Route("POST", "/rooms", self._create_room),
            Route("GET", "/rooms/{name}", self._get_room),
            Route("DELETE", "/rooms/{name}", self._delete_room),
            Route("POST", "/meeting-tokens", self._create_token),
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
        self._make_space()
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
        claims = properties.model_dump(by_alias=True, exclude_unset=True) | {"d": DOMAIN_ID, "iat": int(self._now())}
        return httpx.Response(200, json={"token": sign(claims, bearer_key(request))})

    def _refuse_past(self, exp: int) -> None:
        if exp != NO_EXPIRY and exp <= self._now():
            raise _invalid(f"exp was {exp}, which is in the past")

    def _make_space(self) -> None:
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
