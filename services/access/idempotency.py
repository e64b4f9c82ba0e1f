"""Whether they asked before: work that must happen once, and its answer for whoever asks again."""

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from json import dumps
from typing import Any
from weakref import WeakValueDictionary

from services.errors import FieldError, IdempotencyMismatch, InvalidInput, RequestInProgress, StorageUnavailable
from services.storage.protocol import Storage
from services.storage.records import Answer, Claim

log = logging.getLogger(__name__)

KEPT_FOR = timedelta(hours=24)
LEASE = timedelta(seconds=30)
"""How long a slot stays taken when its holder dies. A holder that lives moves its lease on before it ends."""
RENEWALS_IN_A_LEASE = 3
RETRY_AFTER_SECONDS = 2
FIRST_ERROR_STATUS = 400
FIRST_POLL_SECONDS = 0.05
LONGEST_POLL_SECONDS = 1.0

_KEY = re.compile(r"[!-~]{1,255}")


@dataclass(frozen=True, slots=True)
class Kept:
    """What work answered, to be kept with everything else of `room` (None: of no room)."""

    answer: Answer
    room: str | None


@dataclass(slots=True)
class _Lease:
    """A slot that nobody else takes before this time."""

    slot: str
    lease: datetime


@dataclass(frozen=True, slots=True)
class Replayable:
    """An answer, and whether it was given before."""

    answer: Answer
    is_replayed: bool


class Idempotency:
    """Runs work once per key, over the storage, so across processes where they share one.

    `clock` gives the time in UTC. After `lease` without a sign of life others may
    take the slot of a holder.
    """

    def __init__(self, storage: Storage, clock: Callable[[], datetime], lease: timedelta = LEASE) -> None:
        self._storage = storage
        self._clock = clock
        self._lease = lease
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._releases: set[asyncio.Task[None]] = set()

    async def run(
        self, *, caller: str, route: str, key: str | None, body: bytes, work: Callable[[], Awaitable[Kept]]
    ) -> Replayable:
        """The first answer to this key of this caller on this route (its path, room name included) for 24 hours.

        Without a key the work just runs. Only success is remembered: what raises, is
        cancelled, or answers 400 and above frees the key, since a caller who mended the
        cause may ask again with it. Raises InvalidInput for an odd key,
        IdempotencyMismatch when it came with another body, RequestInProgress while its work runs.
        """
        if key is None:
            return Replayable((await work()).answer, is_replayed=False)
        slot = _slot("key", caller, route, _read_key(key))
        begun, hold = await self._begin(slot, sha256(body).hexdigest())
        match begun.state:
            case "done" if begun.answer is not None:
                return Replayable(begun.answer, is_replayed=True)
            case "mismatch":
                raise IdempotencyMismatch("This Idempotency-Key was used with another body; send a new key.")
            case "started":
                return Replayable(await self._work(hold, work), is_replayed=False)
            case _:
                raise RequestInProgress(
                    "The same request is being worked on; ask again in a moment.", retry_after=RETRY_AFTER_SECONDS
                )

    @asynccontextmanager
    async def lock(self, slot: str) -> AsyncIterator[None]:
        """Wait until nobody else, in any process, works under this name; then hold it until leaving."""
        slot = _slot("alone", slot)
        lock = self._locks.setdefault(slot, asyncio.Lock())
        async with lock:
            hold = await self._wait(slot)
            try:
                with self._renewing(hold):
                    yield
            finally:
                await self._finally(self._release(hold))

    async def _wait(self, slot: str) -> _Lease:
        """Take the slot, asking ever less often while another process holds it."""
        pause = FIRST_POLL_SECONDS
        while True:
            begun, hold = await self._begin(slot, "")
            if begun.state == "started":
                return hold
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_POLL_SECONDS)

    async def _begin(self, slot: str, fingerprint: str) -> tuple[Claim, _Lease]:
        """Ask for the slot. Cancelled meanwhile, it is given back once the storage has answered."""
        now = self._clock()
        hold = _Lease(slot, now + self._lease)
        asking = asyncio.create_task(self._storage.claim_slot(slot, fingerprint, now, now + KEPT_FOR, hold.lease))
        try:
            return await asyncio.shield(asking), hold
        except asyncio.CancelledError:
            self._start(self._give_back(asking, hold))
            raise

    async def _work(self, hold: _Lease, work: Callable[[], Awaitable[Kept]]) -> Answer:
        is_done = False
        try:
            with self._renewing(hold):
                kept = await work()
            is_done = kept.answer.status < FIRST_ERROR_STATUS
        finally:
            if not is_done:
                await self._finally(self._release(hold))
        if is_done:
            await self._finally(self._keep(hold.slot, kept))
        return kept.answer

    @contextmanager
    def _renewing(self, hold: _Lease) -> Iterator[None]:
        """Keep the slot from others for as long as the work goes on."""
        renewal = asyncio.create_task(self._renew(hold))
        try:
            yield
        finally:
            renewal.cancel()

    async def _renew(self, hold: _Lease) -> None:
        is_held = True
        while is_held:
            await asyncio.sleep(self._lease.total_seconds() / RENEWALS_IN_A_LEASE)
            lease = self._clock() + self._lease
            try:
                is_held = await self._storage.renew_slot(hold.slot, hold.lease, lease)
            except StorageUnavailable:
                log.warning("a slot could not be held on to: the storage is unavailable")
            else:
                hold.lease = lease if is_held else hold.lease

    async def _keep(self, slot: str, kept: Kept) -> None:
        """The work is done and its answer true, whether or not it can be kept."""
        try:
            await self._storage.complete_slot(slot, kept.answer, kept.room)
        except StorageUnavailable:
            log.warning("an answer could not be kept under its idempotency key: the storage is unavailable")

    async def _release(self, hold: _Lease) -> None:
        """Free the slot, unless the lease has passed: it may be somebody else's by now."""
        if self._clock() >= hold.lease:
            return
        try:
            await self._storage.release_slot(hold.slot)
        except StorageUnavailable:
            log.warning("a slot could not be freed and ends with its lease: the storage is unavailable")

    async def _give_back(self, asking: "asyncio.Task[Claim]", hold: _Lease) -> None:
        try:
            begun = await asking
        except StorageUnavailable:
            return
        if begun.state == "started":
            await self._release(hold)

    async def _finally(self, ending: Coroutine[Any, Any, None]) -> None:
        """Wait for something that goes on to its end even when we are cancelled."""
        await asyncio.shield(self._start(ending))

    def _start(self, ending: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        task = asyncio.create_task(ending)
        self._releases.add(task)
        task.add_done_callback(self._releases.discard)
        return task


def _read_key(key: str) -> str:
    if not _KEY.fullmatch(key):
        message = "Idempotency-Key must be 1 to 255 visible ASCII characters, such as a UUID."
        raise InvalidInput(message, errors=[FieldError("Idempotency-Key", message)])
    return key


def _slot(*parts: str) -> str:
    """A name that tells nothing and is as long as any other; no two lists of parts share one."""
    return sha256(dumps(parts).encode()).hexdigest()
