"""Daily.co: private video rooms and the tokens that open them.

https://docs.daily.co/docs/rest-api/index
"""

from datetime import datetime
from typing import Annotated, Any
from uuid import NAMESPACE_URL, uuid5

from pydantic import BaseModel, ValidationError

from services.errors import ProviderBadAnswer, ProviderNotConfigured, RoomNotFound
from services.text.fields import NoNullCharacters
from services.upstream.client import VendorClient
from services.upstream.responses import MappedError, VendorResponse, error_by_status

VENDOR = "Daily"

_StoredText = Annotated[str, NoNullCharacters]


class DailyRoomConfig(BaseModel):
    """What differs from Daily's defaults; `exp` is Unix seconds, and without it the room never ends."""

    exp: int | None = None


class DailyRoom(BaseModel):
    """A room as Daily describes it."""

    id: _StoredText
    name: _StoredText
    url: _StoredText
    created_at: datetime
    config: DailyRoomConfig = DailyRoomConfig()


class _Token(BaseModel):
    token: str


class _Refused(ProviderBadAnswer):
    """Daily calls a bad value and a name that is taken both `invalid-request-error`, status 400."""


def map_error(answer: VendorResponse) -> MappedError:
    """What Daily's error answers mean: https://docs.daily.co/docs/rest-api/errors."""
    problem = answer.json_object() or {}
    if answer.status == 404 or problem.get("deleted") is True:
        # deleting a room that has ended answers with an error status and `deleted: true`
        return MappedError(RoomNotFound())
    if answer.status == 400 and problem.get("error") != "authorization-header-error":
        return MappedError(_Refused("Daily did not accept this room; try again, or open a room with another duration."))
    if answer.status == 400:
        return error_by_status(VENDOR, answer._replace(status=401), "DAILY_API_KEY")
    return error_by_status(VENDOR, answer, "DAILY_API_KEY")


class Daily:
    """The calls we make. Each raises ProviderNotConfigured without a key, and the provider errors of `VendorClient`."""

    def __init__(self, upstream: VendorClient, *, is_configured: bool) -> None:
        self._upstream = upstream
        self.is_configured = is_configured

    async def create_room(self, name: str, expires_at: datetime) -> DailyRoom:
        """A private room that ends, for everybody in it, at `expires_at`.

        The name is ours, so a lost answer is asked for again: a name that is
        taken was taken by us. https://docs.daily.co/reference/rest-api/rooms/create-room
        """
        exp = int(expires_at.timestamp())
        body = {"name": name, "privacy": "private", "properties": {"exp": exp, "eject_at_room_exp": True}}
        try:
            return _room(await self._send("POST", "/rooms", body))
        except RoomNotFound:
            raise ProviderBadAnswer("Daily does not take new rooms at this address; check DAILY_API_URL.") from None
        except _Refused as refusal:
            try:
                return await self.get_room(name)
            except RoomNotFound:
                raise refusal from None

    async def get_room(self, name: str) -> DailyRoom:
        """The room as Daily knows it. Raises RoomNotFound."""
        return _room(await self._send("GET", f"/rooms/{name}"))

    async def delete_room(self, name: str) -> bool:
        """Take the room away; whether there was one."""
        try:
            await self._send("DELETE", f"/rooms/{name}")
        except RoomNotFound:
            return False
        return True

    async def create_meeting_token(
        self, room_name: str, participant_name: str, expires_at: datetime, *, is_owner: bool
    ) -> str:
        """A token for this room only, good until the room ends; an owner may admit, mute and eject.

        No eject property is set: it would switch the room's own off for this person.
        https://docs.daily.co/docs/guides/privacy-and-security/meeting-tokens
        """
        seat = "owner" if is_owner else "guest"
        properties = {
            "room_name": room_name,
            "exp": int(expires_at.timestamp()),
            "is_owner": is_owner,
            "user_name": participant_name,
            "user_id": str(uuid5(NAMESPACE_URL, f"{room_name}/{seat}/{participant_name}")),
        }
        answer = await self._send("POST", "/meeting-tokens", {"properties": properties})
        try:
            return _Token.model_validate_json(answer.content).token
        except ValidationError:
            raise _unreadable() from None

    async def _send(self, method: str, path: str, body: dict[str, Any] | None = None) -> VendorResponse:
        """All our calls are safe to repeat: room names are ours, tokens are only signatures."""
        if not self.is_configured:
            raise ProviderNotConfigured(VENDOR, "DAILY_API_KEY")
        return await self._upstream.call(method, path, json=body, repeatable=True)


def _room(answer: VendorResponse) -> DailyRoom:
    try:
        return DailyRoom.model_validate_json(answer.content)
    except ValidationError:
        raise _unreadable() from None


def _unreadable() -> ProviderBadAnswer:
    return ProviderBadAnswer("Daily answered in a form that can't be read; try again.")
