"""Uses of budgets in rolling windows, in every storage."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.errors import RoomNotFound
from services.storage.budget_uses import BUCKETS
from services.storage.memory import MemoryStorage
from services.storage.records import Exhausted
from tests.services.storage.conftest import open_empty
from tests.services.storage.interviews import HOUR, MINUTE, NOW, make_room, make_use, reserve

pytestmark = pytest.mark.anyio

USE = make_use("calls")


async def test_exhausted_budget_has_a_retry_time(storage):
    results = [await reserve(storage, USE, after=after) for after in (MINUTE, 2 * MINUTE, 3 * MINUTE)]

    assert results == [None, None, Exhausted(USE, 2, NOW + MINUTE + HOUR)]


async def test_a_use_counts_until_its_window_has_passed(storage):
    await reserve(storage, USE)
    await reserve(storage, USE, after=MINUTE)

    assert await reserve(storage, USE, after=HOUR - MINUTE / 60) == Exhausted(USE, 2, NOW + HOUR)
    assert await reserve(storage, USE, after=HOUR) is None
    assert await reserve(storage, USE, after=HOUR) == Exhausted(USE, 2, NOW + MINUTE + HOUR)


async def test_retry_time_is_when_enough_uses_have_expired(storage):
    for minutes, amount in ((0, 10), (1, 20), (2, 30)):
        await reserve(storage, make_use("tokens", amount=amount, most=60), after=minutes * MINUTE)

    waits = [
        (await reserve(storage, make_use("tokens", amount=amount, most=60), after=3 * MINUTE)).free_at - NOW - HOUR
        for amount in (1, 10, 11, 30, 31, 60)
    ]

    assert waits == [0 * MINUTE, 0 * MINUTE, MINUTE, MINUTE, 2 * MINUTE, 2 * MINUTE]


async def test_use_above_the_whole_budget_has_no_retry_time(storage):
    too_much = make_use("tokens", amount=61, most=60)

    assert await reserve(storage, too_much) == Exhausted(too_much, 0, None)


async def test_a_refused_use_does_not_count(storage):
    await reserve(storage, make_use("tokens", amount=50, most=60))
    await reserve(storage, make_use("tokens", amount=20, most=60))

    assert await reserve(storage, make_use("tokens", amount=10, most=60)) is None


async def test_all_uses_of_a_reservation_count_or_none(storage):
    await reserve(storage, make_use("number", most=1))

    refused = await reserve(storage, make_use("caller", most=1), make_use("number", most=1))

    assert refused.use.subject == "number"
    assert await reserve(storage, make_use("caller", most=1)) is None


async def test_subjects_are_counted_separately(storage):
    await reserve(storage, make_use("a", most=1))

    assert await reserve(storage, make_use("b", most=1)) is None


@pytest.mark.parametrize("settled", [0, 3, 10, 25])
async def test_settled_use_counts_its_actual_amount(storage, settled):
    use = make_use("tokens", amount=10, most=20)
    await reserve(storage, use, reservation="first")

    await storage.settle_uses("first", [use], settled)

    rest = 20 - settled
    assert (await reserve(storage, make_use("tokens", amount=rest + 1, most=20))).used == settled
    assert rest < 0 or await reserve(storage, make_use("tokens", amount=rest, most=20)) is None


async def test_only_the_first_settlement_counts(storage):
    use = make_use("tokens", amount=10, most=20)
    await reserve(storage, use, reservation="first")

    for amount in (5, 0, 20):
        await storage.settle_uses("first", [use], amount)

    assert (await reserve(storage, make_use("tokens", amount=20, most=20))).used == 5


async def test_settling_an_unknown_reservation_changes_nothing(storage):
    await storage.settle_uses("unknown", [USE], 5)

    assert await reserve(storage, USE) is None


async def test_a_settled_use_ends_when_its_reservation_would_have(storage):
    await reserve(storage, USE, reservation="first")
    await storage.settle_uses("first", [USE], 2)

    assert (await reserve(storage, USE, after=MINUTE)).free_at == NOW + HOUR
    assert await reserve(storage, USE, after=HOUR) is None


async def test_settled_uses_of_a_bucket_end_together_with_the_last_of_them(storage):
    for reservation, after in (("first", timedelta()), ("second", MINUTE)):
        await reserve(storage, USE, after=after, reservation=reservation)
    for reservation in ("second", "first"):
        await storage.settle_uses(reservation, [USE], 1)

    assert (await reserve(storage, USE, after=2 * MINUTE)).free_at == NOW + MINUTE + HOUR


async def test_uses_of_a_room_are_deleted_with_it(storage):
    room = make_room()
    await storage.save_room(room)
    running, settled = make_use("calls", room=room.name), make_use("sessions", room=room.name)
    await reserve(storage, running, settled, reservation="first")
    await reserve(storage, settled, reservation="second")
    await storage.settle_uses("second", [settled], 1)

    await storage.erase(room.name)

    await storage.save_room(room)
    assert [await reserve(storage, running, settled) for _ in range(2)] == [None, None]


async def test_a_use_of_an_unknown_room_is_refused_and_none_counts(storage):
    with pytest.raises(RoomNotFound):
        await reserve(storage, make_use("caller", most=1), make_use("calls", room="nowhere"))

    assert await reserve(storage, make_use("caller", most=1)) is None


async def test_expired_uses_are_deleted(storage):
    await reserve(storage, USE, reservation="settled")
    await storage.settle_uses("settled", [USE], 1)
    await reserve(storage, USE)
    await reserve(storage, USE, after=2 * MINUTE)

    assert await storage.delete_expired_uses(NOW + HOUR) == 2
    assert await storage.delete_expired_uses(NOW + HOUR) == 0


async def test_concurrent_reservations_do_not_exceed_the_budget(storage):
    use = make_use("tokens", amount=3, most=20)

    results = await asyncio.gather(*(reserve(storage, use) for _ in range(12)))

    assert results.count(None) == 6


async def test_reservations_of_several_budgets_at_once_do_not_block_each_other(storage):
    """Each takes the same budgets in another order."""
    uses = [make_use(f"budget {at}", most=100) for at in range(4)]
    async with asyncio.timeout(60):
        results = await asyncio.gather(
            *(reserve(storage, *(uses[(first + at) % 4] for at in range(4))) for first in range(16))
        )

    assert results == [None] * 16


async def test_two_processes_share_one_budget(database):
    if database is None:
        return
    use = make_use("tokens", amount=3, most=20)
    async with open_empty(database) as one, open_empty(database) as other:
        results = await asyncio.gather(*(reserve(storage, use) for storage in (one, other) * 6))

    assert results.count(None) == 6


async def test_day_of_settled_uses_takes_few_records(storage):
    use = make_use("tokens", amount=1, most=10_000)
    for minute in range(60):
        for _ in range(2):
            reservation = uuid4().hex
            await reserve(storage, use, after=minute * MINUTE, reservation=reservation)
            await storage.settle_uses(reservation, [use], 1)

    assert (await reserve(storage, make_use("tokens", amount=10_000, most=10_000), after=HOUR - MINUTE)).used == 120
    assert await storage.delete_expired_uses(NOW + 3 * HOUR) <= BUCKETS + 1


STEPS = st.lists(
    st.tuples(st.integers(1, 30), st.integers(0, 40), st.none() | st.integers(0, 40)), min_size=1, max_size=60
)


@given(STEPS)
async def test_a_window_never_holds_more_than_the_budget(steps):
    """Whatever was granted and not refunded within any hour, buckets included. Each step: minutes, estimate, actual."""
    storage, most, now = MemoryStorage(lambda: NOW), 50, NOW
    granted = []
    for number, (minutes, estimate, actual) in enumerate(steps):
        now += minutes * MINUTE / 4
        use = make_use("tokens", amount=estimate, most=most)
        if await storage.reserve_uses(str(number), [use], now) is None:
            if actual is not None:
                await storage.settle_uses(str(number), [use], min(actual, estimate))
            granted.append((now, estimate if actual is None else min(actual, estimate)))
        assert sum(amount for at, amount in granted if at > now - HOUR) <= most
