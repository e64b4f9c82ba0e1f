"""Daily.co: private video rooms and meeting tokens.

https://docs.daily.co/docs/rest-api/index
"""

from datetime import datetime
from typing import Annotated, Any
from uuid import NAMESPACE_URL, uuid5

from pydantic import BaseModel, ValidationError

from services.errors import ProviderBadAnswer, ProviderNotConfigured, ProviderUnavailable, RoomNotFound
from services.text.fields import NoNullCharacters
from services.upstream.client import VendorClient
from services.upstream.error_rules import ErrorRule, map_by_rules
from services.upstream.responses import MappedError, VendorResponse

VENDOR = "Daily"

_StoredText = Annotated[str, NoNullCharacters]


class DailyRoomConfig(BaseModel):
    """The properties that differ from Daily's defaults. `exp` is in Unix seconds; without it the room never ends."""

    exp: int | None = None


class DailyRoom(BaseModel):
    """A room at Daily."""

    id: _StoredText
    name: _StoredText
    url: _StoredText
    created_at: datetime
    config: DailyRoomConfig = DailyRoomConfig()


class _Token(BaseModel):
    token: str


class _Refused(ProviderBadAnswer):
    """Daily answered 400: a value is invalid, or a room of this name exists."""


_ERROR_RULES = (
    ErrorRule(
        ProviderUnavailable,
        "The plan of this Daily account does not include this; add a payment method or change the plan at Daily.",
        codes=("invalid-plan-type", "account-missing-payment-method"),
    ),
    ErrorRule(
        ProviderUnavailable,
        "Daily could not read this server's key; check DAILY_API_KEY.",
        codes=("authorization-header-error",),
    ),
    ErrorRule(
        ProviderUnavailable,
        "Daily does not transcribe for this account; add a payment method at Daily or set DAILY_TRANSCRIPTION=off.",
        statuses=(400, 403),
        phrases=("transcription",),
    ),
    ErrorRule(
        ProviderBadAnswer,
        "To Daily the end of the room is in the past; check this server's clock.",
        statuses=(400,),
        phrases=("in the past",),
    ),
    ErrorRule(
        _Refused,
        "Daily did not accept this room; try again, or open a room with another duration.",
        statuses=(400,),
    ),
)
"""https://docs.daily.co/docs/rest-api/errors"""


def map_error(response: VendorResponse) -> MappedError:
    """The error for an error response of Daily."""
    if response.status == 404 or _is_deleted(response):
        return MappedError(RoomNotFound())
    return map_by_rules(_ERROR_RULES, VENDOR, response, "DAILY_API_KEY")


def _is_deleted(response: VendorResponse) -> bool:
    """Deleting a room that has ended answers with an error status and `deleted: true`."""
    return (response.json_object() or {}).get("deleted") is True


class Daily:
    """The calls we make. Each raises ProviderNotConfigured without a key, and the errors of `VendorClient`."""

    def __init__(self, upstream: VendorClient, *, is_configured: bool) -> None:
        self._upstream = upstream
        self.is_configured = is_configured

    async def create_room(self, name: str, expires_at: datetime) -> DailyRoom:
        """A private room that ends for everyone in it at `expires_at`.

        Names are unique to each call, so if Daily says that the name exists, an earlier attempt whose response was lost
        has made the room. https://docs.daily.co/reference/rest-api/rooms/create-room
        """
        exp = int(expires_at.timestamp())
        body = {"name": name, "privacy": "private", "properties": {"exp": exp, "eject_at_room_exp": True}}
        try:
            return _room(await self._send("POST", "/rooms", body))
        except RoomNotFound:
            raise ProviderBadAnswer("Daily has no rooms at this address; check DAILY_API_URL.") from None
        except _Refused as refusal:
            try:
                return await self.get_room(name)
            except RoomNotFound:
                raise refusal from None

    async def get_room(self, name: str) -> DailyRoom:
        """The room at Daily. Raises RoomNotFound, also for a room that has ended."""
        return _room(await self._send("GET", f"/rooms/{name}"))

    async def delete_room(self, name: str) -> bool:
        """Delete the room, and return whether there was one."""
        try:
            await self._send("DELETE", f"/rooms/{name}")
        except RoomNotFound:
            return False
        return True

    async def create_meeting_token(
        self, room_name: str, participant_name: str, expires_at: datetime, *, is_owner: bool
    ) -> str:
        """A token for this room only, valid until `expires_at`. An owner may admit, mute and eject.

        No eject property is set, since one in the token replaces the room's for this person.
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
        response = await self._send("POST", "/meeting-tokens", {"properties": properties})
        try:
            return _Token.model_validate_json(response.content).token
        except ValidationError:
            raise _unreadable() from None

    async def _send(self, method: str, path: str, body: dict[str, Any] | None = None) -> VendorResponse:
        """Every call we make is safe to repeat: room names are unique, and tokens are only signatures."""
        if not self.is_configured:
            raise ProviderNotConfigured(VENDOR, "DAILY_API_KEY")
        return await self._upstream.call(method, path, json=body, repeatable=True)


def _room(response: VendorResponse) -> DailyRoom:
    try:
        return DailyRoom.model_validate_json(response.content)
    except ValidationError:
        raise _unreadable() from None


def _unreadable() -> ProviderBadAnswer:
    return ProviderBadAnswer("Daily sent a response that can't be read; try again.")
