"""The default storage: dicts keyed by room name, in this process, bounded.

A live room is never forgotten. Ended rooms are kept for a day, or until their
space is needed; the one that ended first goes first.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from math import ceil
from sys import getsizeof

from services.briefing import Briefing
from services.errors import RoomNotFound, StorageFull
from services.storage.records import ChatTurn, Claim, Quota, Receipt, Room, StoredDebrief, StoredResponse, StoredRoom

MAX_ROOMS = 10_000
MAX_BYTES = 256 * 1024 * 1024
"""Counts what is stored, not what Python needs around it."""
KEPT_AFTER_END = timedelta(hours=24)
SWEEP_EVERY = timedelta(minutes=1)


@dataclass(slots=True)
class _RoomEntry:
    """One room and everything under its name. `size` is in bytes."""

    room: Room
    size: int
    briefing: Briefing | None = None
    debriefs: list[StoredDebrief] = field(default_factory=list)
    chat_turns: list[ChatTurn] = field(default_factory=list)
    phone_calls: dict[str, datetime] = field(default_factory=dict)
    uses: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    slots: set[str] = field(default_factory=set)


@dataclass(slots=True)
class _Slot:
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


class MemoryStorage:
    """Storage that ends with the process. No method waits, so each is atomic.

    `clock` gives the time in UTC.
    """

    kind = "memory"
    is_ephemeral = True

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
        self._rooms: dict[str, _RoomEntry] = {}
        self._slots: dict[str, _Slot] = {}
        self._bytes = 0
        self._sweep_due = clock()

    async def save_room(self, room: Room) -> None:
        self._sweep()
        if room.name in self._rooms:
            return
        size = _size_of(_values(room))
        self._evict_ended(size, rooms=1)
        self._rooms[room.name] = _RoomEntry(room, size)
        self._bytes += size

    async def find(self, name: str, *, briefing: bool = False, debrief: bool = False) -> StoredRoom | None:
        entry = self._find_entry(name)
        if entry is None:
            return None
        return StoredRoom(
            entry.room,
            entry.briefing if briefing else None,
            entry.debriefs[-1] if debrief and entry.debriefs else None,
        )

    async def save_briefing(self, briefing: Briefing) -> None:
        entry = self._entry(briefing.room_name)
        replaced = _size_of(_values(entry.briefing)) if entry.briefing else 0
        self._grow(entry, _size_of(_values(briefing)) - replaced)
        entry.briefing = briefing

    async def add_chat_turns(self, name: str, turns: Sequence[ChatTurn]) -> None:
        entry = self._entry(name)
        self._grow(entry, sum(_size_of(_values(turn)) for turn in turns))
        entry.chat_turns.extend(turns)

    async def chat_turns(self, name: str) -> Sequence[ChatTurn]:
        entry = self._find_entry(name)
        return tuple(entry.chat_turns) if entry else ()

    async def add_debrief(self, name: str, fingerprint: str, created_at: datetime, document: str) -> int:
        entry = self._entry(name)
        debrief = StoredDebrief(len(entry.debriefs) + 1, fingerprint, created_at, document)
        self._grow(entry, _size_of(_values(debrief)))
        entry.debriefs.append(debrief)
        return debrief.version

    async def find_debrief(self, name: str, fingerprint: str, since: datetime) -> StoredDebrief | None:
        entry = self._find_entry(name)
        made = reversed(entry.debriefs) if entry else ()
        return next((one for one in made if one.fingerprint == fingerprint and one.created_at >= since), None)

    async def add_phone_call(self, name: str, call_id: str, at: datetime) -> None:
        entry = self._entry(name)
        if call_id not in entry.phone_calls:
            self._grow(entry, _size_of((call_id, at)))
            entry.phone_calls[call_id] = at

    async def has_phone_call(self, name: str, call_id: str) -> bool:
        entry = self._find_entry(name)
        return entry is not None and call_id in entry.phone_calls

    async def consume_quota(self, name: str, quota: Quota, use: str, now: datetime) -> datetime | None:
        entry = self._entry(name)
        since = now - quota.window
        latest = sorted((at for of, at in entry.uses.values() if of == quota.name and at > since), reverse=True)
        if len(latest) >= quota.most:
            return latest[quota.most - 1] + quota.window
        self._grow(entry, _size_of((use, (quota.name, now))))
        entry.uses[use] = (quota.name, now)
        return None

    async def refund_quota(self, name: str, use: str) -> None:
        entry = self._find_entry(name)
        if entry is not None and use in entry.uses:
            self._grow(entry, -_size_of((use, entry.uses.pop(use))))

    async def erase(self, name: str) -> Receipt:
        return self._forget(name)

    async def erase_ended(self, before: datetime, limit: int) -> int:
        ended = [entry.room.name for entry in self._ended(before)][:limit]
        for name in ended:
            self._forget(name)
        return len(ended)

    async def purge_deleted(self, *, in_background: bool) -> bool:  # noqa: ARG002 (the protocol's)
        """Memory leaves nothing in files."""
        return True

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
            self._drop_slot(slot)
            return
        size = _size_of((response.status, response.headers, response.body))
        held.response, held.until = replace(response, is_replayed=True), until
        held.size += size
        self._bytes += size
        self._assign_slot(slot, held, room)

    async def release_slot(self, slot: str) -> None:
        held = self._slots.get(slot)
        if held is not None and held.response is None:
            self._drop_slot(slot)

    async def delete_expired_responses(self, now: datetime) -> int:
        outlived = [slot for slot, held in self._slots.items() if now >= held.until]
        for slot in outlived:
            self._drop_slot(slot)
        return len(outlived)

    async def ping(self) -> None:
        """Memory always answers."""

    async def close(self) -> None:
        self._rooms.clear()
        self._slots.clear()
        self._bytes = 0

    def _find_entry(self, name: str) -> _RoomEntry | None:
        entry = self._rooms.get(name)
        if entry is not None and self._is_outlived(entry, self._clock()):
            self._forget(name)
            return None
        return entry

    def _entry(self, name: str) -> _RoomEntry:
        entry = self._find_entry(name)
        if entry is None:
            raise RoomNotFound
        return entry

    def _is_outlived(self, entry: _RoomEntry, now: datetime) -> bool:
        return now >= entry.room.expires_at + self._kept_after_end

    def _ended(self, before: datetime) -> Iterator[_RoomEntry]:
        """Rooms that expired before this time, the one that ended first first."""
        ended = (entry for entry in self._rooms.values() if entry.room.expires_at < before)
        return iter(sorted(ended, key=lambda entry: entry.room.expires_at))

    def _grow(self, entry: _RoomEntry, size: int) -> None:
        self._evict_ended(size, keeping=entry)
        entry.size += size
        self._bytes += size

    def _evict_ended(self, size: int, *, rooms: int = 0, keeping: _RoomEntry | None = None) -> None:
        """Forget as many ended rooms as need be; when that is not enough, forget none and raise StorageFull."""
        bytes_over = self._bytes + size - self._max_bytes
        rooms_over = len(self._rooms) + rooms - self._max_rooms
        if size <= 0 or (bytes_over <= 0 and rooms_over <= 0):
            return
        doomed = []
        for entry in self._ended(self._clock()):
            if entry is keeping:
                continue
            doomed.append(entry.room.name)
            bytes_over -= entry.size
            rooms_over -= 1
            if bytes_over <= 0 and rooms_over <= 0:
                break
        if bytes_over > 0 or rooms_over > 0:
            raise self._full(size)
        for name in doomed:
            self._forget(name)

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
        """Now and then, forget what has outlived its time."""
        now = self._clock()
        if now < self._sweep_due:
            return
        self._sweep_due = now + SWEEP_EVERY
        for name in [name for name, entry in self._rooms.items() if self._is_outlived(entry, now)]:
            self._forget(name)
        for slot in [slot for slot, held in self._slots.items() if now >= held.until]:
            self._drop_slot(slot)

    def _take_slot(self, slot: str, fingerprint: str, until: datetime, lease: datetime, room: str | None) -> None:
        entry = None if room is None else self._entry(room)
        size = _size_of((slot, fingerprint, until, lease))
        self._drop_slot(slot)
        self._evict_ended(size, keeping=entry)
        self._slots[slot] = held = _Slot(fingerprint, until, lease, size, None)
        self._bytes += size
        self._assign_slot(slot, held, room)

    def _assign_slot(self, slot: str, held: _Slot, room: str | None) -> None:
        """From now on the slot is deleted with this room."""
        held.room = room
        if room is not None:
            self._rooms[room].slots.add(slot)

    def _drop_slot(self, slot: str) -> None:
        held = self._slots.pop(slot, None)
        if held is None:
            return
        self._bytes -= held.size
        if held.room is not None and held.room in self._rooms:
            self._rooms[held.room].slots.discard(slot)

    def _forget(self, name: str) -> Receipt:
        entry = self._rooms.pop(name, None)
        if entry is None:
            return Receipt()
        self._bytes -= entry.size
        for slot in entry.slots:
            self._drop_slot(slot)
        return Receipt(
            room=1,
            briefing=int(entry.briefing is not None),
            debriefs=len(entry.debriefs),
            chat_turns=len(entry.chat_turns),
            phone_calls=len(entry.phone_calls),
            idempotency_keys=len(entry.slots),
        )


def _values(record: Room | Briefing | ChatTurn | StoredDebrief) -> tuple[object, ...]:
    """The record's values, without the deep copies of `dataclasses.astuple`."""
    return tuple(vars(record).values()) if isinstance(record, Briefing) else _fields(record)


def _fields(record: Room | ChatTurn | StoredDebrief) -> tuple[object, ...]:
    return tuple(getattr(record, entry.name) for entry in fields(record))


def _size_of(value: object) -> int:
    """Bytes of a value, and of what a tuple holds."""
    if isinstance(value, tuple):
        return sum(map(_size_of, value))
    return getsizeof(value)
