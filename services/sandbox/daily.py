"""Daily emulated: rooms that are kept until they expire, and tokens signed with the API key.

What it accepts and answers: https://docs.daily.co/reference/rest-api
"""

import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
from jwt import PyJWS
from jwt.algorithms import HMACAlgorithm
from pydantic_core import ErrorDetails, to_json

from services.sandbox.daily_objects import CLAIMS, CreateRoom, CreateToken, RoomProperties
from services.sandbox.wire import Clock, Emulation, Refusal, Route, bearer_key, field_path, read_body, reason, timestamp

DOMAIN = "https://sandbox.daily.co"
DOMAIN_ID = "5a4d6b0e-5a4d-4b0e-8000-000000000000"
MAX_ROOMS = 20_000
MAX_USER_ID = 36

_NAME = re.compile(r"[A-Za-z0-9_-]{1,128}")


@dataclass(frozen=True)
class KeptRoom:
    """A room as it was created."""

    id: str
    name: str
    privacy: str
    created_at: float
    properties: RoomProperties

    def is_expired(self, now: float) -> bool:
        return self.properties.exp is not None and now >= self.properties.exp

    def document(self) -> dict[str, Any]:
        """The room as Daily sends it: `config` holds what differs from the defaults."""
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
    """Rooms and tokens of one Daily domain. An expired room counts as deleted and is dropped when space is needed."""

    def __init__(self, now: Clock, capacity: int = MAX_ROOMS) -> None:
        self._now = now
        self._capacity = capacity
        self._rooms: dict[str, KeptRoom] = {}
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
        name = uuid.uuid4().hex[:20] if body.name is None else body.name
        if not _NAME.fullmatch(name):
            raise _invalid("name must be 1 to 128 characters of A-Z, a-z, 0-9, '-' and '_'")
        self._refuse_past(body.properties.exp)
        if (kept := self._rooms.get(name)) and not kept.is_expired(self._now()):
            raise _invalid(f"a room named {name} already exists")
        self._make_space()
        self._rooms[name] = KeptRoom(str(uuid.uuid4()), name, body.privacy, self._now(), body.properties)
        return httpx.Response(200, json=self._rooms[name].document())

    def _get_room(self, _request: httpx.Request, name: str) -> httpx.Response:
        room = self._rooms.get(name)
        if room is None or room.is_expired(self._now()):
            raise _not_found(name)
        return httpx.Response(200, json=room.document())

    def _delete_room(self, _request: httpx.Request, name: str) -> httpx.Response:
        room = self._rooms.pop(name, None)
        if room is None:
            raise _not_found(name)
        if room.is_expired(self._now()):
            raise _not_found(name, deleted=True)
        return httpx.Response(200, json={"deleted": True, "name": name})

    def _create_token(self, request: httpx.Request) -> httpx.Response:
        properties = read_body(CreateToken, request, _invalid_body).properties
        self._refuse_past(properties.exp)
        if properties.room_name is not None and not _NAME.fullmatch(properties.room_name):
            raise _invalid("room_name is not the name of a room")
        if len(properties.user_id or "") > MAX_USER_ID:
            raise _invalid(f"user_id must be at most {MAX_USER_ID} characters")
        sent = properties.model_dump(exclude_unset=True)
        claims = {CLAIMS[name]: value for name, value in sent.items() if name in CLAIMS}
        claims |= {"d": DOMAIN_ID, "iat": int(self._now())}
        return httpx.Response(200, json={"token": sign(claims, bearer_key(request))})

    def _refuse_past(self, exp: int | None) -> None:
        if exp is not None and exp <= self._now():
            raise _invalid("exp is in the past")

    def _make_space(self) -> None:
        if len(self._rooms) < self._capacity:
            return
        now = self._now()
        self._rooms = {name: room for name, room in self._rooms.items() if not room.is_expired(now)}
        if len(self._rooms) >= self._capacity:
            raise Refusal(429, {"error": "rate-limit-error", "info": "the sandbox keeps no more rooms"})


class _KeyOfAnyLength(HMACAlgorithm):
    """HS256 as Daily uses it: its API keys are the secret, whatever their length, where PyJWT would warn."""

    def check_key_length(self, _key: bytes) -> str | None:
        return None


_signer = PyJWS()
_signer.unregister_algorithm("HS256")
_signer.register_algorithm("HS256", _KeyOfAnyLength(HMACAlgorithm.SHA256))


def sign(claims: Mapping[str, Any], key: str) -> str:
    """A meeting token: an HS256 JWT whose secret is the API key."""
    return _signer.encode(to_json(claims), key.encode(), algorithm="HS256", sort_headers=True)


def _invalid(why: str) -> Refusal:
    return Refusal(400, {"error": "invalid-request-error", "info": why})


def _invalid_body(errors: Sequence[ErrorDetails]) -> Refusal:
    first = errors[0]
    if first["type"] == "json_invalid":
        return Refusal(400, {"error": "json-parsing-error", "info": "the body is not JSON"})
    if first["type"] == "extra_forbidden":
        return _invalid(f"unknown property '{field_path(first)}'")
    return _invalid(f"{field_path(first)}: {reason(first)}")


def _not_found(name: str, **more: bool) -> Refusal:
    return Refusal(404, {"error": "not-found", "info": f"room {name} not found", **more})
