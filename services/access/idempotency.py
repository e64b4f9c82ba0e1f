"""Idempotency keys: run once, replay the stored response. And locks that hold across processes.

Both are slots in the storage. The holder of a slot renews a short lease while it works, so a slot whose process was
killed is free, or known to be abandoned, when the lease ends.
"""

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from json import dumps
from typing import NamedTuple
from weakref import WeakValueDictionary

from services.access.background import BackgroundTasks
from services.errors import (
    FieldError,
    IdempotencyMismatch,
    InvalidInput,
    RequestInProgress,
    ServiceError,
    StorageUnavailable,
)
from services.storage.protocol import Storage
from services.storage.records import Claim, StoredResponse

log = logging.getLogger(__name__)

KEPT_FOR = timedelta(hours=24)
LEASE = timedelta(seconds=30)
"""Time for which a slot stays taken after its process was killed."""
RENEWALS_IN_A_LEASE = 3
RETRY_AFTER_SECONDS = 2
FIRST_ERROR_STATUS = 400
FIRST_POLL_SECONDS = 0.05
LONGEST_POLL_SECONDS = 1.0

_KEY = re.compile(r"[!-~]{1,255}")


@dataclass(frozen=True, slots=True)
class KeyedRequest:
    """A request with an idempotency key. `route` is its method, path and query."""

    caller: str
    route: str
    key: str
    body: bytes = field(repr=False)
    room: str | None = None
    """The room whose deletion also deletes what is kept of this request."""


class Unrepeatable(NamedTuple):
    """Work that must not run again under the same key, unless it is certain that it did nothing."""

    undone_by: tuple[type[BaseException], ...]
    """Errors after which it certainly did nothing."""
    uncertain: Callable[[], ServiceError]
    """The error for a key whose work ended in any other way without a response."""


@dataclass(slots=True)
class _Lease:
    """A slot that this process holds until `expires_at`. Its response is kept until `kept_until`."""

    slot: str
    expires_at: datetime
    kept_until: datetime


