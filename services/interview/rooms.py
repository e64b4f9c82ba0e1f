"""Rooms: opening, finding, joining and deleting them, within the rights of the caller."""

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from secrets import token_hex
from typing import NamedTuple
from uuid import uuid4

from services.clock import Clock
from services.daily import Daily, DailyRoom
from services.errors import (
    Forbidden,
    ListingNeedsAuthentication,
    ProviderBadAnswer,
    RoomExpired,
    RoomNotFound,
    ServiceError,
    Unauthorized,
)
from services.storage.protocol import Storage
from services.storage.records import UNKNOWN_CREATOR, ParticipantRole, Receipt, Room, RoomSummary, StoredRoom

log = logging.getLogger(__name__)

NAME_PREFIX = "interview-"
NAME_BYTES = 13
"""104 random bits: unguessable, and within the 41 characters for a name that old Daily domains allow."""

_LEFT_IN_FILES = (
    "Copies of deleted records may remain in unused parts of the database's files; the server tries to overwrite them "
    "every ten minutes."
)
_LEFT_AT_DAILY = "The video room may still exist at Daily, where it ends by itself{}."
_REPEAT = "; repeat this call to remove it"

_LEFT_AT_VAPI = "Vapi keeps its own record of the room's phone calls and of what was said; delete it there."

_OUR_NAME = re.compile(rf"^{NAME_PREFIX}[0-9a-f]{{{2 * NAME_BYTES}}}$")


class OpenedRoom(NamedTuple):
    """A new room and its interviewer's token."""

    room: Room
    interviewer_token: str


