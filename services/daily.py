"""Daily.co: private video rooms, meeting tokens and transcripts.

https://docs.daily.co/docs/rest-api/index
"""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, TypeVar
from urllib.parse import quote

import httpx
from pydantic import BaseModel, ValidationError

from services.daily_transcript import DailyTranscript
from services.errors import (
    ProviderBadAnswer,
    ProviderNotConfigured,
    ProviderUnavailable,
    RoomNotFound,
    ServiceError,
    TranscriptionNotStarted,
    TranscriptNotFound,
    TranscriptNotStored,
)
from services.text.fields import NoNullCharacters
from services.upstream.client import VendorClient
from services.upstream.error_rules import REDIRECTS, ErrorRule, map_by_rules
from services.upstream.hosts import is_loopback
from services.upstream.redaction import loggable
from services.upstream.responses import InvalidAsNone, MappedError, VendorResponse, log_unreadable, map_status

log = logging.getLogger(__name__)

VENDOR = "Daily"
TRANSCRIPTS_PER_PAGE = 100
MAX_TRANSCRIPT_PAGES = 10

Model = TypeVar("Model", bound=BaseModel)

_StoredText = Annotated[str, NoNullCharacters]


class DailyRoomConfig(BaseModel):
    """The properties that differ from Daily's defaults. `exp` is in Unix seconds; without it the room never ends."""

    exp: int | None = None
    enable_transcription_storage: bool = False
    """Whether transcripts of calls in this room are kept."""


class DailyRoom(BaseModel):
    """A room at Daily."""

    id: _StoredText
    name: _StoredText
    url: _StoredText
    created_at: datetime
    config: DailyRoomConfig = DailyRoomConfig()


class _TranscriptPage(BaseModel):
    data: list[DailyTranscript]


