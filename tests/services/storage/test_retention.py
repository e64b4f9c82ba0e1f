"""Ended rooms are deleted when their retention is over, by a clock that the test moves."""

from datetime import timedelta

import pytest

from services.errors import StorageUnavailable
from services.storage.memory import MemoryStorage
from services.storage.records import StoredResponse
from services.storage.retention import EVERY, RESPONSES_EVERY, delete_expired, run_response_expiry, run_retention
from tests.services.storage.interviews import NOW, make_room, make_use, reserve

pytestmark = pytest.mark.anyio

DAY = timedelta(days=1)


async def save_rooms(storage, count, ends_in=timedelta(minutes=5)):
    rooms = [make_room(ends_in=ends_in) for _ in range(count)]
    for room in rooms:
        await storage.save_room(room)
    return rooms


async def test_all_rooms_that_ended_before_the_retention_are_erased_in_batches(storage):
    await save_rooms(storage, 7)

    assert await delete_expired(storage, NOW + 2 * DAY, DAY, batch=3) == 7


async def test_rooms_that_ended_within_the_retention_stay(storage):
    [room] = await save_rooms(storage, 1, timedelta(minutes=5))

    erased = await delete_expired(storage, NOW + DAY, DAY)

    assert erased == 0
    assert await storage.find(room.name) is not None


async def test_without_a_retention_rooms_stay(storage):
    [room] = await save_rooms(storage, 1)

    await delete_expired(storage, NOW + 1000 * DAY, None)

    assert await storage.find(room.name) is not None


async def test_expired_budget_uses_are_deleted_without_a_retention(storage):
    await reserve(storage, make_use("calls"))

    await delete_expired(storage, NOW + timedelta(hours=1), None)

    assert await storage.delete_expired_uses(NOW + DAY) == 0


async def test_expired_responses_are_deleted_without_a_retention(storage):
    await storage.claim_slot("slot", "f1", now=NOW, until=NOW + DAY, lease=NOW + DAY)

    await delete_expired(storage, NOW + DAY, None)

    assert await storage.delete_expired_responses(NOW + DAY) == 0
    assert (await storage.claim_slot("slot", "f2", now=NOW, until=NOW + DAY, lease=NOW + DAY)).state == "started"


class Stopped(Exception):
    """The rounds of the test are over."""


class PausingClock:
    """A clock that moves when retention pauses."""

    def __init__(self, rounds: int) -> None:
        self.now = NOW
        self.rounds = rounds

    def __call__(self):
        return self.now

    async def pause(self, seconds: float) -> None:
        self.rounds -= 1
        if self.rounds == 0:
            raise Stopped
        self.now += timedelta(seconds=seconds)


async def test_retention_erases_a_room_when_its_time_is_over(storage):
    [early] = await save_rooms(storage, 1, ends_in=EVERY / 2)
    [late] = await save_rooms(storage, 1, ends_in=EVERY * 3)
    clock = PausingClock(rounds=3)

    with pytest.raises(Stopped):
        await run_retention(storage, clock, EVERY, pause=clock.pause)

    assert await storage.find(early.name) is None
    assert await storage.find(late.name) is not None


class FailingOnce(MemoryStorage):
    """A storage that fails the first deletion."""

    def __init__(self, failure: Exception) -> None:
        super().__init__(lambda: NOW)
        self.failure = failure
        self.calls = 0
        self.purges: list[bool] = []

    async def delete_expired_responses(self, now) -> int:
        self.calls += 1
        if self.calls == 1:
            raise self.failure
        return await super().delete_expired_responses(now)

    async def purge_deleted(self, *, in_background) -> bool:
        self.purges.append(in_background)
        return True


@pytest.mark.parametrize("failure", [StorageUnavailable("Away."), RuntimeError("A defect.")], ids=["lost", "defect"])
async def test_retention_survives_a_failure_and_logs_it(failure, caplog):
    storage, clock = FailingOnce(failure), PausingClock(rounds=2)

    with pytest.raises(Stopped):
        await run_retention(storage, clock, None, pause=clock.pause)

    assert storage.calls == 2
    assert caplog.text.count("ended rooms were not erased") == 1


async def test_responses_are_deleted_within_a_minute_after_they_expire(storage):
    clock = PausingClock(rounds=3)
    until = clock.now + RESPONSES_EVERY / 2
    await storage.claim_slot("voice", "", now=clock.now, until=until, lease=until)
    await storage.complete_slot("voice", StoredResponse(200, (), b"secret"), None, until)

    with pytest.raises(Stopped):
        await run_response_expiry(storage, clock, pause=clock.pause)

    assert await storage.delete_expired_responses(until) == 0


async def test_every_round_purges_the_files_in_the_background():
    storage, clock = FailingOnce(RuntimeError()), PausingClock(rounds=4)

    with pytest.raises(Stopped):
        await run_retention(storage, clock, None, pause=clock.pause)

    assert storage.purges == [True] * 3
