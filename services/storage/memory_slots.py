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
        held = self._slots.get(slot)
        if held is None or now >= held.until or (is_repeatable and held.is_lost(now)):
            self._take_slot(slot, fingerprint, until, lease, room)
            return Claim("started")
        if held.fingerprint != fingerprint:
            return Claim("mismatch")
        if held.response is not None:
            return Claim("done", held.response)
        return Claim("running" if is_repeatable or not held.is_lost(now) else "abandoned")

    async def renew_slot(self, slot: str, held: datetime, lease: datetime) -> bool:
        mine = self._slots.get(slot)
        if mine is None or mine.response is not None or mine.lease != held:
            return False
        mine.lease = lease
        return True

    async def complete_slot(self, slot: str, response: StoredResponse, room: str | None, until: datetime) -> None:
        """Stores the response even at the limit: the work is done, and must not run twice."""
        held = self._slots.get(slot)
        if held is None:
            return
        if room is not None and self._find_entry(room) is None:
            self._delete_slot(slot)
            return
        self._assign_slot(held, None)
        size = size_of((response.status, response.headers, response.body))
        held.response, held.until = replace(response, is_replayed=True), until
        held.size += size
        self._bytes += size
        self._assign_slot(held, room)

    async def release_slot(self, slot: str) -> None:
        held = self._slots.get(slot)
        if held is not None and held.response is None:
            self._delete_slot(slot)

    async def delete_expired_responses(self, now: datetime) -> int:
        expired = [slot for slot, held in self._slots.items() if now >= held.until]
        for slot in expired:
            self._delete_slot(slot)
        return len(expired)

    def _take_slot(self, slot: str, fingerprint: str, until: datetime, lease: datetime, room: str | None) -> None:
        entry = None if room is None else self._entry(room)
        size = size_of((slot, fingerprint, until, lease))
        self._delete_slot(slot)
        self._make_space(size, payer=entry.room.payer if entry else None, keeping=entry)
        self._slots[slot] = held = Slot(slot, fingerprint, until, lease, size)
        self._bytes += size
        self._assign_slot(held, room)

    def _assign_slot(self, held: Slot, room: str | None) -> None:
        """From now on the slot is deleted with this room, and counts for its payer."""
        if held.room is not None:
            self._rooms[held.room].slots.discard(held.slot)
            self._charge(self._rooms[held.room], -held.size)
        held.room = room
        if room is not None:
            self._rooms[room].slots.add(held.slot)
            self._charge(self._rooms[room], held.size)
