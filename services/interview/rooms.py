"""Rooms: opening, finding, joining and deleting them, within the rights of the caller."""

import logging
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from secrets import token_hex
from typing import NamedTuple
from uuid import uuid4

from services.clock import Clock
from services.daily import Daily, DailyRoom
from services.errors import (
    BudgetExhausted,
    Forbidden,
    ListingNeedsAuthentication,
    ProviderBadAnswer,
    RoomExpired,
    RoomNotFound,
    ServiceError,
    StorageFull,
    Unauthorized,
)
from services.interview.daily_erasure import DailyErasure, ErasedAtDaily
from services.interview.participants import check_candidate, interviewer_names
from services.storage.protocol import Storage
from services.storage.records import (
    UNKNOWN_CREATOR,
    Participant,
    ParticipantRole,
    Receipt,
    Room,
    RoomSummary,
    StoredRoom,
)

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
_TRANSCRIPTS_LEFT = "Transcripts of this room's calls may still exist at Daily; {}."
_REPEAT_LATER = "repeat this call in a minute to delete them; until then the room's name and Daily's id of it are kept"
_DELETE_THERE = "delete them there"
_LEFT_AT_VAPI = "Vapi keeps its own record of the room's phone calls and of what was said; delete it there."

_OUR_NAME = re.compile(rf"^{NAME_PREFIX}[0-9a-f]{{{2 * NAME_BYTES}}}$")


class OpenedRoom(NamedTuple):
    """A new room and its interviewer's token."""

    room: Room
    interviewer_token: str


