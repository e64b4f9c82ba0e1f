"""Slots of work that runs once, in memory."""

from dataclasses import replace
from datetime import datetime

from services.storage.memory_rooms import MemoryRooms, Slot, size_of
from services.storage.records import Claim, StoredResponse


class MemorySlots(MemoryRooms):
    """The methods of `Storage` about slots."""

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
        self._sweep()
        found = self._slots.get(slot)
        if found is None or now >= found.until or (is_repeatable and found.is_lost(now)):
            self._take_slot(slot, fingerprint, until, lease, room)
            return Claim("started")
        if found.fingerprint != fingerprint:
            return Claim("mismatch")
        if found.response is not None:
            return Claim("done", found.response)
        return Claim("running" if is_repeatable or not found.is_lost(now) else "abandoned")

    async def renew_slot(self, slot: str, old_lease: datetime, new_lease: datetime) -> bool:
        found = self._slots.get(slot)
        if found is None or found.response is not None or found.lease != old_lease:
            return False
        found.lease = new_lease
        return True

    async def complete_slot(self, slot: str, response: StoredResponse, room: str | None, until: datetime) -> None:
        """Stores the response even at the limit: the work is done, and must not run twice."""
        found = self._slots.get(slot)
        if found is None:
            return
        entry = None if room is None else self._find_entry(room)
        if room is not None and (entry is None or entry.room.is_erased):
            self._delete_slot(slot)
            return
        self._assign_slot(found, None)
        size = size_of((response.status, response.headers, response.body))
        found.response, found.until = replace(response, is_replayed=True), until
        found.size += size
        self._bytes += size
        self._assign_slot(found, room)

    async def release_slot(self, slot: str) -> None:
        found = self._slots.get(slot)
        if found is not None and found.response is None:
            self._delete_slot(slot)

    async def delete_expired_responses(self, now: datetime) -> int:
        expired = [slot for slot, found in self._slots.items() if now >= found.until]
        for slot in expired:
            self._delete_slot(slot)
        return len(expired)

    def _take_slot(self, slot: str, fingerprint: str, until: datetime, lease: datetime, room: str | None) -> None:
        entry = None if room is None else self._entry(room)
        size = size_of((slot, fingerprint, until, lease))
        self._delete_slot(slot)
        self._evict_ended(size, payer=entry.room.payer if entry else None, keeping=entry)
        self._slots[slot] = found = Slot(slot, fingerprint, until, lease, size)
        self._bytes += size
        self._assign_slot(found, room)

    def _assign_slot(self, slot: Slot, room: str | None) -> None:
        """Assigns the slot to the room: it is deleted with the room and counts for its payer."""
        if slot.room is not None:
            self._rooms[slot.room].slots.discard(slot.slot)
            self._charge(self._rooms[slot.room], -slot.size)
        slot.room = room
        if room is not None:
            self._rooms[room].slots.add(slot.slot)
            self._charge(self._rooms[room], slot.size)