class _TranscriptLink(BaseModel):
    """Daily's schema names `link`, its example `download_link`. Either may be an error sentence instead of a URL."""

    link: Annotated[str | None, InvalidAsNone] = None
    download_link: Annotated[str | None, InvalidAsNone] = None


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
        phrases=("enable_transcription", "auto_start_transcription"),
    ),
    ErrorRule(
        ProviderBadAnswer,
        "To Daily the end of the room is in the past; check this server's clock.",
        statuses=(400,),
        phrases=("in the past", "in the future"),
    ),
    ErrorRule(ProviderBadAnswer, "Daily has moved from this address; check DAILY_API_URL.", statuses=REDIRECTS),
    ErrorRule(_Refused, "Daily did not accept the request; the server's log says why.", statuses=(400,)),
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

    async def create_room(self, name: str, expires_at: datetime, *, is_transcribed: bool) -> DailyRoom:
        """A private room that ends for everyone in it at `expires_at`.

        Names are unique to each call, so if Daily says that the name exists, an earlier attempt whose response was lost
        has made the room. With `is_transcribed` Daily keeps the transcripts of its calls; they are lost if this is
        switched on only later. https://docs.daily.co/reference/rest-api/rooms/create-room
        """
        properties = {"exp": int(expires_at.timestamp()), "eject_at_room_exp": True}
        if is_transcribed:
            properties["enable_transcription_storage"] = True
        body = {"name": name, "privacy": "private", "properties": properties}
        try:
            return _read(DailyRoom, await self._send("POST", "/rooms", body))
        except RoomNotFound:
            raise ProviderBadAnswer("Daily has no rooms at this address; check DAILY_API_URL.") from None
        except _Refused as refusal:
            try:
                return await self.get_room(name)
            except RoomNotFound:
                raise refusal from None

    async def get_room(self, name: str) -> DailyRoom:
        """The room at Daily. Raises RoomNotFound, also for a room that has ended."""
        return _read(DailyRoom, await self._send("GET", f"/rooms/{name}"))

    async def delete_room(self, name: str) -> bool:
        """Delete the room, and return whether there was one."""
        try:
            await self._send("DELETE", f"/rooms/{name}")
        except RoomNotFound:
            return False
        return True

    async def create_meeting_token(
        self,
        room_name: str,
        participant_name: str,
        expires_at: datetime,
        *,
        user_id: str,
        is_owner: bool,
        starts_transcription: bool = False,
    ) -> str:
        """A token for this room only, valid until `expires_at`. An owner may admit, mute and eject.

        `user_id` has at most 36 characters, and no two participants share one. `participant_name` is the speaker's name
        in transcripts. With `starts_transcription` it starts when this person, an owner, joins. No eject property is
        set, since one in the token replaces the room's for this person.
        https://docs.daily.co/docs/guides/privacy-and-security/meeting-tokens
        """
        properties = {
            "room_name": room_name,
            "exp": int(expires_at.timestamp()),
            "is_owner": is_owner,
            "user_name": participant_name,
            "user_id": user_id,
        }
        if starts_transcription:
            properties["auto_start_transcription"] = True
        response = await self._send("POST", "/meeting-tokens", {"properties": properties})
        return _read(_Token, response).token

    async def start_transcription(self, room_name: str) -> None:
        """Start transcribing the running call. Not retried, since a second start makes a second transcript.

        Raises TranscriptionNotStarted when there is no call. https://docs.daily.co/reference/rest-api/rooms/transcription/start
        """
        try:
            await self._send("POST", f"/rooms/{room_name}/transcription/start", repeatable=False)
        except RoomNotFound:
            raise TranscriptionNotStarted from None
        except _Refused:
            raise ProviderBadAnswer("Daily did not start the transcription; the server's log says why.") from None

    async def list_transcripts(self, room_id: str) -> list[DailyTranscript]:
        """The room's transcripts, by Daily's id of the room, in the order in which they began.

        Deleted ones may be among them. https://docs.daily.co/reference/rest-api/transcript/list-transcript
        """
        found: dict[str, DailyTranscript] = {}
        params = {"roomId": room_id, "limit": str(TRANSCRIPTS_PER_PAGE)}
        for _ in range(MAX_TRANSCRIPT_PAGES):
            page = _read(_TranscriptPage, await self._list_page(params)).data
            if any(transcript.room_id != room_id for transcript in page):
                raise ProviderBadAnswer("Daily listed transcripts of another room; none were read.")
            found |= {transcript.id: transcript for transcript in page}
            if len(page) < TRANSCRIPTS_PER_PAGE:
                return sorted(found.values(), key=_beginning)
            params["starting_after"] = page[-1].id
        raise ProviderBadAnswer("Daily lists too many transcripts of this room; delete some at Daily.")

    async def _list_page(self, params: Mapping[str, str]) -> VendorResponse:
        try:
            return await self._send("GET", "/transcript", params=params)
        except RoomNotFound:
            raise ProviderBadAnswer("Daily has no transcripts at this address; check DAILY_API_URL.") from None

    async def get_transcript_link(self, transcript_id: str) -> str:
        """A link to the transcript's file, valid for an hour, for `download_transcript`.

        Raises TranscriptNotFound, and TranscriptNotStored when the room was opened without storage.
        https://docs.daily.co/reference/rest-api/transcript/get-transcript-link
        """
        try:
            response = await self._send("GET", f"{_transcript_path(transcript_id)}/access-link")
        except RoomNotFound:
            raise TranscriptNotFound from None
        answer = _read(_TranscriptLink, response)
        texts = [text for text in (answer.link, answer.download_link) if text]
        for text in texts:
            if self._is_link(text):
                return text
        raise _no_link(texts)

    async def download_transcript(self, link: str) -> str:
        """The transcript as WebVTT, of at most 4 MiB. The link is followed without our key."""
        if not self._is_link(link):
            raise _no_link([link])
        response = await self._upstream.download(httpx.URL(link), _map_download_error)
        try:
            text = response.content.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise _unreadable() from None
        if not text.startswith("WEBVTT"):
            raise _unreadable()
        return text

    async def delete_transcript(self, transcript_id: str) -> bool:
        """Delete the transcript, and return whether there was one. Files in a bucket of our own are not touched.

        https://docs.daily.co/reference/rest-api/transcript/delete-transcript
        """
        try:
            await self._send("DELETE", _transcript_path(transcript_id))
        except RoomNotFound:
            return False
        return True

    def _is_link(self, link: str) -> bool:
        """Whether this is a URL that may be followed: https, or plain http where Daily itself is on loopback."""
        try:
            url = httpx.URL(link)
        except httpx.InvalidURL:
            return False
        is_emulated = is_loopback(self._upstream.base_url.host) and is_loopback(url.host)
        return bool(url.host) and (url.scheme == "https" or (url.scheme == "http" and is_emulated))

    async def _send(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        params: Mapping[str, str] | None = None,
        repeatable: bool = True,
    ) -> VendorResponse:
        """Most calls are safe to repeat: room names are unique, and tokens are only signatures."""
        if not self.is_configured:
            raise ProviderNotConfigured(VENDOR, "DAILY_API_KEY")
        return await self._upstream.call(method, path, json=body, params=params, repeatable=repeatable)


def _no_link(sentences: Sequence[str]) -> ServiceError:
    """The error for an answer without a link, where Daily may have put a sentence instead."""
    reason = " ".join(sentences)
    log.warning("Daily gave no link to a transcript: %s", loggable(reason))
    if "not stored" in reason.casefold():
        return TranscriptNotStored()
    return ProviderBadAnswer("Daily gave no link to the transcript; try again later.")


def _map_download_error(response: VendorResponse) -> MappedError:
    """The error for a file's link, which leads to S3 and is sent without our key."""
    if response.status in {400, 401, 403, 404, 410}:
        return MappedError(ProviderBadAnswer("Daily's link to the transcript has expired or is refused; try again."))
    return map_status(VENDOR, response, "DAILY_API_URL")


def _beginning(transcript: DailyTranscript) -> tuple[bool, float]:
    """Sorts by the time of beginning; unknown times come last."""
    created_at = transcript.created_at
    return (created_at is None, created_at.timestamp() if created_at else 0.0)


def _transcript_path(transcript_id: str) -> str:
    return f"/transcript/{quote(transcript_id, safe='')}"


def _read(model: type[Model], response: VendorResponse) -> Model:
    try:
        return model.model_validate_json(response.content)
    except ValidationError as error:
        log_unreadable(VENDOR, response, error)
        raise _unreadable() from None


def _unreadable() -> ProviderBadAnswer:
    return ProviderBadAnswer("Daily sent a response that can't be read; try again.")
