import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.access.idempotency import KEPT_FOR, LEASE, Idempotency, Kept, Replayable
from services.errors import (
    IdempotencyMismatch,
    InvalidInput,
    ProviderBadAnswer,
    RequestInProgress,
    RoomExpired,
    StorageUnavailable,
)
from services.storage.memory import MemoryStorage
from services.storage.records import Answer, Room
from tests.support.clock import ManualClock

pytestmark = pytest.mark.anyio

START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
def storage(clock) -> MemoryStorage:
    return MemoryStorage(clock)


@pytest.fixture
def once(storage, clock) -> Idempotency:
    return Idempotency(storage, clock)


class Work:
    """Counts how often it was done, and answers with that number."""

    def __init__(self, status: int = 201, room: str | None = None) -> None:
        self.times = 0
        self._status = status
        self._room = room

    async def __call__(self) -> Kept:
        self.times += 1
        return Kept(Answer(self._status, (("location", "/x"),), str(self.times).encode()), self._room)


async def ask(once: Idempotency, work: Callable[[], Awaitable[Kept]], **changes) -> Replayable:
    asked = {"caller": "key:web", "route": "POST /api/rooms", "key": "a-key", "body": b"{}"}
    return await once.run(work=work, **(asked | changes))


async def test_the_first_answer_is_replayed_and_the_work_is_not_repeated(once):
    work = Work()

    first, second = await ask(once, work), await ask(once, work)

    assert first == Replayable(Answer(201, (("location", "/x"),), b"1"), is_replayed=False)
    assert second == Replayable(first.answer, is_replayed=True)
    assert work.times == 1


async def test_without_a_key_every_call_is_done(once):
    work = Work()

    answers = [await ask(once, work, key=None) for _ in range(2)]

    assert work.times == 2
    assert not any(answer.is_replayed for answer in answers)


@pytest.mark.parametrize("changes", [{"caller": "key:other"}, {"route": "POST /api/rooms/a/debrief"}, {"key": "b"}])
async def test_another_caller_route_or_key_is_another_piece_of_work(once, changes):
    work = Work()

    await ask(once, work)
    await ask(once, work, **changes)

    assert work.times == 2


async def test_no_two_callers_meet_however_their_names_are_cut(once):
    work = Work()

    await ask(once, work, caller="a", route="b c", key="d")
    await ask(once, work, caller="a b", route="c", key="d")

    assert work.times == 2


async def test_the_same_key_with_another_body_is_refused(once):
    work = Work()
    await ask(once, work)

    with pytest.raises(IdempotencyMismatch):
        await ask(once, work, body=b'{"other": true}')

    assert work.times == 1


async def test_an_answer_is_kept_for_a_day(once, clock):
    work = Work()
    await ask(once, work)

    clock.now += KEPT_FOR - timedelta(seconds=1)
    assert (await ask(once, work)).is_replayed
    clock.now += timedelta(seconds=1)
    assert not (await ask(once, work)).is_replayed


async def test_an_answer_is_erased_with_its_room(once, storage):
    await storage.save_room(Room("room", "https://x.test/room", "Ada", START, START + timedelta(hours=1)))
    work = Work(room="room")
    await ask(once, work)

    await storage.erase("room")

    assert not (await ask(once, work)).is_replayed


@pytest.fixture
async def running(once):
    """The first piece of work under the key, which goes on until the test ends."""
    goes_on, is_started = asyncio.Event(), asyncio.Event()

    async def slow() -> Kept:
        is_started.set()
        await goes_on.wait()
        return await Work()()

    first = asyncio.create_task(ask(once, slow))
    await is_started.wait()
    yield
    goes_on.set()
    assert not (await first).is_replayed


@pytest.mark.usefixtures("running")
async def test_while_the_first_still_runs_the_second_is_told_to_wait(once):
    work = Work()

    with pytest.raises(RequestInProgress) as refused:
        await ask(once, work)

    assert refused.value.retry_after >= 1
    assert work.times == 0


@pytest.mark.usefixtures("running")
async def test_while_the_first_still_runs_another_body_is_refused_for_good(once):
    with pytest.raises(IdempotencyMismatch):
        await ask(once, Work(), body=b"another")


async def test_of_many_at_once_one_does_the_work(once):
    work = Work()

    async def slow() -> Kept:
        await asyncio.sleep(0.01)
        return await work()

    outcomes = await asyncio.gather(*(ask(once, slow) for _ in range(20)), return_exceptions=True)

    assert work.times == 1
    assert sum(isinstance(outcome, RequestInProgress) for outcome in outcomes) == 19


@pytest.mark.parametrize("error", [ProviderBadAnswer("It failed."), RoomExpired(), RuntimeError("a defect")])
async def test_a_failure_is_not_remembered(once, error):
    async def fail() -> Kept:
        raise error

    with pytest.raises(type(error)):
        await ask(once, fail)

    assert not (await ask(once, Work(), body=b"mended")).is_replayed


