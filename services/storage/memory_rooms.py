"""The rooms of the memory storage: dicts keyed by room name, bounded in number and in bytes, in all and for each payer.

A live room is never evicted. Ended rooms are kept for a day, or until their space is needed: the one that ended first
is evicted first.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import ceil
from sys import getsizeof

from services.briefing import Briefing
from services.errors import RoomNotFound, StorageFull
from services.storage.budget_uses import CountedUse
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
from services.storage.storage_budget import UNLIMITED, Stored, exhausted, find_excess
from setting_types import StorageBudget

MAX_ROOMS = 10_000
MAX_BYTES = 256 * 1024 * 1024
"""Counts the stored values, not the Python objects around them."""
KEPT_AFTER_END = timedelta(hours=24)
SWEEP_EVERY = timedelta(minutes=1)
USE_BYTES = 256
"""Size of one use of a budget."""


@dataclass(slots=True, eq=False)
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
    slots: set[str] = field(default_factory=set)
    subjects: set[str] = field(default_factory=set)
    """The budgets of the room, whose uses are deleted with it."""

    def receipt(self) -> Receipt:
        """Number of its records by kind."""
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
class Account:
    """Rooms and bytes that are stored for one payer."""

    rooms: set[str] = field(default_factory=set)
    bytes: int = 0


@dataclass(slots=True)
class Slot:
    """A slot of work that must run once, with its response when it is done."""

    slot: str
    fingerprint: str
    until: datetime
    lease: datetime
    size: int
    room: str | None = None
    response: StoredResponse | None = None

    def is_lost(self, now: datetime) -> bool:
        """Whether its holder stopped renewing the lease before there was a response."""
        return self.response is None and now >= self.lease


class MemoryRooms:
    """Finds, adds, evicts and deletes rooms, and what is deleted with them. `clock` gives the time in UTC."""

    def __init__(
        self,
        clock: Callable[[], datetime],
        *,
        max_rooms: int = MAX_ROOMS,
        max_bytes: int = MAX_BYTES,
        kept_after_end: timedelta = KEPT_AFTER_END,
        budget: StorageBudget = UNLIMITED,
    ) -> None:
        self._clock = clock
        self._budget = budget
        self._max_rooms = max_rooms
        self._max_bytes = max_bytes
        self._kept_after_end = kept_after_end
        self._rooms: dict[str, RoomEntry] = {}
        self._slots: dict[str, Slot] = {}
        self._uses: dict[str, dict[str, CountedUse]] = {}
        self._accounts: dict[str, Account] = {}
        self._bytes = 0
        self._next_sweep = clock()

    async def check_room_budget(self, payer: str) -> None:
        self._over_budget(payer, 1, 1, None)

    async def save_room(self, room: Room) -> None:
        self._sweep()
        if room.name in self._rooms:
            return
        size = size_of(room)
        self._evict_ended(size, rooms=1, payer=room.payer)
        self._rooms[room.name] = entry = RoomEntry(room, 0)
        if room.payer is not None:
            self._accounts.setdefault(room.payer, Account()).rooms.add(room.name)
        self._add_bytes(entry, size)

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
        if entry is None or entry.room.is_erased:
            raise RoomNotFound
        return entry

    def _is_outdated(self, entry: RoomEntry, now: datetime) -> bool:
        return now >= entry.room.expires_at + self._kept_after_end

    def _ended(self, before: datetime) -> Iterator[RoomEntry]:
        """Rooms that expired before this time, in the order of their ends."""
        return _by_end(entry for entry in self._rooms.values() if entry.room.expires_at < before)

    def _grow(self, entry: RoomEntry, size: int) -> None:
        """Adds bytes under the room, evicting ended rooms if necessary. Raises BudgetExhausted and StorageFull."""
        self._evict_ended(size, payer=entry.room.payer, keeping=entry)
        self._add_bytes(entry, size)

    def _add_bytes(self, entry: RoomEntry, size: int) -> None:
        self._charge(entry, size)
        self._bytes += size

    def _charge(self, entry: RoomEntry, size: int) -> None:
        """Count bytes for the room and its payer."""
        entry.size += size
        if entry.room.payer is not None:
            self._accounts[entry.room.payer].bytes += size

    def _evict_ended(
        self, size: int, *, rooms: int = 0, payer: str | None = None, keeping: RoomEntry | None = None
    ) -> None:
        """Delete as many ended rooms as necessary; when that is not enough, delete none and raise.

        First those of the payer, up to its budget, then any, up to the limits of the storage.
        """
        fits = self._bytes + size <= self._max_bytes and len(self._rooms) + rooms <= self._max_rooms
        if size <= 0 or (fits and payer is None):
            return
        evicted = [] if payer is None else self._over_budget(payer, size, rooms, keeping)
        bytes_over = self._bytes + size - self._max_bytes - sum(entry.size for entry in evicted)
        rooms_over = len(self._rooms) + rooms - self._max_rooms - len(evicted)
        if bytes_over > 0 or rooms_over > 0:
            others = (one for one in self._ended(self._clock()) if one is not keeping and one not in evicted)
            more = _choose(others, bytes_over, rooms_over)
            if more is None:
                raise self._full(size)
            evicted += more
        for entry in evicted:
            self._delete_room(entry.room.name)

    def _over_budget(self, payer: str, size: int, rooms: int, keeping: RoomEntry | None) -> list[RoomEntry]:
        """The ended rooms of the payer that exceed its budget. Raises BudgetExhausted when they are not enough."""
        account = self._accounts.get(payer, Account())
        stored = Stored(len(account.rooms), account.bytes)
        excess = find_excess(self._budget, stored, rooms, size)
        if not excess.rooms and not excess.bytes:
            return []
        now = self._clock()
        entries = [self._rooms[name] for name in account.rooms]
        ended = _by_end(one for one in entries if one is not keeping and one.room.expires_at < now)
        evicted = _choose(ended, excess.bytes, excess.rooms)
        if evicted is None:
            live = [entry.room.expires_at for entry in entries if entry.room.expires_at >= now]
            stored = stored._replace(first_end=min(live, default=None))
            raise exhausted(self._budget, stored, excess, size, now=now, kept_after_end=timedelta())
        return evicted

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
        """Once a minute, delete outdated rooms, expired slots and expired uses."""
        now = self._clock()
        if now < self._next_sweep:
            return
        self._next_sweep = now + SWEEP_EVERY
        for name in [name for name, entry in self._rooms.items() if self._is_outdated(entry, now)]:
            self._delete_room(name)
        for slot in [slot for slot, found in self._slots.items() if now >= found.until]:
            self._delete_slot(slot)
        self._delete_expired_uses(now)

    def _delete_room(self, name: str) -> Receipt:
        entry = self._rooms.get(name)
        if entry is None:
            return Receipt()
        receipt = entry.receipt()
        for slot in tuple(entry.slots):
            self._delete_slot(slot)
        for subject in entry.subjects:
            self._delete_subject(subject)
        self._bytes -= entry.size
        self._close_account(entry)
        del self._rooms[name]
        return receipt

    def _close_account(self, entry: RoomEntry) -> None:
        payer = entry.room.payer
        if payer is None:
            return
        self._charge(entry, -entry.size)
        self._accounts[payer].rooms.discard(entry.room.name)
        if not self._accounts[payer].rooms:
            del self._accounts[payer]

    def _delete_slot(self, slot: str) -> None:
        found = self._slots.pop(slot, None)
        if found is None:
            return
        self._bytes -= found.size
        if found.room is not None:
            self._rooms[found.room].slots.discard(slot)
            self._charge(self._rooms[found.room], -found.size)

    def _delete_subject(self, subject: str) -> None:
        for use_id in tuple(self._uses.get(subject, ())):
            self._delete_use(subject, use_id)

    def _delete_use(self, subject: str, use_id: str) -> CountedUse | None:
        of_subject = self._uses.get(subject, {})
        use = of_subject.pop(use_id, None)
        if use is not None:
            self._bytes -= USE_BYTES
        if not of_subject:
            self._uses.pop(subject, None)
        return use

    def _delete_expired_uses(self, now: datetime) -> int:
        expired = [
            (subject, use_id)
            for subject, of_subject in self._uses.items()
            for use_id, use in of_subject.items()
            if use.ends_at <= now
        ]
        for subject, use_id in expired:
            self._delete_use(subject, use_id)
        return len(expired)


def _by_end(entries: Iterable[RoomEntry]) -> Iterator[RoomEntry]:
    return iter(sorted(entries, key=lambda entry: entry.room.expires_at))


def _choose(entries: Iterable[RoomEntry], bytes_over: int, rooms_over: int) -> list[RoomEntry] | None:
    """Returns as many of these rooms as free this space, in order; None if all of them are not enough."""
    chosen: list[RoomEntry] = []
    for entry in entries:
        if bytes_over <= 0 and rooms_over <= 0:
            break
        chosen.append(entry)
        bytes_over -= entry.size
        rooms_over -= 1
    return chosen if bytes_over <= 0 and rooms_over <= 0 else None


_PLAIN = (str, datetime, int)
"""What records hold most: told apart first."""


def size_of(value: object) -> int:
    """Bytes of a value: of a tuple or a record, of what it holds."""
    if isinstance(value, _PLAIN):
        return getsizeof(value)
    if isinstance(value, tuple):
        return sum(map(size_of, value))
    if isinstance(value, Briefing):
        return sum(map(size_of, vars(value).values()))
    if hasattr(value, "__slots__") and hasattr(value, "__dataclass_fields__"):
        return sum(size_of(getattr(value, name)) for name in value.__slots__)
    return getsizeof(value)
