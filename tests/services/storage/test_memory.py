"""The memory storage is bounded: ended rooms are evicted, live rooms never."""

from datetime import timedelta

import pytest

from services.errors import RoomNotFound, StorageFull
from services.storage.memory import MemoryStorage
from tests.services.storage.interviews import NOW, RESPONSE, make_briefing, make_room, make_turns
from tests.support.clock import ManualClock

pytestmark = pytest.mark.anyio

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


async def begin_many(storage) -> None:
    for number in range(100):
        await storage.claim_slot(f"slot-{number}", "f", now=NOW, until=NOW + DAY, lease=NOW + DAY)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


async def test_at_the_limit_of_rooms_the_room_that_ended_first_is_evicted(clock):
    storage = MemoryStorage(clock, max_rooms=3)
    later, first, live = (make_room(ends_in=ends * MINUTE) for ends in (2, 1, 100))
    for room in (later, first, live):
        await storage.save_room(room)
    clock.now += 3 * MINUTE

    await storage.save_room(make_room())

    assert await storage.find(first.name) is None
    assert await storage.find(later.name) is not None
    assert await storage.find(live.name) is not None


async def test_a_live_room_is_never_evicted(clock):
    storage = MemoryStorage(clock, max_rooms=1)
    live = make_room(ends_in=HOUR)
    await storage.save_room(live)

    with pytest.raises(StorageFull) as refused:
        await storage.save_room(make_room())

    assert refused.value.retry_after == 3600
    assert await storage.find(live.name) is not None


async def test_at_the_limit_of_bytes_ended_rooms_are_evicted(clock):
    storage = MemoryStorage(clock, max_bytes=60_000)
    ended, live = make_room(ends_in=MINUTE), make_room()
    for room in (ended, live):
        await storage.save_room(room)
    await storage.save_briefing(make_briefing(ended.name, "n" * 45_000))
    clock.now += HOUR

    await storage.save_briefing(make_briefing(live.name, "n" * 45_000))

    assert await storage.find(ended.name) is None
    assert (await storage.find(live.name, briefing=True)).briefing is not None


async def test_a_write_that_does_not_fit_beside_live_rooms_is_refused_and_evicts_nothing(clock):
    storage = MemoryStorage(clock, max_bytes=60_000)
    ended, live, other = make_room(ends_in=MINUTE), make_room(), make_room()
    for room in (ended, live, other):
        await storage.save_room(room)
    await storage.save_briefing(make_briefing(live.name, "n" * 45_000))
    clock.now += HOUR

    with pytest.raises(StorageFull):
        await storage.add_chat_turns(other.name, make_turns("n" * 45_000))

    assert await storage.find(ended.name) is not None
    assert await storage.chat_turns(other.name) == ()


async def test_a_write_that_can_never_fit_has_no_retry_after(clock):
    storage = MemoryStorage(clock, max_bytes=10_000)
    room = make_room()
    await storage.save_room(room)

    with pytest.raises(StorageFull) as refused:
        await storage.save_briefing(make_briefing(room.name, "n" * 20_000))

    assert refused.value.retry_after is None


async def test_a_room_is_not_evicted_for_its_own_write(clock):
    storage = MemoryStorage(clock, max_bytes=10_000)
    room = make_room(ends_in=MINUTE)
    await storage.save_room(room)
    clock.now += HOUR

    with pytest.raises(StorageFull):
        await storage.save_briefing(make_briefing(room.name, "n" * 9_500))

    assert await storage.find(room.name) is not None


async def test_a_replaced_briefing_gives_its_space_back(clock):
    storage = MemoryStorage(clock, max_bytes=60_000)
    room = make_room()
    await storage.save_room(room)

    for letter in "abc":
        await storage.save_briefing(make_briefing(room.name, letter * 45_000))

    assert (await storage.find(room.name, briefing=True)).briefing.notes == "c" * 45_000


async def test_an_erased_room_gives_its_space_back(clock):
    storage = MemoryStorage(clock, max_bytes=60_000)
    for _ in range(5):
        room = make_room()
        await storage.save_room(room)
        await storage.save_briefing(make_briefing(room.name, "n" * 45_000))
        await storage.claim_slot("slot", "f", now=NOW, until=NOW + DAY, lease=NOW + MINUTE)
        await storage.complete_slot("slot", RESPONSE, room.name, NOW + DAY)

        await storage.erase(room.name)

    await storage.save_room(make_room())


async def test_an_ended_room_is_kept_for_a_day(clock):
    storage = MemoryStorage(clock)
    room = make_room(ends_in=HOUR)
    await storage.save_room(room)
    clock.now += HOUR + DAY - MINUTE

    assert await storage.find(room.name) is not None


async def test_an_ended_room_is_deleted_after_a_day(clock):
    storage = MemoryStorage(clock)
    room = make_room(ends_in=HOUR)
    await storage.save_room(room)
    clock.now += HOUR + DAY

    assert await storage.find(room.name) is None
    with pytest.raises(RoomNotFound):
        await storage.save_briefing(make_briefing(room.name))


async def test_rooms_that_are_never_read_again_are_deleted(clock):
    storage = MemoryStorage(clock)
    await storage.save_room(make_room(ends_in=HOUR))
    clock.now += HOUR + DAY

    await storage.save_room(make_room(ends_in=100 * HOUR))

    assert await storage.erase_ended(clock.now, 10) == 0


async def test_slots_count_towards_the_bytes(clock):
    storage = MemoryStorage(clock, max_bytes=2_000)

    with pytest.raises(StorageFull):
        await begin_many(storage)


async def test_expired_slots_give_their_space_back(clock):
    storage = MemoryStorage(clock, max_bytes=2_000)

    for number in range(100):
        await storage.claim_slot(
            f"slot-{number}", "f", now=clock.now, until=clock.now + MINUTE, lease=clock.now + MINUTE
        )
        clock.now += MINUTE
