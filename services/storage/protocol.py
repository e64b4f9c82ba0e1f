"""The interface of storages. There are two: in memory, and in a database."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from services.briefing import Briefing
from services.storage.records import (
    BudgetUse,
    ChatTurn,
    Claim,
    Exhausted,
    Participant,
    Receipt,
    Room,
    RoomSummary,
    Segment,
    SegmentTotals,
    StoredDebrief,
    StoredDecision,
    StoredRating,
    StoredResponse,
    StoredRoom,
    StoredTranscript,
)


class Storage(Protocol):
    """Everything the service keeps, by room name.

    Methods raise StorageUnavailable when the database can't be reached in time. Methods that save something under a
    room raise RoomNotFound when it does not exist (any more), and BudgetExhausted when the storage budget of its payer
    is used up. An erased room, of which only the id is kept (`Room.is_erased`), is found and counts as missing
    otherwise. Each read is one round trip, unless it says otherwise.
    """

    is_ephemeral: bool
    """In memory: a restart loses everything, so that an unknown room is worth asking Daily about, and no method waits,
    so that none is cancelled halfway.
    """

    # Rooms

    async def check_room_budget(self, payer: str) -> None:
        """Raises BudgetExhausted when one more room does not fit; `save_room` decides."""

    async def save_room(self, room: Room) -> None:
        """Store a new room; one that is stored already is left as it is. Raises BudgetExhausted and StorageFull."""

    async def find(
        self,
        name: str,
        *,
        briefing: bool = False,
        debrief: bool = False,
        plan: bool = False,
        transcript: bool = False,
        participants: bool = False,
    ) -> StoredRoom | None:
        """The room with the requested parts: the latest debrief and plan. Participants take a second round trip."""

    async def list_rooms(
        self, owner: str, *, limit: int, starting_after: str | None, ended: bool | None, now: datetime
    ) -> Sequence[RoomSummary]:
        """At most `limit` rooms of this owner, newest first, from the one after `starting_after`.

        `ended` selects rooms that ended before `now`, or did not; None selects both. Raises RoomNotFound when
        `starting_after` is no room of this owner.
        """

    async def erase(self, name: str) -> Receipt:
        """Erase everything under the name, whether or not the room itself exists. Repeatable.

        Call `purge_deleted` afterwards: it says whether it is gone from the storage's files too.
        """

    async def erase_ended(self, before: datetime, limit: int) -> int:
        """Erase at most `limit` rooms that ended before this time, with everything under them. Returns how many.

        Safe to run in several processes at once: each room is erased by one of them.
        """

    async def purge_deleted(self, *, in_background: bool) -> bool:
        """Overwrite what deleted records left behind in the storage's files. Returns whether nothing of them is left.

        Large files are purged in the background only; pending work survives a restart.
        """

    # Records of a room

    async def save_briefing(self, briefing: Briefing) -> None:
        """Store the briefing under its room; saving again replaces."""

    async def add_participant(self, name: str, participant: Participant) -> None:
        """Store that a token was issued for this person."""

    async def add_plan(self, name: str, created_at: datetime, document: str) -> int:
        """Store a new version of the plan; earlier ones stay. Returns its number, counted from 1."""

    async def save_transcript(self, name: str, transcript: StoredTranscript, *, keeps_clients: bool = False) -> bool:
        """Store the transcript; it replaces an earlier one and all segments.

        With `keeps_clients` nothing is stored, and False returned, where the client has sent a transcript or segments.
        """

    async def delete_transcript(self, name: str) -> None:
        """Delete the room's transcript and all its segments."""

    async def add_segments(
        self, name: str, segments: Sequence[Segment], now: datetime, *, limit: SegmentTotals | None = None
    ) -> SegmentTotals:
        """Store lines of the transcript; what the room's lines amount to now.

        A segment with a known id replaces that one in its place. Lines that are stored already are counted, but not
        read. Raises TranscriptFull, and stores nothing, when the room would exceed `limit`.
        """

    async def segments(self, name: str) -> Sequence[Segment]:
        """The room's segments, in the order in which their ids were first sent."""

    async def add_chat_turns(self, name: str, turns: Sequence[ChatTurn]) -> None:
        """Append to the room's sidebar record, in this order."""

    async def chat_turns(
        self, name: str, *, limit: int | None = None, starting_after: int | None = None
    ) -> Sequence[ChatTurn]:
        """The room's sidebar record, oldest first: at most `limit` turns after this number."""

    async def add_debrief(self, name: str, fingerprint: str, created_at: datetime, document: str) -> int:
        """Store a new version of the debrief; earlier ones stay. Returns its number, counted from 1."""

    async def find_debrief(self, name: str, fingerprint: str, since: datetime) -> StoredDebrief | None:
        """The newest debrief of exactly this input that was made at `since` or later."""

    async def add_rating(self, name: str, rater: str, submitted_at: datetime, document: str) -> StoredRating:
        """Store one more submission of this rater; earlier ones stay."""

    async def ratings(self, name: str) -> Sequence[StoredRating]:
        """All submissions, by rater and number."""

    async def add_decision(self, name: str, decided_at: datetime, document: str) -> int:
        """Store a new decision; earlier ones stay. Returns its number, counted from 1."""

    async def decision(self, name: str) -> StoredDecision | None:
        """The latest decision."""

    async def add_phone_call(self, name: str, call_id: str, at: datetime) -> None:
        """Store that this room placed this call."""

    async def has_phone_call(self, name: str, call_id: str) -> bool:
        """Whether this room placed this call."""

    # Budgets

    async def reserve_uses(self, reservation: str, uses: Sequence[BudgetUse], now: datetime) -> Exhausted | None:
        """Count these uses under the reservation's id, all or none. Returns the budget that is exceeded, if any.

        Exact with any number of processes. A use counts until its window has passed. Raises RoomNotFound.
        """

    async def settle_uses(self, reservation: str, uses: Sequence[BudgetUse], amount: int) -> None:
        """Change the amount of a reservation's uses to what they took in the end; 0 removes them.

        Only the first call for a reservation has an effect, so it may be repeated.
        """

    async def delete_expired_uses(self, now: datetime) -> int:
        """Delete the uses whose window has passed. Returns the number of deleted records."""

    # Idempotency

    async def claim_slot(
        self,
        slot: str,
        fingerprint: str,
        *,
        now: datetime,
        until: datetime,
        lease: datetime,
        room: str | None = None,
        is_repeatable: bool = True,
    ) -> Claim:
        """Claim the slot for work that must run once. The slot is deleted with `room`, whose payer pays for it.

        A slot is free when it does not exist or its `until` has passed. One whose holder's `lease` has passed
        without a response is taken over; where the work is not repeatable it is `abandoned` until its `until`.
        """

    async def renew_slot(self, slot: str, old_lease: datetime, new_lease: datetime) -> bool:
        """Change the end of the lease; False when it is no longer `old_lease`."""

    async def complete_slot(self, slot: str, response: StoredResponse, room: str | None, until: datetime) -> None:
        """Store the response until then, or until the room is deleted.

        When the slot or the room no longer exists, nothing is stored and the slot is free.
        """

    async def release_slot(self, slot: str) -> None:
        """Free the slot, unless it has a response."""

    async def delete_expired_responses(self, now: datetime) -> int:
        """Delete the slots whose `until` has passed. Returns how many."""

    # The storage itself

    async def ping(self) -> None:
        """Return when the storage answers; raise StorageUnavailable when it does not."""

    async def close(self) -> None:
        """Close connections and files."""