class Erasure(NamedTuple):
    """Receipt of an erasure, and sentences about what remains to be done."""

    receipt: Receipt
    remaining: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rooms:
    """The rooms that one caller may use.

    `caller` is None without credentials. While authentication is off (`is_open`), every caller owns every room.
    """

    daily: Daily
    storage: Storage
    clock: Clock
    is_open: bool
    caller: str | None
    payer: str
    """Whose budgets are used: the caller's id or, without credentials, the client's address."""
    is_transcribed: bool = False
    """Daily transcribes the calls in new rooms, and keeps the transcripts."""

    async def open(self, interviewer_name: str, candidate_name: str | None, minutes: int) -> OpenedRoom:
        """Creates a private room at Daily and a token for its interviewer, and stores the room: all three or none."""
        await self.storage.check_room_budget(self.payer)
        name = NAME_PREFIX + token_hex(NAME_BYTES)
        now = self.clock()
        expires_at = (now + timedelta(minutes=minutes)).replace(microsecond=0)
        made = await self.daily.create_room(name, expires_at, is_transcribed=self.is_transcribed)
        room = Room(name, made.url, interviewer_name, now, expires_at, made.id, self.caller, candidate_name, self.payer)
        try:
            token = await self._create_token(room, interviewer_name, is_owner=True)
            await self.storage.save_room(room)
        except ServiceError as error:
            await self._delete_at_daily(name)
            if isinstance(error, RoomNotFound):
                raise ProviderBadAnswer("Daily lost the room that it had just made; try again.") from None
            raise
        log.info("room %s opened until %s", name, expires_at.isoformat())
        return OpenedRoom(room, token)

    async def get_open_room(self, name: str) -> Room:
        """A room that is still open, for anyone who has its link. Raises RoomNotFound and RoomExpired."""
        interview = await self.storage.find(name)
        room = await self._recover_from_daily(name) if interview is None else interview.room
        if room.is_expired(self.clock()):
            raise RoomExpired
        return room

    async def get_own_room(
        self, name: str, *, briefing: bool = False, debrief: bool = False, plan: bool = False
    ) -> StoredRoom:
        """The caller's own room, ended or not, with the parts asked for. Raises RoomNotFound for anybody else's."""
        interview = await self.storage.find(name, briefing=briefing, debrief=debrief, plan=plan)
        if interview is None:
            interview = StoredRoom(await self._recover_from_daily(name))
        if not self._is_owner(interview.room):
            raise RoomNotFound
        return interview

    async def get_own_open_room(self, name: str, *, briefing: bool = False) -> StoredRoom:
        """The caller's own room while it is open. Raises RoomNotFound and RoomExpired."""
        interview = await self.get_own_room(name, briefing=briefing)
        if interview.room.is_expired(self.clock()):
            raise RoomExpired
        return interview

    async def list_own(
        self, *, limit: int, starting_after: str | None, ended: bool | None
    ) -> tuple[Sequence[RoomSummary], bool]:
        """At most `limit` of the caller's rooms, newest first, and whether there are more.

        `ended` selects rooms that have ended, or have not. Raises ListingNeedsAuthentication without authentication,
        and RoomNotFound when the caller has no room named `starting_after` (any more).
        """
        if self.is_open or self.caller is None:
            raise ListingNeedsAuthentication
        found = await self.storage.list_rooms(
            self.caller, limit=limit + 1, starting_after=starting_after, ended=ended, now=self.clock()
        )
        return found[:limit], len(found) > limit

    async def join(self, name: str, participant_name: str, participant_type: ParticipantRole) -> tuple[Room, str]:
        """The room and a token for it; only its owner enters as the interviewer."""
        room = await self.get_open_room(name)
        is_owner = participant_type == "interviewer"
        if is_owner and not self.is_open and self.caller is None:
            raise Unauthorized("To join as the interviewer, show who you are: send Authorization: Bearer <key>.")
        if is_owner and not self._is_owner(room):
            raise Forbidden("Only the room's owner may join as the interviewer; join as the candidate instead.")
        token = await self._create_token(room, participant_name, is_owner=is_owner)
        return room, token

    async def _create_token(self, room: Room, participant_name: str, *, is_owner: bool) -> str:
        """A token for one participant; an interviewer's starts the transcription where rooms are transcribed."""
        return await self.daily.create_meeting_token(
            room.name,
            participant_name,
            room.expires_at,
            user_id=str(uuid4()),
            is_owner=is_owner,
            starts_transcription=is_owner and self.is_transcribed,
        )

    async def close(self, name: str) -> Erasure:
        """Erases everything stored under the name, and deletes the room at Daily.

        Stored data is erased even while Daily is down. Repeatable: what no longer exists counts as zero.
        """
        interview = await self.storage.find(name)
        if interview is not None and not self._is_owner(interview.room):
            raise RoomNotFound
        receipt = await self.storage.erase(name)
        remaining = [] if await self.storage.purge_deleted(in_background=False) else [_LEFT_IN_FILES]
        may_be_ours = self._may_be_ours(name)
        if (interview is not None or may_be_ours) and not await self._delete_at_daily(name):
            remaining.append(_LEFT_AT_DAILY.format(_REPEAT if may_be_ours else ""))
        if receipt.phone_calls:
            remaining.append(_LEFT_AT_VAPI)
        return Erasure(receipt, tuple(remaining))

    def _may_be_ours(self, name: str) -> bool:
        """Whether a room that is not stored may be deleted at Daily: this service made it, and no other caller owns it.

        With authentication, a room that was lost from memory in a restart may belong to another caller, so it is left
        to end by itself.
        """
        return (self.is_open or not self.storage.is_ephemeral) and _OUR_NAME.match(name) is not None

    def _is_owner(self, room: Room) -> bool:
        return self.is_open or (self.caller is not None and room.owner == self.caller)

    async def _recover_from_daily(self, name: str) -> Room:
        """Recovers a room that was lost from memory in a restart and still exists at Daily.

        A room without an end was not made by this service. With authentication its name must have our form, and the
        recovered room has no owner.
        """
        if not self.storage.is_ephemeral or not (self.is_open or _OUR_NAME.match(name)):
            raise RoomNotFound
        room = replace(_remembered(await self.daily.get_room(name)), payer=self.payer)
        if not room.is_expired(self.clock()):
            await self.storage.save_room(room)
        return room

    async def _delete_at_daily(self, name: str) -> bool:
        """Whether the room no longer exists at Daily."""
        try:
            await self.daily.delete_room(name)
        except ServiceError as error:
            log.warning("room %s may still be at Daily: %s", name, error.code)
            return False
        return True


def _remembered(room: DailyRoom) -> Room:
    if room.config.exp is None:
        raise RoomNotFound
    expires_at = datetime.fromtimestamp(room.config.exp, UTC)
    return Room(room.name, room.url, UNKNOWN_CREATOR, room.created_at.astimezone(UTC), expires_at, room.id)