class Idempotency:
    """Runs work once per key, and once at a time per lock, for all processes that share the storage.

    `clock` gives the time in UTC. `lease` is how long a slot stays taken without a renewal.
    """

    def __init__(self, storage: Storage, clock: Callable[[], datetime], lease: timedelta = LEASE) -> None:
        self._storage = storage
        self._clock = clock
        self._lease = lease
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._background = BackgroundTasks()

    async def run(
        self,
        request: KeyedRequest,
        work: Callable[[], Awaitable[StoredResponse]],
        unrepeatable: Unrepeatable | None = None,
    ) -> StoredResponse:
        """The response of the work, or the stored one for 24 hours (less where the response expires earlier).

        Work that raises, is cancelled, or responds with 400 and above frees the key; for `unrepeatable` work only its
        `undone_by` errors do. Raises InvalidInput for a key that is not visible ASCII, IdempotencyMismatch when it
        came with another body, RequestInProgress while its work runs, and what `unrepeatable.uncertain` gives.
        """
        slot = _slot("key", request.caller, request.route, _check_key(request.key))
        claim, lease = await self._claim(slot, _fingerprint(request), request.room, is_repeatable=unrepeatable is None)
        match claim.state:
            case "started":
                return await self._work(lease, request.room, work, unrepeatable)
            case "done" if claim.response is not None:
                return claim.response
            case "mismatch":
                raise IdempotencyMismatch("This Idempotency-Key was used with another body; send a new key.")
            case "abandoned" if unrepeatable is not None:
                raise unrepeatable.uncertain()
            case _:
                raise RequestInProgress(
                    "The same request is being processed; send it again in a moment.", retry_after=RETRY_AFTER_SECONDS
                )

    @asynccontextmanager
    async def lock(self, name: str) -> AsyncIterator[None]:
        """Hold the lock of this name; wait while another task of any process holds it."""
        slot = _slot("lock", name)
        lock = self._locks.setdefault(slot, asyncio.Lock())
        async with lock:
            lease = await self._wait_for(slot)
            try:
                with self._renewing(lease):
                    yield
            finally:
                await self._background.run_shielded(self._release(lease))

    async def _wait_for(self, slot: str) -> _Lease:
        """Claim the slot, polling less and less often while another process holds it."""
        pause = FIRST_POLL_SECONDS
        while True:
            claim, lease = await self._claim(slot, "")
            if claim.state == "started":
                return lease
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_POLL_SECONDS)

    async def _claim(
        self, slot: str, fingerprint: str, room: str | None = None, *, is_repeatable: bool = True
    ) -> tuple[Claim, _Lease]:
        """Claim the slot. When cancelled meanwhile, release it as soon as the storage has answered."""
        now = self._clock()
        lease = _Lease(slot, now + self._lease, now + KEPT_FOR)
        claiming = asyncio.create_task(
            self._storage.claim_slot(
                slot,
                fingerprint,
                now=now,
                until=lease.kept_until,
                lease=lease.expires_at,
                room=room,
                is_repeatable=is_repeatable,
            )
        )
        try:
            return await asyncio.shield(claiming), lease
        except asyncio.CancelledError:
            self._background.start(self._release_claimed(claiming, lease))
            raise

    async def _work(
        self,
        lease: _Lease,
        room: str | None,
        work: Callable[[], Awaitable[StoredResponse]],
        unrepeatable: Unrepeatable | None,
    ) -> StoredResponse:
        try:
            with self._renewing(lease):
                response = await work()
        except BaseException as error:
            is_undone = unrepeatable is None or isinstance(error, unrepeatable.undone_by)
            await self._background.run_shielded(self._release(lease) if is_undone else self._expire(lease))
            raise
        is_success = response.status < FIRST_ERROR_STATUS
        await self._background.run_shielded(
            self._complete(lease, response, room) if is_success else self._release(lease)
        )
        return response

    @contextmanager
    def _renewing(self, lease: _Lease) -> Iterator[None]:
        """Renew the lease during the block."""
        renewal = asyncio.create_task(self._renew(lease))
        try:
            yield
        finally:
            renewal.cancel()

    async def _renew(self, lease: _Lease) -> None:
        is_held = True
        while is_held:
            await asyncio.sleep(self._lease.total_seconds() / RENEWALS_IN_A_LEASE)
            expires_at = self._clock() + self._lease
            try:
                is_held = await self._storage.renew_slot(lease.slot, lease.expires_at, expires_at)
            except StorageUnavailable:
                log.warning("a lease could not be renewed: the storage is unavailable")
            else:
                lease.expires_at = expires_at if is_held else lease.expires_at

    async def _complete(self, lease: _Lease, response: StoredResponse, room: str | None) -> None:
        """Best effort: the work has already been done."""
        until = min(lease.kept_until, response.expires_at or lease.kept_until)
        try:
            await self._storage.complete_slot(lease.slot, response, response.room or room, until)
        except StorageUnavailable:
            log.warning("a response could not be stored under its idempotency key: the storage is unavailable")

    async def _release(self, lease: _Lease) -> None:
        """Free the slot, unless the lease has expired: another process may hold it by now."""
        if self._clock() >= lease.expires_at:
            return
        try:
            await self._storage.release_slot(lease.slot)
        except StorageUnavailable:
            log.warning("a slot could not be released and ends with its lease: the storage is unavailable")

    async def _expire(self, lease: _Lease) -> None:
        """End the lease now: the slot stays taken without a holder."""
        try:
            await self._storage.renew_slot(lease.slot, lease.expires_at, self._clock())
        except StorageUnavailable:
            log.warning("a lease could not be ended and ends by itself: the storage is unavailable")

    async def _release_claimed(self, claiming: "asyncio.Task[Claim]", lease: _Lease) -> None:
        try:
            claim = await claiming
        except ServiceError:
            return
        if claim.state == "started":
            await self._release(lease)


def _check_key(key: str) -> str:
    if not _KEY.fullmatch(key):
        message = "Idempotency-Key must be 1 to 255 visible ASCII characters, such as a UUID."
        raise InvalidInput(message, errors=[FieldError("Idempotency-Key", message)])
    return key


def _slot(*parts: str) -> str:
    """Hash of a list of parts: of fixed length, different for every list, and not reversible."""
    return sha256(dumps(parts).encode()).hexdigest()


def _fingerprint(request: KeyedRequest) -> str:
    """Hash of the key and the body. The key is included because a phone number can be found from a hash of the number
    alone.
    """
    digest = sha256(dumps((request.caller, request.route, request.key)).encode())
    digest.update(request.body)
    return digest.hexdigest()
