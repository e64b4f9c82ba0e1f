"""The default storage: dicts keyed by room name, in this process, bounded.

A live room is never forgotten. Ended rooms are kept for a day, or until their
space is needed; the one that ended first goes first.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from math import ceil
from sys import getsizeof

from services.errors import RoomNotFound, StorageFull
from services.storage.records import Answer, Begun, Briefing, ChatTurn, Interview, Quota, Receipt, Room, StoredDebrief

MAX_ROOMS = 10_000
MAX_BYTES = 256 * 1024 * 1024
"""Counts what is stored, not what Python needs around it."""
KEPT_AFTER_END = timedelta(hours=24)
SWEEP_EVERY = timedelta(minutes=1)


@dataclass(slots=True)
class _Shelf:
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
    """A piece of work that must run once, and its answer when it is done."""

    fingerprint: str
    until: datetime
    lease: datetime
    size: int
    answer: Answer | None = None
    room: str | None = None

    def is_free(self, now: datetime) -> bool:
        return now >= self.until or (self.answer is None and now >= self.lease)


class MemoryStorage:
    """Storage that ends with the process. No method waits, so each is atomic.

    `clock` gives the time in UTC.
    """

    kind = "memory"
    is_volatile = True

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
        self._shelves: dict[str, _Shelf] = {}
        self._slots: dict[str, _Slot] = {}
        self._bytes = 0
        self._sweep_due = clock()

    async def save_room(self, room: Room) -> None:
        self._sweep()
        if room.name in self._shelves:
            return
        size = _weigh(_values(room))
        self._make_space(size, rooms=1)
        self._shelves[room.name] = _Shelf(room, size)
        self._bytes += size

    async def find(self, name: str, *, briefing: bool = False, debrief: bool = False) -> Interview | None:
        shelf = self._find_shelf(name)
        if shelf is None:
            return None
        return Interview(
            shelf.room,
            shelf.briefing if briefing else None,
            shelf.debriefs[-1] if debrief and shelf.debriefs else None,
        )

    async def save_briefing(self, name: str, briefing: Briefing) -> None:
        shelf = self._shelf(name)
        replaced = _weigh(_values(shelf.briefing)) if shelf.briefing else 0
        self._grow(shelf, _weigh(_values(briefing)) - replaced)
        shelf.briefing = briefing

    async def add_chat_turns(self, name: str, turns: Sequence[ChatTurn]) -> None:
        shelf = self._shelf(name)
        self._grow(shelf, sum(_weigh(_values(turn)) for turn in turns))
        shelf.chat_turns.extend(turns)

    async def chat_turns(self, name: str) -> Sequence[ChatTurn]:
        shelf = self._find_shelf(name)
        return tuple(shelf.chat_turns) if shelf else ()

    async def add_debrief(self, name: str, fingerprint: str, created_at: datetime, document: str) -> int:
        shelf = self._shelf(name)
        debrief = StoredDebrief(len(shelf.debriefs) + 1, fingerprint, created_at, document)
        self._grow(shelf, _weigh(_values(debrief)))
        shelf.debriefs.append(debrief)
        return debrief.version

    async def find_debrief(self, name: str, fingerprint: str, since: datetime) -> StoredDebrief | None:
        shelf = self._find_shelf(name)
        made = reversed(shelf.debriefs) if shelf else ()
        return next((one for one in made if one.fingerprint == fingerprint and one.created_at >= since), None)

    async def add_phone_call(self, name: str, call_id: str, at: datetime) -> None:
        shelf = self._shelf(name)
        if call_id not in shelf.phone_calls:
            self._grow(shelf, _weigh((call_id, at)))
            shelf.phone_calls[call_id] = at

    async def has_phone_call(self, name: str, call_id: str) -> bool:
        shelf = self._find_shelf(name)
        return shelf is not None and call_id in shelf.phone_calls

    async def take(self, name: str, quota: Quota, use: str, now: datetime) -> datetime | None:
        shelf = self._shelf(name)
        since = now - quota.window
        latest = sorted((at for of, at in shelf.uses.values() if of == quota.name and at > since), reverse=True)
        if len(latest) >= quota.most:
            return latest[quota.most - 1] + quota.window
        self._grow(shelf, _weigh((use, (quota.name, now))))
        shelf.uses[use] = (quota.name, now)
        return None

    async def give_back(self, name: str, use: str) -> None:
        shelf = self._find_shelf(name)
        if shelf is not None and use in shelf.uses:
            self._grow(shelf, -_weigh((use, shelf.uses.pop(use))))

    async def erase(self, name: str) -> Receipt:
        return self._forget(name)

    async def erase_ended(self, before: datetime, limit: int) -> int:
        ended = [shelf.room.name for shelf in self._ended(before)][:limit]
        for name in ended:
            self._forget(name)
        return len(ended)

    async def scrub(self, *, is_patient: bool) -> bool:  # noqa: ARG002 (the protocol's)
        """Memory leaves nothing in files."""
        return True

    async def begin(self, slot: str, fingerprint: str, now: datetime, until: datetime, lease: datetime) -> Begun:
        self._sweep()
        held = self._slots.get(slot)
        if held is None or held.is_free(now):
            self._take(slot, fingerprint, until, lease)
            return Begun("started")
        if held.fingerprint != fingerprint:
            return Begun("mismatch")
        return Begun("done", held.answer) if held.answer else Begun("running")

    async def renew(self, slot: str, held: datetime, lease: datetime) -> bool:
        mine = self._slots.get(slot)
        if mine is None or mine.answer is not None or mine.lease != held:
            return False
        mine.lease = lease
        return True

    async def finish(self, slot: str, answer: Answer, room: str | None) -> None:
        """Keeps the answer even at the ceiling: the work is done, and it must not run twice."""
        held = self._slots.get(slot)
        if held is None:
            return
        if room is not None and self._find_shelf(room) is None:
            self._drop(slot)
            return
        size = _weigh((answer.status, answer.headers, answer.body))
        held.answer, held.room = answer, room
        held.size += size
        self._bytes += size
        if room is not None:
            self._shelves[room].slots.add(slot)

    async def abandon(self, slot: str) -> None:
        held = self._slots.get(slot)
        if held is not None and held.answer is None:
            self._drop(slot)

    async def forget_answers(self, now: datetime) -> int:
        outlived = [slot for slot, held in self._slots.items() if now >= held.until]
        for slot in outlived:
            self._drop(slot)
        return len(outlived)

    async def ping(self) -> None:
        """Memory always answers."""

    async def close(self) -> None:
        self._shelves.clear()
        self._slots.clear()
        self._bytes = 0

    def _find_shelf(self, name: str) -> _Shelf | None:
        shelf = self._shelves.get(name)
        if shelf is not None and self._is_outlived(shelf, self._clock()):
            self._forget(name)
            return None
        return shelf

    def _shelf(self, name: str) -> _Shelf:
        shelf = self._find_shelf(name)
        if shelf is None:
            raise RoomNotFound
        return shelf

    def _is_outlived(self, shelf: _Shelf, now: datetime) -> bool:
        return now >= shelf.room.expires_at + self._kept_after_end

    def _ended(self, before: datetime) -> Iterator[_Shelf]:
        """Rooms that expired before this time, the one that ended first first."""
        ended = (shelf for shelf in self._shelves.values() if shelf.room.expires_at < before)
        return iter(sorted(ended, key=lambda shelf: shelf.room.expires_at))

    def _grow(self, shelf: _Shelf, size: int) -> None:
        self._make_space(size, keeping=shelf)
        shelf.size += size
        self._bytes += size

    def _make_space(self, size: int, *, rooms: int = 0, keeping: _Shelf | None = None) -> None:
        """Forget as many ended rooms as need be; when that is not enough, forget none and raise StorageFull."""
        bytes_over = self._bytes + size - self._max_bytes
        rooms_over = len(self._shelves) + rooms - self._max_rooms
        if size <= 0 or (bytes_over <= 0 and rooms_over <= 0):
            return
        doomed = []
        for shelf in self._ended(self._clock()):
            if shelf is keeping:
                continue
            doomed.append(shelf.room.name)
            bytes_over -= shelf.size
            rooms_over -= 1
            if bytes_over <= 0 and rooms_over <= 0:
                break
        if bytes_over > 0 or rooms_over > 0:
            raise self._full(size)
        for name in doomed:
            self._forget(name)

    def _full(self, size: int) -> StorageFull:
        now = self._clock()
        ends = [shelf.room.expires_at for shelf in self._shelves.values() if shelf.room.expires_at > now]
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
        for name in [name for name, shelf in self._shelves.items() if self._is_outlived(shelf, now)]:
            self._forget(name)
        for slot in [slot for slot, held in self._slots.items() if held.is_free(now)]:
            self._drop(slot)

    def _take(self, slot: str, fingerprint: str, until: datetime, lease: datetime) -> None:
        size = _weigh((slot, fingerprint, until, lease))
        self._drop(slot)
        self._make_space(size)
        self._slots[slot] = _Slot(fingerprint, until, lease, size)
        self._bytes += size

    def _drop(self, slot: str) -> None:
        held = self._slots.pop(slot, None)
        if held is None:
            return
        self._bytes -= held.size
        if held.room is not None and held.room in self._shelves:
            self._shelves[held.room].slots.discard(slot)

    def _forget(self, name: str) -> Receipt:
        shelf = self._shelves.pop(name, None)
        if shelf is None:
            return Receipt()
        self._bytes -= shelf.size
        for slot in shelf.slots:
            self._drop(slot)
        return Receipt(
            room=1,
            briefing=int(shelf.briefing is not None),
            debriefs=len(shelf.debriefs),
            chat_turns=len(shelf.chat_turns),
            phone_calls=len(shelf.phone_calls),
            idempotency_keys=len(shelf.slots),
        )


def _values(record: Room | Briefing | ChatTurn | StoredDebrief) -> tuple[object, ...]:
    """What `dataclasses.astuple` gives, without its deep copies."""
    return tuple(getattr(record, entry.name) for entry in fields(record))


def _weigh(value: object) -> int:
    """Bytes of a value, and of what a tuple holds."""
    if isinstance(value, tuple):
        return sum(map(_weigh, value))
    return getsizeof(value)
