"""Budgets of models and of the phone, over a storage."""

import asyncio
from datetime import timedelta

import pytest

from config import Settings
from services.access.budgets import Budgets, phone_secret
from services.errors import (
    BudgetExhausted,
    ProviderBadAnswer,
    ProviderUnavailable,
    RateLimited,
    RoomNotFound,
    StorageUnavailable,
)
from services.storage.memory import MemoryStorage
from tests.services.storage.interviews import NOW, make_room
from tests.support.clock import ManualClock

pytestmark = pytest.mark.anyio

CALLER = "key:web"
NUMBER = "+14155550100"
FREE = (ProviderUnavailable,)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
def storage(clock) -> MemoryStorage:
    return MemoryStorage(clock)


@pytest.fixture
def make_budgets(storage, clock):
    def make(in_storage=storage, **settings):
        return Budgets(in_storage, clock, Settings(_env_file=None, **settings), b"secret")

    return make


@pytest.fixture
async def rooms(storage) -> list[str]:
    names = [f"room-{at}" for at in range(10)]
    for name in names:
        await storage.save_room(make_room(name))
    return names


async def use_tokens(budgets, estimate, actual=None, caller=CALLER):
    async with budgets.model_tokens(caller, estimate) as reservation:
        if actual is not None:
            reservation.settle(actual)


async def call(budgets, room, number=NUMBER, caller=CALLER):
    async with budgets.phone_call(caller, room, number, free=FREE):
        pass


async def test_tokens_are_reserved_and_settled(make_budgets):
    budgets = make_budgets(model_budget=1000)
    async with budgets.model_tokens(CALLER, 900) as reservation:
        with pytest.raises(BudgetExhausted):
            await use_tokens(budgets, 200)
        reservation.settle(100)

    await use_tokens(budgets, 900, 900)
    with pytest.raises(BudgetExhausted) as refused:
        await use_tokens(budgets, 50)
    assert refused.value.detail == (
        "You have used 1,000 of your 1,000 model tokens a day, and this needs up to 50; try again in 24 h."
    )
    assert refused.value.retry_after == 24 * 3600


async def test_tokens_are_available_again_after_a_day(make_budgets, clock):
    budgets = make_budgets(model_budget=1000)
    await use_tokens(budgets, 1000, 600)
    clock.advance(hours=3)
    await use_tokens(budgets, 400, 400)

    with pytest.raises(BudgetExhausted) as refused:
        await use_tokens(budgets, 600)
    clock.now += timedelta(seconds=refused.value.retry_after)

    assert refused.value.retry_after == 21 * 3600
    await use_tokens(budgets, 600)


async def test_work_that_takes_more_than_its_estimate_counts_in_full(make_budgets):
    budgets = make_budgets(model_budget=1000)
    await use_tokens(budgets, 10, 5000)

    with pytest.raises(BudgetExhausted, match="5,000 of your 1,000"):
        await use_tokens(budgets, 1)


async def test_estimate_above_the_whole_budget_has_no_retry_after(make_budgets):
    with pytest.raises(BudgetExhausted, match="more than the whole budget") as refused:
        await use_tokens(make_budgets(model_budget=1000), 1001)

    assert refused.value.retry_after is None


async def test_each_caller_has_a_separate_budget(make_budgets):
    budgets = make_budgets(model_budget=1000)
    await use_tokens(budgets, 1000)

    await use_tokens(budgets, 1000, caller="address:192.0.2.1")


async def test_a_budget_of_0_is_unlimited_and_uses_no_storage(make_budgets, storage):
    budgets = make_budgets(model_budget=0, phone_budget="0")

    for _ in range(3):
        await use_tokens(budgets, 10**12)

    assert storage._uses == {}