class Erasure(NamedTuple):
    """Receipt of an erasure, and sentences about what remains to be done."""

    receipt: Receipt
    transcripts_at_daily: int
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
            token = await self._create_token(room, interviewer_name, is_owner=True, user_id=str(uuid4()))
            await self.storage.save_room(room)
        except ServiceError as error:
            await DailyErasure(self.daily, name, made.id).delete_room()
            if isinstance(error, RoomNotFound):
                raise ProviderBadAnswer("Daily lost the room that it had just made; try again.") from None
            raise
        log.info("room %s opened until %s", name, expires_at.isoformat())
        return OpenedRoom(room, token)

    async def get_open_room(self, name: str, *, participants: bool = False) -> StoredRoom:
        """A room that is still open, for anyone who has its link. Raises RoomNotFound and RoomExpired."""
        interview = await self.storage.find(name, participants=participants)
        if interview is None:
            interview = StoredRoom(await self._recover_from_daily(name))
        if interview.room.is_erased:
            raise RoomNotFound
        if interview.room.is_expired(self.clock()):
            raise RoomExpired
        return interview

    async def get_own_room(
        self,
        name: str,
        *,
        briefing: bool = False,
        debrief: bool = False,
        plan: bool = False,
        transcript: bool = False,
        participants: bool = False,
    ) -> StoredRoom:
        """The caller's own room, ended or not, with the parts asked for. Raises RoomNotFound for another caller's."""
        interview = await self.storage.find(
            name, briefing=briefing, debrief=debrief, plan=plan, transcript=transcript, participants=participants
        )
        if interview is None:
            interview = StoredRoom(await self._recover_from_daily(name))
        if interview.room.is_erased or not self._is_owner(interview.room):
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
        """The room and a token for it; only its owner enters as the interviewer. The name is kept with the room.

        Raises InvalidInput for a candidate under an interviewer's name: what the candidate says would count as said
        by the interviewer. Raises RateLimited when the room has issued `MAX_CANDIDATE_TOKENS`.
        """
        interview = await self.get_open_room(name, participants=True)
        room = interview.room
        is_owner = participant_type == "interviewer"
        if is_owner:
            self._check_may_interview(room)
        else:
            check_candidate(participant_name, interview)
        user_id = str(uuid4())
        token = await self._create_token(room, participant_name, is_owner=is_owner, user_id=user_id)
        if not is_owner or participant_name not in interviewer_names(interview):
            await self._record(name, Participant(participant_name, participant_type, user_id, self.clock()))
        return room, token

    async def _record(self, name: str, participant: Participant) -> None:
        """Best effort: an owner without space for a name must not keep people out of the call."""
        try:
            await self.storage.add_participant(name, participant)
        except (BudgetExhausted, StorageFull) as error:
            log.warning("the name of a participant of %s is not recorded: %s", name, error.code)

    def _check_may_interview(self, room: Room) -> None:
        if not self.is_open and self.caller is None:
            raise Unauthorized("To join as the interviewer, send an API key or token as Authorization: Bearer <key>.")
        if not self._is_owner(room):
            raise Forbidden("Only the room's owner may join as the interviewer; join as the candidate instead.")

    async def _create_token(self, room: Room, participant_name: str, *, is_owner: bool, user_id: str) -> str:
        """A token for one participant; an interviewer's starts the transcription where rooms are transcribed."""
        return await self.daily.create_meeting_token(
            room.name,
            participant_name,
            room.expires_at,
            user_id=user_id,
            is_owner=is_owner,
            starts_transcription=is_owner and self.is_transcribed,
        )

    async def close(self, name: str) -> Erasure:
        """Erases everything stored under the name, the room at Daily, and its transcripts there.

        Stored data is erased even while Daily is down. Repeatable: what no longer exists counts as zero. A room that
        this service did not name is left at Daily, and so is one that is not stored (since a restart) while callers
        need credentials: it may be another caller's, and ends by itself.
        """
        interview = await self.storage.find(name)
        room = None if interview is None else interview.room
        if room is not None and not self._is_owner(room):
            raise RoomNotFound
        is_repeatable = self.is_open or not self.storage.is_ephemeral
        is_ours = _OUR_NAME.match(name) and (room is not None or is_repeatable)
        at_daily = ErasedAtDaily()
        if is_ours:
            at_daily = await DailyErasure(self.daily, name, None if room is None else room.daily_id).erase()
        receipt = await self.storage.erase(name)
        is_purged = await self.storage.purge_deleted(in_background=False)
        is_kept = at_daily.are_transcripts_left and room is not None and await self._keep_daily_id(room)
        remaining = _remaining(receipt, at_daily, is_purged=is_purged, is_repeatable=is_kept or is_repeatable)
        return Erasure(receipt, at_daily.transcripts, tuple(remaining))

    async def _keep_daily_id(self, room: Room) -> bool:
        """Keep the room's id at Daily, which alone leads to its transcripts; whether it is kept."""
        if room.daily_id is None:
            return False
        try:
            await self.storage.save_room(room.erased(self.clock()))
        except (BudgetExhausted, StorageFull) as error:
            log.warning("the id of room %s at Daily is not kept: %s", room.name, error.code)
            return False
        return True

    def _is_owner(self, room: Room) -> bool:
        return self.is_open or (self.caller is not None and room.owner == self.caller)

    async def _recover_from_daily(self, name: str) -> Room:
        """A room that was lost from memory in a restart, as Daily describes it, stored again.

        Raises RoomNotFound for a room that this service did not name or that has no end. A recovered room has no
        owner, so it can be used by its link only, or by every caller while authentication is off.
        """
        if not self.storage.is_ephemeral or not _OUR_NAME.match(name):
            raise RoomNotFound
        room = replace(_remembered(await self.daily.get_room(name)), payer=self.payer)
        if not room.is_expired(self.clock()):
            await self.storage.save_room(room)
        return room


def _remaining(receipt: Receipt, at_daily: ErasedAtDaily, *, is_purged: bool, is_repeatable: bool) -> Iterator[str]:
    """A sentence for each thing that is not deleted."""
    if not is_purged:
        yield _LEFT_IN_FILES
    if at_daily.is_room_left:
        yield _LEFT_AT_DAILY.format(_REPEAT if is_repeatable else "")
    if at_daily.are_transcripts_left:
        yield _TRANSCRIPTS_LEFT.format(_REPEAT_LATER if is_repeatable else _DELETE_THERE)
    if receipt.phone_calls:
        yield _LEFT_AT_VAPI


def _remembered(room: DailyRoom) -> Room:
    if room.config.exp is None:
        raise RoomNotFound
    expires_at = datetime.fromtimestamp(room.config.exp, UTC)
    return Room(room.name, room.url, UNKNOWN_CREATOR, room.created_at.astimezone(UTC), expires_at, room.id)
