"""The rooms of the memory storage: dicts keyed by room name, bounded in number and in bytes.

A live room is never evicted. Ended rooms are kept for a day, or until their space is needed: the one that ended first
is evicted first.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import ceil
from sys import getsizeof

from services.briefing import Briefing
from services.errors import RoomNotFound, StorageFull
from services.storage.records import (
    ChatTurn,
    Participant,
    Receipt,
    Room,
    Segment,
    StoredDebrief,
    StoredDecision,
    StoredPlan,
    StoredRating,
    StoredResponse,
    StoredTranscript,
)

MAX_ROOMS = 10_000
MAX_BYTES = 256 * 1024 * 1024
"""Counts the stored values, not the Python objects around them."""
KEPT_AFTER_END = timedelta(hours=24)
SWEEP_EVERY = timedelta(minutes=1)


@dataclass(slots=True)
class RoomEntry:
    """One room and everything under its name. `size` is in bytes."""

    room: Room
    size: int
    briefing: Briefing | None = None
    participants: list[Participant] = field(default_factory=list)
    plans: list[StoredPlan] = field(default_factory=list)
    transcript: StoredTranscript | None = None
    segments: dict[str, Segment] = field(default_factory=dict)
    chat_turns: list[ChatTurn] = field(default_factory=list)
    debriefs: list[StoredDebrief] = field(default_factory=list)
    ratings: dict[str, list[StoredRating]] = field(default_factory=dict)
    decisions: list[StoredDecision] = field(default_factory=list)
    phone_calls: dict[str, datetime] = field(default_factory=dict)
    uses: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    slots: set[str] = field(default_factory=set)

    def receipt(self) -> Receipt:
        """How many records of each kind it holds."""
        return Receipt(
            room=1,
            briefing=int(self.briefing is not None),
            participants=len(self.participants),
            plans=len(self.plans),
            transcripts=int(self.transcript is not None),
            segments=len(self.segments),
            chat_turns=len(self.chat_turns),
            debriefs=len(self.debriefs),
            ratings=sum(map(len, self.ratings.values())),
            decisions=len(self.decisions),
            phone_calls=len(self.phone_calls),
            idempotency_keys=len(self.slots),
        )


@dataclass(slots=True)
class Slot:
    """A slot of work that must run once, with its response when it is done."""

    fingerprint: str
    until: datetime
    lease: datetime
    size: int
    room: str | None
    response: StoredResponse | None = None

    def is_lost(self, now: datetime) -> bool:
        """Whether its holder stopped renewing the lease before there was a response."""
        return self.response is None and now >= self.lease


class MemoryRooms:
    """Finds, adds, evicts and deletes rooms. `clock` gives the time in UTC."""

    def __init__(
        self,
        clock: Callable[[], datetime],
        *,
        max_rooms: int = MAX_ROOMS,
        max_bytes: int = MAX_BYTES,
        kept_after_end: timedelta = KEPT_AFTER_END,
    ) -> None:
        self._clock = clock
        self._max_rooms = max_rooms
        self._max_bytes = max_bytes
        self._kept_after_end = kept_after_end
        self._rooms: dict[str, RoomEntry] = {}
        self._slots: dict[str, Slot] = {}
        self._bytes = 0
        self._next_sweep = clock()

    async def save_room(self, room: Room) -> None:
        self._sweep()
        if room.name in self._rooms:
            return
        size = size_of(room)
        self._evict_ended(size, rooms=1)
        self._rooms[room.name] = RoomEntry(room, size)
        self._bytes += size

    async def erase(self, name: str) -> Receipt:
        return self._delete_room(name)

    async def erase_ended(self, before: datetime, limit: int) -> int:
        ended = [entry.room.name for entry in self._ended(before)][:limit]
        for name in ended:
            self._delete_room(name)
        return len(ended)

    def _find_entry(self, name: str) -> RoomEntry | None:
        entry = self._rooms.get(name)
        if entry is not None and self._is_outdated(entry, self._clock()):
            self._delete_room(name)
            return None
        return entry

    def _entry(self, name: str) -> RoomEntry:
        entry = self._find_entry(name)
        if entry is None:
            raise RoomNotFound
        return entry

    def _is_outdated(self, entry: RoomEntry, now: datetime) -> bool:
        return now >= entry.room.expires_at + self._kept_after_end

    def _ended(self, before: datetime) -> Iterator[RoomEntry]:
        """Rooms that expired before this time, the one that ended first first."""
        ended = (entry for entry in self._rooms.values() if entry.room.expires_at < before)
        return iter(sorted(ended, key=lambda entry: entry.room.expires_at))

    def _grow(self, entry: RoomEntry, size: int) -> None:
        """Account for so many bytes more. Raises StorageFull."""
        self._evict_ended(size, keeping=entry)
        entry.size += size
        self._bytes += size

    def _evict_ended(self, size: int, *, rooms: int = 0, keeping: RoomEntry | None = None) -> None:
        """Delete as many ended rooms as necessary; when that is not enough, delete none and raise StorageFull."""
        bytes_over = self._bytes + size - self._max_bytes
        rooms_over = len(self._rooms) + rooms - self._max_rooms
        if size <= 0 or (bytes_over <= 0 and rooms_over <= 0):
            return
        evicted = []
        for entry in self._ended(self._clock()):
            if entry is keeping:
                continue
            evicted.append(entry.room.name)
            bytes_over -= entry.size
            rooms_over -= 1
            if bytes_over <= 0 and rooms_over <= 0:
                break
        if bytes_over > 0 or rooms_over > 0:
            raise self._full(size)
        for name in evicted:
            self._delete_room(name)

    def _full(self, size: int) -> StorageFull:
        now = self._clock()
        ends = [entry.room.expires_at for entry in self._rooms.values() if entry.room.expires_at > now]
        if size > self._max_bytes or not ends:
            return StorageFull("This is more than the server's memory can keep; send less or set DATABASE_URL.")
        return StorageFull(
            "The server's memory is full of running interviews; try again when one has ended.",
            retry_after=ceil((min(ends) - now).total_seconds()),
        )

    def _sweep(self) -> None:
        """Once a minute, delete outdated rooms and expired slots."""
        now = self._clock()
        if now < self._next_sweep:
            return
        self._next_sweep = now + SWEEP_EVERY
        for name in [name for name, entry in self._rooms.items() if self._is_outdated(entry, now)]:
            self._delete_room(name)
        for slot in [slot for slot, held in self._slots.items() if now >= held.until]:
            self._delete_slot(slot)

    def _delete_room(self, name: str) -> Receipt:
        entry = self._rooms.pop(name, None)
        if entry is None:
            return Receipt()
        self._bytes -= entry.size
        for slot in entry.slots:
            self._delete_slot(slot)
        return entry.receipt()

    def _delete_slot(self, slot: str) -> None:
        held = self._slots.pop(slot, None)
        if held is None:
            return
        self._bytes -= held.size
        if held.room is not None and held.room in self._rooms:
            self._rooms[held.room].slots.discard(slot)


def size_of(value: object) -> int:
    """Bytes of a value: of a tuple or a record, of what it holds."""
    if isinstance(value, tuple):
        return sum(map(size_of, value))
    if isinstance(value, Briefing):
        return sum(map(size_of, vars(value).values()))
    if hasattr(value, "__slots__") and hasattr(value, "__dataclass_fields__"):
        return sum(size_of(getattr(value, name)) for name in value.__slots__)
    return getsizeof(value)
