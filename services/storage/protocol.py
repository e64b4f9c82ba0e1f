"""What a storage can do: one protocol, memory and SQL behind it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from services.briefing import Briefing
from services.storage.records import ChatTurn, Claim, Quota, Receipt, Room, StoredDebrief, StoredResponse, StoredRoom


class Storage(Protocol):
    """Everything the service keeps, by room name.

    Methods raise `StorageUnavailable` when the database can't be reached in
    time, and `RoomNotFound` when something is saved under a room that is not
    (or no longer) there. Each is one round trip where one suffices.
    """

    kind: str
    """`memory`, `sqlite` or `postgresql`: for the log and /health/ready."""
    is_ephemeral: bool
    """Whether a restart forgets everything, so that an unknown room is worth asking Daily about."""

    async def save_room(self, room: Room) -> None:
        """Keep a new room; one that is stored already is left as it is. Raises StorageFull."""

    async def find(self, name: str, *, briefing: bool = False, debrief: bool = False) -> StoredRoom | None:
        """The room, with its briefing and its latest debrief where asked, in one round trip."""

    async def save_briefing(self, briefing: Briefing) -> None:
        """Store the briefing under its room; saving again replaces."""

    async def add_chat_turns(self, name: str, turns: Sequence[ChatTurn]) -> None:
        """Append to the room's sidebar record, in this order."""

    async def chat_turns(self, name: str) -> Sequence[ChatTurn]:
        """The room's sidebar record, oldest first."""

    async def add_debrief(self, name: str, fingerprint: str, created_at: datetime, document: str) -> int:
        """Keep a new version of the debrief; earlier ones stay. The version counts from 1."""

    async def find_debrief(self, name: str, fingerprint: str, since: datetime) -> StoredDebrief | None:
        """The newest debrief made of exactly this input at `since` or later."""

    async def add_phone_call(self, name: str, call_id: str, at: datetime) -> None:
        """Remember that this room placed this call."""

    async def has_phone_call(self, name: str, call_id: str) -> bool:
        """Whether this room placed this call."""

    async def consume_quota(self, name: str, quota: Quota, use: str, now: datetime) -> datetime | None:
        """Count one more use of the room's quota, under an id of its own; None.

        Where the quota is used up, nothing is counted, and it is said when the next use is free.
        """

    async def refund_quota(self, name: str, use: str) -> None:
        """Count this use of the room no longer."""

    async def erase(self, name: str) -> Receipt:
        """Erase everything under the name, whether or not the room itself is there. Repeatable.

        Call `purge_deleted` afterwards: it says whether it is gone from the storage's files too.
        """

    async def erase_ended(self, before: datetime, limit: int) -> int:
        """Erase at most `limit` rooms that expired before this time, with all that is theirs; how many it were.

        Safe to run in several processes at once: each room is erased by one of them.
        """

    async def purge_deleted(self, *, in_background: bool) -> bool:
        """Overwrite what deleted records left behind in the storage's files; whether nothing of them is left.

        Large files are purged in the background only; pending work survives a restart.
        """

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
        """Claim the slot for work that must run once. The slot is deleted with `room`; raises RoomNotFound.

        A slot is free when it does not exist or its `until` has passed. One whose holder's `lease` has passed
        without a response is taken over; where the work is not repeatable it is `abandoned` until its `until`.
        """

    async def renew_slot(self, slot: str, held: datetime, lease: datetime) -> bool:
        """Change the end of the lease from `held` to `lease`; False when the slot is no longer held until `held`."""

    async def complete_slot(self, slot: str, response: StoredResponse, room: str | None, until: datetime) -> None:
        """Store the response until then, or until the room is deleted.

        When the slot or the room no longer exists, nothing is stored and the slot is free.
        """

    async def release_slot(self, slot: str) -> None:
        """Free the slot, unless it has a response."""

    async def delete_expired_responses(self, now: datetime) -> int:
        """Delete the slots whose `until` has passed; how many were deleted."""

    async def ping(self) -> None:
        """Return when the storage answers; raise StorageUnavailable when it does not."""

    async def close(self) -> None:
        """Let go of connections and files."""