@pytest.mark.parametrize(
    ("error", "counted"), [(ProviderUnavailable("It is down."), 0), (ProviderBadAnswer("It failed."), 100)]
)
async def test_a_failure_counts_unless_it_certainly_cost_nothing(make_budgets, error, counted):
    budgets = make_budgets(model_budget=1000)
    with pytest.raises(type(error)):
        async with budgets.model_tokens(CALLER, 100):
            raise error

    await use_tokens(budgets, 1000 - counted)


async def test_settled_amount_counts_even_after_a_free_failure(make_budgets):
    budgets = make_budgets(model_budget=1000)

    async def fail_after_the_model():
        async with budgets.model_tokens(CALLER, 500) as reservation:
            reservation.settle(300)
            raise StorageUnavailable("The debrief can't be stored.")

    with pytest.raises(StorageUnavailable):
        await fail_after_the_model()

    with pytest.raises(BudgetExhausted, match="300 of your"):
        await use_tokens(budgets, 701)


async def test_cancelled_work_counts_its_estimate(make_budgets):
    budgets, has_started = make_budgets(model_budget=1000), asyncio.Event()

    async def work():
        async with budgets.model_tokens(CALLER, 400):
            has_started.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await has_started.wait()
    task.cancel()
    await asyncio.wait([task])

    with pytest.raises(BudgetExhausted, match="400 of your"):
        await use_tokens(budgets, 601)


class SlowStorage(MemoryStorage):
    """Answers late about budgets, as a database does."""

    is_ephemeral = False

    async def reserve_uses(self, *arguments):
        exhausted = await super().reserve_uses(*arguments)
        await asyncio.sleep(0.01)
        return exhausted


async def test_a_reservation_that_is_cancelled_while_it_is_made_is_removed(make_budgets, clock):
    storage = SlowStorage(clock)
    budgets = make_budgets(storage, model_budget=1000)
    task = asyncio.create_task(use_tokens(budgets, 1000))
    while not storage._uses:
        await asyncio.sleep(0)

    task.cancel()
    await asyncio.wait([task])
    async with asyncio.timeout(60):
        while budgets._background:
            await asyncio.sleep(0.001)

    assert task.cancelled()
    assert storage._uses == {}


class LosingStorage(MemoryStorage):
    """Is unavailable when uses are settled, the first time or always, as a database can be."""

    is_ephemeral = False
    is_back = True

    async def settle_uses(self, *arguments):
        if self.is_back is not None:
            self.is_back = None if self.is_back else False
            raise StorageUnavailable("It does not answer.")
        await super().settle_uses(*arguments)


async def test_a_settlement_that_fails_leaves_the_estimate_and_does_not_fail_the_work(make_budgets, clock, caplog):
    storage = LosingStorage(clock)
    storage.is_back = False
    budgets = make_budgets(storage, model_budget=1000)

    await use_tokens(budgets, 900, 10)

    with pytest.raises(BudgetExhausted, match="900 of your"):
        await use_tokens(budgets, 101)
    assert "its estimate counts" in caplog.text


async def test_a_refund_is_repeated_until_the_storage_is_back(make_budgets, clock):
    budgets = make_budgets(LosingStorage(clock), model_budget=1000)

    with pytest.raises(ProviderUnavailable):
        async with budgets.model_tokens(CALLER, 900):
            raise ProviderUnavailable("It is down.")

    await use_tokens(budgets, 1000)


async def test_a_room_places_three_calls_an_hour(make_budgets, rooms):
    budgets = make_budgets()
    for at in range(3):
        await call(budgets, rooms[0], f"+1415555010{at}")

    with pytest.raises(RateLimited, match="This room has placed 3 of its 3 phone calls an hour; try again in 1 h"):
        await call(budgets, rooms[0], "+14155550109")
    await call(budgets, rooms[1], "+14155550109")


