"""Idempotency keys over a storage: work runs once, and its response is replayed."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.access.idempotency import KEPT_FOR, LEASE, Idempotency, KeyedRequest, Unrepeatable
from services.errors import (
    IdempotencyMismatch,
    InvalidInput,
    PhoneCallUncertain,
    ProviderBadAnswer,
    ProviderUnavailable,
    RequestInProgress,
    RoomExpired,
    RoomNotFound,
    StorageUnavailable,
)
from services.storage.memory import MemoryStorage
from services.storage.records import StoredResponse
from tests.services.access.slow_storage import RenewingStorage, SlowStorage
from tests.services.storage.interviews import NOW, make_room
from tests.support.clock import ManualClock

pytestmark = pytest.mark.anyio

REQUEST = KeyedRequest("key:web", "POST /api/rooms", "a-key", b"{}")
SHORT = timedelta(seconds=0.03)
DIALS_ONCE = Unrepeatable((ProviderUnavailable,), PhoneCallUncertain)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
def storage(clock) -> MemoryStorage:
    return MemoryStorage(clock)


@pytest.fixture
def idempotency(storage, clock) -> Idempotency:
    return Idempotency(storage, clock)


class Work:
    """Counts how often it ran, and responds with that number."""

    def __init__(self, status: int = 201, **changes) -> None:
        self.times = 0
        self._response = StoredResponse(status, (("location", "/x"),), b"", **changes)

    async def __call__(self) -> StoredResponse:
        self.times += 1
        return replace(self._response, body=str(self.times).encode())


def ask(
    idempotency: Idempotency,
    work: Callable[[], Awaitable[StoredResponse]],
    unrepeatable: Unrepeatable | None = None,
    **changes,
) -> Awaitable[StoredResponse]:
    return idempotency.run(replace(REQUEST, **changes), work, unrepeatable)


async def test_the_first_response_is_replayed_and_the_work_is_not_repeated(idempotency):
    work = Work()

    first, second = await ask(idempotency, work), await ask(idempotency, work)

    assert first == StoredResponse(201, (("location", "/x"),), b"1")
    assert second == replace(first, is_replayed=True)
    assert work.times == 1


@pytest.mark.parametrize("changes", [{"caller": "key:other"}, {"route": "POST /api/rooms/a/debrief"}, {"key": "b"}])
async def test_another_caller_route_or_key_is_another_request(idempotency, changes):
    work = Work()

    await ask(idempotency, work)
    await ask(idempotency, work, **changes)

    assert work.times == 2


async def test_parts_that_join_to_the_same_text_are_different_requests(idempotency):
    work = Work()

    await ask(idempotency, work, caller="a", route="b c", key="d")
    await ask(idempotency, work, caller="a b", route="c", key="d")

    assert work.times == 2


async def test_the_same_key_with_another_body_is_refused(idempotency):
    work = Work()
    await ask(idempotency, work)

    with pytest.raises(IdempotencyMismatch):
        await ask(idempotency, work, body=b'{"other": true}')

    assert work.times == 1


async def test_a_response_is_kept_for_a_day(idempotency, clock):
    work = Work()
    await ask(idempotency, work)

    clock.now += KEPT_FOR - timedelta(seconds=1)
    assert (await ask(idempotency, work)).is_replayed
    clock.now += timedelta(seconds=1)
    assert not (await ask(idempotency, work)).is_replayed


async def test_a_response_that_expires_earlier_is_kept_until_then(idempotency, clock, storage):
    work = Work(expires_at=NOW + timedelta(minutes=1))
    await ask(idempotency, work)

    clock.now += timedelta(seconds=59)
    assert (await ask(idempotency, work)).is_replayed
    clock.now += timedelta(seconds=1)
    assert await storage.delete_expired_responses(clock.now) == 1
    assert not (await ask(idempotency, work)).is_replayed


@pytest.mark.parametrize("named_by", ["request", "response"])
async def test_a_response_is_deleted_with_its_room(idempotency, storage, named_by):
    await storage.save_room(make_room("room"))
    work = Work(room="room" if named_by == "response" else None)
    request = {"room": "room"} if named_by == "request" else {}
    await ask(idempotency, work, **request)

    receipt = await storage.erase("room")

    assert receipt.idempotency_keys == 1
    assert not (await ask(idempotency, Work())).is_replayed


async def test_a_request_about_an_unknown_room_is_refused(idempotency):
    with pytest.raises(RoomNotFound):
        await ask(idempotency, Work(), room="nowhere")


async def test_deleting_the_room_during_the_work_deletes_the_key(idempotency, storage):
    await storage.save_room(make_room("room"))

    async def work() -> StoredResponse:
        await storage.erase("room")
        return await Work()()

    await ask(idempotency, work, room="room")

    assert not (await ask(idempotency, Work())).is_replayed


@pytest.fixture
async def running(idempotency):
    """The first work under the key, which continues until the test ends."""
    may_end, has_started = asyncio.Event(), asyncio.Event()

    async def slow() -> StoredResponse:
        has_started.set()
        await may_end.wait()
        return await Work()()

    first = asyncio.create_task(ask(idempotency, slow))
    await has_started.wait()
    yield
    may_end.set()
    assert not (await first).is_replayed


@pytest.mark.usefixtures("running")
async def test_the_same_request_during_the_work_is_in_progress(idempotency):
    work = Work()

    with pytest.raises(RequestInProgress) as refused:
        await ask(idempotency, work)

    assert refused.value.retry_after >= 1
    assert work.times == 0


@pytest.mark.usefixtures("running")
async def test_another_body_during_the_work_is_a_mismatch(idempotency):
    with pytest.raises(IdempotencyMismatch):
        await ask(idempotency, Work(), body=b"another")


async def test_one_of_many_identical_requests_at_once_does_the_work(idempotency):
    work, may_end = Work(), asyncio.Event()

    async def slow() -> StoredResponse:
        await may_end.wait()
        return await work()

    asked = [asyncio.create_task(ask(idempotency, slow)) for _ in range(20)]
    while sum(one.done() for one in asked) < 19:
        await asyncio.sleep(0)
    may_end.set()
    outcomes = await asyncio.gather(*asked, return_exceptions=True)

    assert work.times == 1
    assert sum(isinstance(outcome, RequestInProgress) for outcome in outcomes) == 19


@pytest.mark.parametrize("error", [ProviderBadAnswer("It failed."), RoomExpired(), RuntimeError("a bug")])
async def test_a_failure_is_not_stored(idempotency, error):
    async def fail() -> StoredResponse:
        raise error

    with pytest.raises(type(error)):
        await ask(idempotency, fail)

    assert not (await ask(idempotency, Work(), body=b"corrected")).is_replayed


@pytest.mark.parametrize("status", [400, 404, 500, 503])
async def test_a_response_that_reports_a_failure_is_not_stored(idempotency, status: int):
    work = Work(status)

    first = await ask(idempotency, work)
    await ask(idempotency, work)

    assert first.status == status
    assert work.times == 2


async def wait_and_cancel(task: asyncio.Task, event: asyncio.Event) -> None:
    await event.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_cancelled_work_frees_its_key(idempotency):
    has_started = asyncio.Event()

    async def endless() -> StoredResponse:
        has_started.set()
        await asyncio.Event().wait()
        raise AssertionError

    await wait_and_cancel(asyncio.create_task(ask(idempotency, endless)), has_started)

    assert not (await ask(idempotency, Work())).is_replayed


@pytest.fixture
async def killed(storage, clock):
    """Work of a process that no longer renews its lease."""
    has_started = asyncio.Event()

    async def endless() -> StoredResponse:
        has_started.set()
        await asyncio.Event().wait()
        raise AssertionError

    task = asyncio.create_task(ask(Idempotency(storage, clock), endless))
    await has_started.wait()
    yield
    await wait_and_cancel(task, has_started)


@pytest.mark.usefixtures("killed")
async def test_a_key_whose_process_was_killed_is_free_after_its_lease(idempotency, clock):
    with pytest.raises(RequestInProgress):
        await ask(idempotency, Work())
    clock.now += LEASE

    assert not (await ask(idempotency, Work())).is_replayed
    assert (await ask(idempotency, Work())).is_replayed


@pytest.mark.usefixtures("killed")
async def test_unrepeatable_work_whose_process_was_killed_never_runs_again(idempotency, clock):
    work = Work()
    with pytest.raises(RequestInProgress):
        await ask(idempotency, work, DIALS_ONCE)

    for _ in range(2):
        clock.now += LEASE
        with pytest.raises(PhoneCallUncertain):
            await ask(idempotency, work, DIALS_ONCE)

    assert work.times == 0


@pytest.mark.parametrize("error", [ProviderBadAnswer("It failed."), RuntimeError("a bug"), asyncio.CancelledError()])
async def test_unrepeatable_work_that_failed_uncertainly_never_runs_again(idempotency, error):
    async def fail() -> StoredResponse:
        raise error

    with pytest.raises(type(error)):
        await ask(idempotency, fail, DIALS_ONCE)

    with pytest.raises(PhoneCallUncertain):
        await ask(idempotency, Work(), DIALS_ONCE)
    with pytest.raises(IdempotencyMismatch):
        await ask(idempotency, Work(), DIALS_ONCE, body=b"another")


async def test_unrepeatable_work_that_certainly_did_nothing_may_run_again(idempotency):
    async def fail() -> StoredResponse:
        raise ProviderUnavailable("It is down.")

    with pytest.raises(ProviderUnavailable):
        await ask(idempotency, fail, DIALS_ONCE)

    assert not (await ask(idempotency, Work(), DIALS_ONCE)).is_replayed
    assert (await ask(idempotency, Work(), DIALS_ONCE)).is_replayed


@pytest.mark.parametrize("key", ["", " ", "a b", "é", "a" * 256, "a\n", "\x7f"])
async def test_a_key_that_is_not_visible_ascii_is_refused(idempotency, key: str):
    with pytest.raises(InvalidInput, match="Idempotency-Key"):
        await ask(idempotency, Work(), key=key)


@given(st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=255))
async def test_any_visible_ascii_key_is_accepted(key: str):
    idempotency = Idempotency(MemoryStorage(ManualClock(NOW)), ManualClock(NOW))

    await ask(idempotency, Work(), key=key)

    assert (await ask(idempotency, Work(), key=key)).is_replayed


async def test_caller_and_key_are_not_readable_in_the_storage(idempotency, storage):
    await ask(idempotency, Work(), caller="key:ada@example.com", key="my-secret-key")

    assert "ada" not in repr(storage._slots)
    assert "my-secret-key" not in repr(storage._slots)


async def test_the_same_body_under_two_keys_has_two_fingerprints(idempotency, storage):
    """So that a phone number can't be found from the fingerprint by trying all numbers."""
    await ask(idempotency, Work(), key="a")
    await ask(idempotency, Work(), key="b")

    assert len({slot.fingerprint for slot in storage._slots.values()}) == 2


