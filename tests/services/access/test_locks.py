"""Locks over a storage. Two Idempotency objects over one storage act as two processes."""

import asyncio
from datetime import timedelta

import pytest

from services.access.idempotency import LEASE, Idempotency, KeyedRequest
from services.errors import ProviderBadAnswer
from services.storage.memory import MemoryStorage
from services.storage.records import StoredResponse
from tests.services.access.slow_storage import RenewingStorage, SlowStorage
from tests.services.storage.interviews import NOW
from tests.support.clock import ManualClock

pytestmark = pytest.mark.anyio

SHORT = timedelta(seconds=0.03)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
def storage(clock) -> MemoryStorage:
    return MemoryStorage(clock)


@pytest.fixture
def locks(storage, clock) -> Idempotency:
    return Idempotency(storage, clock)


async def enter(locks: Idempotency) -> None:
    async with asyncio.timeout(60), locks.lock("debrief"):
        pass


@pytest.mark.parametrize("processes", [1, 2])
async def test_one_holder_at_a_time(storage, clock, processes: int):
    several = [Idempotency(storage, clock) for _ in range(processes)]
    inside = most = 0

    async def hold(number: int) -> None:
        nonlocal inside, most
        async with several[number % processes].lock("debrief room"):
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0.002)
            inside -= 1

    async with asyncio.timeout(60):
        await asyncio.gather(*(hold(number) for number in range(6)))

    assert most == 1


async def test_other_names_do_not_wait(locks):
    async with asyncio.timeout(60), locks.lock("debrief a"), locks.lock("debrief b"):
        pass


async def test_a_lock_is_not_an_idempotency_key(locks):
    async def work() -> StoredResponse:
        return StoredResponse(200, (), b"")

    async with locks.lock("a"):
        assert not (await locks.run(KeyedRequest("", "", "a", b""), work)).is_replayed


async def test_a_lock_is_free_after_a_failure(storage, clock):
    with pytest.raises(ProviderBadAnswer):
        async with Idempotency(storage, clock).lock("debrief"):
            raise ProviderBadAnswer("It failed.")

    await enter(Idempotency(storage, clock))


async def test_a_lock_is_free_after_a_cancellation(clock):
    storage = SlowStorage(clock)
    has_entered = asyncio.Event()

    async def hold() -> None:
        async with Idempotency(storage, clock).lock("debrief"):
            has_entered.set()
            await asyncio.Event().wait()

    holder = asyncio.create_task(hold())
    await has_entered.wait()
    holder.cancel()
    with pytest.raises(asyncio.CancelledError):
        await holder

    await enter(Idempotency(storage, clock))


async def test_a_cancelled_wait_does_not_block_others(clock):
    storage = SlowStorage(clock)
    holder, waiter = Idempotency(storage, clock), Idempotency(storage, clock)

    async with holder.lock("debrief"):
        storage.was_asked.clear()
        waiting = asyncio.create_task(enter(waiter))
        await storage.was_asked.wait()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    await enter(waiter)


async def test_a_killed_holder_blocks_until_its_lease_ends(storage, clock):
    killed = Idempotency(storage, clock).lock("debrief")
    await killed.__aenter__()
    clock.now += LEASE

    async with asyncio.timeout(60), Idempotency(storage, clock).lock("debrief"):
        await killed.__aexit__(None, None, None)
        (slot,) = storage._slots
        claim = await storage.claim_slot(slot, "", now=clock.now, until=clock.now, lease=clock.now)

    assert claim.state == "running"


async def test_a_holder_whose_lease_ended_does_not_release_the_next_holder(clock):
    storage = RenewingStorage(clock)
    other = Idempotency(storage, clock)

    async with asyncio.timeout(60), Idempotency(storage, clock, SHORT).lock("debrief"):
        clock.now += SHORT
        taken = other.lock("debrief")
        await taken.__aenter__()
        assert not await storage.next_renewal()

    assert len(storage._slots) == 1
    await taken.__aexit__(None, None, None)
    assert not storage._slots


async def test_released_lock_leaves_no_slot(locks, storage):
    await enter(locks)

    assert not locks._locks
    assert not storage._slots