@pytest.mark.parametrize("status", [400, 404, 500, 503])
async def test_an_answer_that_tells_of_a_failure_is_not_remembered(once, status: int):
    work = Work(status)

    first = await ask(once, work)
    await ask(once, work)

    assert first.answer.status == status
    assert work.times == 2


async def test_work_that_was_cancelled_frees_its_key(once):
    started = asyncio.Event()

    async def endless() -> Kept:
        started.set()
        await asyncio.sleep(3600)
        raise AssertionError

    asked = asyncio.create_task(ask(once, endless))
    await started.wait()
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked

    assert not (await ask(once, Work())).is_replayed


async def test_a_key_whose_process_was_killed_is_free_after_its_lease(storage, clock):
    async def endless() -> Kept:
        await asyncio.Event().wait()
        raise AssertionError

    killed = asyncio.create_task(ask(Idempotency(storage, clock), endless))
    await asyncio.sleep(0.01)
    survivor = Idempotency(storage, clock)

    with pytest.raises(RequestInProgress):
        await ask(survivor, Work())
    clock.now += LEASE
    assert not (await ask(survivor, Work())).is_replayed

    killed.cancel()
    with pytest.raises(asyncio.CancelledError):
        await killed
    assert (await ask(survivor, Work())).is_replayed


@pytest.mark.parametrize("key", ["", " ", "a b", "é", "a" * 256, "a\n", "\x7f"])
async def test_an_odd_key_is_refused(once, key: str):
    with pytest.raises(InvalidInput, match="Idempotency-Key"):
        await ask(once, Work(), key=key)


@given(st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=255))
async def test_any_visible_key_is_good(key: str):
    once = Idempotency(MemoryStorage(ManualClock(START)), ManualClock(START))

    await ask(once, Work(), key=key)

    assert (await ask(once, Work(), key=key)).is_replayed


async def test_names_in_the_storage_tell_nothing(once, storage):
    await ask(once, Work(), caller="key:ada@example.com", key="my-secret-key")

    assert "ada" not in repr(storage._slots)
    assert "my-secret-key" not in repr(storage._slots)


class Flaky(MemoryStorage):
    """A storage that does not answer when a slot is to be finished or freed."""

    async def complete_slot(self, *_: object) -> None:
        raise StorageUnavailable("It does not answer.")

    async def release_slot(self, *_: object) -> None:
        raise StorageUnavailable("It does not answer.")


async def test_an_answer_that_can_not_be_kept_is_given_all_the_same(clock, caplog):
    with caplog.at_level(logging.WARNING, "services.access.idempotency"):
        answered = await ask(Idempotency(Flaky(clock), clock), Work())

    assert answered.answer.status == 201
    assert "could not be kept" in caplog.text


async def test_a_key_that_can_not_be_freed_does_not_hide_the_failure(clock, caplog):
    async def fail() -> Kept:
        raise ProviderBadAnswer("It failed.")

    with caplog.at_level(logging.WARNING, "services.access.idempotency"), pytest.raises(ProviderBadAnswer):
        await ask(Idempotency(Flaky(clock), clock), fail)

    assert "ends with its lease" in caplog.text


class Renewing(MemoryStorage):
    """Tells of renewals, lets them wait, and does not answer the first of them where it is told so."""

    def __init__(self, clock: Callable[[], datetime], *, is_lost_first: bool = False) -> None:
        super().__init__(clock)
        self.renewals: asyncio.Queue[bool] = asyncio.Queue()
        self.may_renew = asyncio.Event()
        self._is_lost = is_lost_first

    async def next_renewal(self) -> bool:
        self.may_renew.set()
        self.renewals = asyncio.Queue()
        return await self.renewals.get()

    async def renew_slot(self, slot: str, held: datetime, lease: datetime) -> bool:
        await self.may_renew.wait()
        if self._is_lost:
            self._is_lost = False
            raise StorageUnavailable("It does not answer.")
        is_renewed = await super().renew_slot(slot, held, lease)
        self.renewals.put_nowait(is_renewed)
        return is_renewed


SHORT = timedelta(seconds=0.03)


@pytest.mark.parametrize("is_lost_first", [False, True])
async def test_a_holder_that_lives_keeps_its_key_for_as_long_as_it_works(clock, is_lost_first: bool):
    storage = Renewing(clock, is_lost_first=is_lost_first)

    async def long_work() -> Kept:
        for _ in range(4):
            clock.now += SHORT * 2 / 3
            assert await storage.next_renewal()
            with pytest.raises(RequestInProgress):
                await ask(Idempotency(storage, clock), Work())
        return await Work()()

    async with asyncio.timeout(10):
        await ask(Idempotency(storage, clock, SHORT), long_work)

    assert (await ask(Idempotency(storage, clock), Work())).is_replayed


async def test_who_was_taken_for_dead_does_not_free_what_another_holds(clock):
    storage = Renewing(clock)
    other = Idempotency(storage, clock)

    async with asyncio.timeout(10), Idempotency(storage, clock, SHORT).lock("debrief"):
        clock.now += SHORT
        taken = other.lock("debrief")
        await taken.__aenter__()
        assert not await storage.next_renewal()

    assert len(storage._slots) == 1
    await taken.__aexit__(None, None, None)
    assert not storage._slots