class FailingStorage(MemoryStorage):
    """A storage that is unavailable when a slot is to be completed or released."""

    async def complete_slot(self, *_: object) -> None:
        raise StorageUnavailable("It does not answer.")

    async def release_slot(self, *_: object) -> None:
        raise StorageUnavailable("It does not answer.")


async def test_response_that_cannot_be_stored_is_still_returned(clock, caplog):
    with caplog.at_level(logging.WARNING, "services.access.idempotency"):
        response = await ask(Idempotency(FailingStorage(clock), clock), Work())

    assert response.status == 201
    assert "could not be stored" in caplog.text


async def test_a_key_that_can_not_be_released_does_not_hide_the_failure(clock, caplog):
    async def fail() -> StoredResponse:
        raise ProviderBadAnswer("It failed.")

    with caplog.at_level(logging.WARNING, "services.access.idempotency"), pytest.raises(ProviderBadAnswer):
        await ask(Idempotency(FailingStorage(clock), clock), fail)

    assert "ends with its lease" in caplog.text


@pytest.mark.parametrize("fails_first", [False, True])
async def test_a_lease_is_renewed_for_as_long_as_the_work_runs(clock, fails_first: bool):
    storage = RenewingStorage(clock, fails_first=fails_first)

    async def long_work() -> StoredResponse:
        for _ in range(4):
            clock.now += SHORT * 2 / 3
            assert await storage.next_renewal()
            with pytest.raises(RequestInProgress):
                await ask(Idempotency(storage, clock), Work())
        return await Work()()

    async with asyncio.timeout(60):
        await ask(Idempotency(storage, clock, SHORT), long_work)

    assert (await ask(Idempotency(storage, clock), Work())).is_replayed


async def wait_for_background(idempotency: Idempotency) -> None:
    async with asyncio.timeout(60):
        while idempotency._background:
            await asyncio.sleep(0)


async def test_a_claim_that_is_cancelled_is_released(clock):
    storage = SlowStorage(clock)
    idempotency = Idempotency(storage, clock)

    await wait_and_cancel(asyncio.create_task(ask(idempotency, Work())), storage.was_asked)
    await wait_for_background(idempotency)

    assert not (await ask(idempotency, Work())).is_replayed


async def test_response_of_a_cancelled_request_is_still_stored(clock):
    storage = SlowStorage(clock)
    idempotency = Idempotency(storage, clock)

    async def work() -> StoredResponse:
        storage.was_asked.clear()
        return await Work()()

    asked = asyncio.create_task(ask(idempotency, work))
    await storage.was_asked.wait()
    storage.was_asked.clear()
    await wait_and_cancel(asked, storage.was_asked)
    await wait_for_background(idempotency)

    assert (await ask(idempotency, Work())).is_replayed