async def test_a_caller_places_as_many_calls_a_day_as_the_budget_says(make_budgets, rooms, clock):
    budgets = make_budgets(phone_budget="4/day")
    for at in range(4):
        await call(budgets, rooms[at], f"+1415555010{at}")

    with pytest.raises(BudgetExhausted, match="You have placed 4 of your 4 phone calls a day") as refused:
        await call(budgets, rooms[5], "+14155550109")
    await call(budgets, rooms[5], "+14155550109", caller="key:other")
    clock.now += timedelta(seconds=refused.value.retry_after)
    await call(budgets, rooms[6], "+14155550108")


async def test_a_number_is_called_as_often_an_hour_as_the_budget_says(make_budgets, rooms):
    budgets = make_budgets(phone_budget="20/day;5/hour")
    for at in range(5):
        await call(budgets, rooms[at], caller=f"key:{at}")

    with pytest.raises(BudgetExhausted, match="This number was called 5 times, of 5 an hour; try again in 1 h"):
        await call(budgets, rooms[5], caller="key:5")
    await call(budgets, rooms[5], "+14155550101", caller="key:5")


async def test_a_number_is_called_as_often_a_day_as_the_budget_says(make_budgets, rooms, clock):
    budgets = make_budgets(phone_budget="6/day;5/hour")
    for at in range(6):
        await call(budgets, rooms[at], caller=f"key:{at}")
        clock.advance(hours=2)

    with pytest.raises(BudgetExhausted, match="This number was called 6 times, of 6 a day"):
        await call(budgets, rooms[6], caller="key:6")


async def test_a_refused_call_counts_in_no_budget(make_budgets, rooms):
    budgets = make_budgets(phone_budget="20/day;2/hour")
    for at in range(2):
        await call(budgets, rooms[at], caller=f"key:{at}")
    for _ in range(5):
        with pytest.raises(BudgetExhausted):
            await call(budgets, rooms[2])

    for at in range(3):
        await call(budgets, rooms[2], f"+1415555020{at}")


async def test_a_call_that_was_certainly_not_placed_counts_in_no_budget(make_budgets, rooms):
    budgets = make_budgets(phone_budget="1/day")
    with pytest.raises(ProviderUnavailable):
        async with budgets.phone_call(CALLER, rooms[0], NUMBER, free=FREE):
            raise ProviderUnavailable("It is down.")

    await call(budgets, rooms[0])


async def test_a_room_starts_thirty_voice_sessions_an_hour(make_budgets, rooms):
    budgets = make_budgets()
    for _ in range(30):
        async with budgets.voice_session(rooms[0], free=FREE):
            pass

    with pytest.raises(RateLimited, match="This room has started 30 of its 30 voice sessions"):
        async with budgets.voice_session(rooms[0], free=FREE):
            raise AssertionError


async def test_a_call_of_an_unknown_room_is_refused(make_budgets):
    with pytest.raises(RoomNotFound):
        await call(make_budgets(), "nowhere")


async def test_storage_contains_no_phone_number_and_no_guessable_hash(make_budgets, rooms, storage):
    """The same number under another secret is another hash, so numbers can't be tried without the secret."""
    await call(make_budgets(), rooms[0])
    subjects = set(storage._uses)

    await call(Budgets(storage, lambda: NOW, Settings(_env_file=None), b"another secret"), rooms[1])

    new = set(storage._uses) - subjects
    assert NUMBER.strip("+") not in repr(storage._uses)
    assert sorted(subject.split(":")[0] for subject in new) == [
        "number_phone_calls_a_day",
        "number_phone_calls_an_hour",
        "room_phone_calls",
    ]


def test_processes_share_the_phone_secret_only_with_the_same_vapi_key():
    keyed = [phone_secret(Settings(_env_file=None, vapi_api_key=key)) for key in ("a" * 20, "a" * 20, "b" * 20)]
    unkeyed = [phone_secret(Settings(_env_file=None, sandbox=True)) for _ in range(2)]

    assert keyed[0] == keyed[1]
    assert len({*keyed, *unkeyed}) == 4
    assert b"aaa" not in keyed[0]