class Slow(MemoryStorage):
    """A storage that takes its time, as one behind a network does. `asked` is set while it does."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        super().__init__(clock)
        self.asked = asyncio.Event()

    async def claim_slot(self, slot, fingerprint, now, until, lease):
        begun = await super().claim_slot(slot, fingerprint, now, until, lease)
        self.asked.set()
        await asyncio.sleep(0.01)
        return begun

    async def complete_slot(self, slot: str, answer: Answer, room: str | None) -> None:
        self.asked.set()
        await asyncio.sleep(0.01)
        await super().complete_slot(slot, answer, room)

    async def release_slot(self, slot: str) -> None:
        await asyncio.sleep(0.01)
        await super().release_slot(slot)


async def cancelled_while_asking(storage: Slow, asked: asyncio.Task) -> None:
    storage.asked.clear()
    await storage.asked.wait()
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked


async def free(once: Idempotency) -> None:
    async with asyncio.timeout(10):
        while once._releases:
            await asyncio.sleep(0)


async def test_cancelled_while_the_slot_is_taken_it_is_given_back(clock):
    storage = Slow(clock)
    once = Idempotency(storage, clock)

    await cancelled_while_asking(storage, asyncio.create_task(ask(once, Work())))
    await free(once)

    assert not (await ask(once, Work())).is_replayed


async def test_cancelled_while_the_answer_is_kept_it_is_kept_to_the_end(clock):
    storage = Slow(clock)
    once = Idempotency(storage, clock)

    async def work() -> Kept:
        storage.asked.clear()
        return await Work()()

    asked = asyncio.create_task(ask(once, work))
    await storage.asked.wait()
    await cancelled_while_asking(storage, asked)
    await free(once)

    assert (await ask(once, Work())).is_replayed


class TestAlone:
    """Two objects over one storage stand for two processes."""

    @pytest.mark.parametrize("processes", [1, 2])
    async def test_nobody_else_works_under_the_same_name(self, storage, clock, processes: int):
        onces = [Idempotency(storage, clock) for _ in range(processes)]
        inside = most = 0

        async def enter(number: int) -> None:
            nonlocal inside, most
            async with onces[number % processes].lock("debrief room"):
                inside += 1
                most = max(most, inside)
                await asyncio.sleep(0.002)
                inside -= 1

        async with asyncio.timeout(30):
            await asyncio.gather(*(enter(number) for number in range(6)))

        assert most == 1

    async def test_other_names_do_not_wait(self, once):
        async with asyncio.timeout(5), once.lock("debrief a"), once.lock("debrief b"):
            pass

    async def test_a_name_is_no_idempotency_key(self, once):
        async with once.lock("a"):
            assert not (await ask(once, Work(), key="a")).is_replayed

    async def test_it_is_free_after_a_failure(self, storage, clock):
        with pytest.raises(ProviderBadAnswer):
            async with Idempotency(storage, clock).lock("debrief"):
                raise ProviderBadAnswer("It failed.")

        async with asyncio.timeout(5), Idempotency(storage, clock).lock("debrief"):
            pass

    async def test_it_is_free_after_a_cancellation(self, clock):
        storage = Slow(clock)
        once = Idempotency(storage, clock)
        is_inside = asyncio.Event()

        async def hold() -> None:
            async with once.lock("debrief"):
                is_inside.set()
                await asyncio.sleep(3600)

        holder = asyncio.create_task(hold())
        await is_inside.wait()
        holder.cancel()
        with pytest.raises(asyncio.CancelledError):
            await holder

        async with asyncio.timeout(5), Idempotency(storage, clock).lock("debrief"):
            pass

    async def test_who_stops_waiting_does_not_hold_the_others_up(self, storage, clock):
        once, other = Idempotency(storage, clock), Idempotency(storage, clock)

        async def wait() -> None:
            async with other.lock("debrief"):
                raise AssertionError

        async with once.lock("debrief"):
            waiting = asyncio.create_task(wait())
            await asyncio.sleep(0.01)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting

        async with asyncio.timeout(5), other.lock("debrief"):
            pass

    async def test_a_killed_holder_is_waited_for_until_its_lease_ends(self, storage, clock):
        killed = Idempotency(storage, clock).lock("debrief")
        await killed.__aenter__()
        clock.now += LEASE

        async with asyncio.timeout(5), Idempotency(storage, clock).lock("debrief"):
            await killed.__aexit__(None, None, None)
            running = await storage.claim_slot(*self.slot_of(storage), clock.now, clock.now, clock.now)

        assert running.state == "running"

    @staticmethod
    def slot_of(storage: MemoryStorage) -> tuple[str, str]:
        (slot,) = storage._slots
        return slot, ""

    async def test_nothing_is_left_behind(self, once, storage):
        async with once.lock("debrief"):
            pass

        assert not once._locks
        assert not storage._slots
