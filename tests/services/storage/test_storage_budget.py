"""How many rooms and bytes are stored for one payer, in every storage."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from runpy import run_path

import pytest
from sqlalchemy import text

from services.errors import BudgetExhausted, RoomNotFound
from services.storage.memory import MemoryStorage
from tests.services.storage.conftest import open_empty
from tests.services.storage.interviews import (
    DAY,
    HOUR,
    MINUTE,
    NOW,
    RESPONSE,
    TRANSCRIPT,
    claim,
    fill,
    make_briefing,
    make_room,
    make_segments,
    make_turns,
)
from tests.services.storage.old_schemas import MIGRATIONS
from tests.support.clock import ManualClock

pytestmark = pytest.mark.anyio

PAYER = "key:payer"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


async def open_rooms(storage, count=1, payer=PAYER, **changes):
    rooms = [replace(make_room(**changes), payer=payer) for _ in range(count)]
    for room in rooms:
        await storage.save_room(room)
    return [room.name for room in rooms]


async def test_as_many_rooms_as_the_budget_allows_are_stored(database):
    async with open_empty(database, storage_budget="3 rooms") as storage:
        await open_rooms(storage, 3)

        with pytest.raises(BudgetExhausted, match="3 rooms stored") as refused:
            await open_rooms(storage, 1)
        with pytest.raises(BudgetExhausted):
            await storage.check_room_budget(PAYER)

        assert (refused.value.status, refused.value.code) == (429, "budget_exhausted")
        await open_rooms(storage, 1, payer="key:another")
        await open_rooms(storage, 5, payer=None)


async def test_a_room_that_is_stored_already_may_be_saved_again(database):
    async with open_empty(database, storage_budget="1 room") as storage:
        room = replace(make_room(), payer=PAYER)
        await storage.save_room(room)

        await storage.save_room(room)


async def test_an_erased_room_is_credited(database):
    async with open_empty(database, storage_budget="1 room;50 kB") as storage:
        for _ in range(3):
            [name] = await open_rooms(storage)
            await storage.save_briefing(make_briefing(name, "n" * 30_000))
            await storage.erase(name)


async def test_concurrent_rooms_do_not_exceed_the_budget(database):
    async with open_empty(database, storage_budget="5 rooms") as storage:
        results = await asyncio.gather(*(open_rooms(storage) for _ in range(12)), return_exceptions=True)

    assert sum(isinstance(result, BudgetExhausted) for result in results) == 7


WRITES = {
    "briefing": lambda storage, name, text: storage.save_briefing(make_briefing(name, text)),
    "plan": lambda storage, name, text: storage.add_plan(name, NOW, text),
    "transcript": lambda storage, name, text: storage.save_transcript(name, replace(TRANSCRIPT, document=text)),
    "segments": lambda storage, name, text: storage.add_segments(name, make_segments("a", text=text), NOW),
    "chat turns": lambda storage, name, text: storage.add_chat_turns(name, make_turns(text)),
    "debrief": lambda storage, name, text: storage.add_debrief(name, "f", NOW, text),
    "rating": lambda storage, name, text: storage.add_rating(name, "ada", NOW, text),
    "decision": lambda storage, name, text: storage.add_decision(name, NOW, text),
}


@pytest.mark.parametrize("write", WRITES)
async def test_every_write_counts_for_the_payer_of_its_room(database, write):
    async with open_empty(database, storage_budget="80 kB") as storage:
        first, second = await open_rooms(storage, 2)
        await WRITES[write](storage, first, "x" * 45_000)

        with pytest.raises(BudgetExhausted, match=r"4\d\.\d KiB of at most 78\.1 KiB stored, and this needs 4\d"):
            await WRITES[write](storage, second, "x" * 45_000)

        await WRITES[write](storage, second, "small")
        [other] = await open_rooms(storage, payer="key:another")
        await WRITES[write](storage, other, "x" * 45_000)


@pytest.mark.parametrize("write", ["briefing", "transcript", "segments"])
async def test_a_replaced_record_gives_its_bytes_back(database, write):
    async with open_empty(database, storage_budget="60 kB") as storage:
        name, other = await open_rooms(storage, 2)

        for letter in "abcd":
            await WRITES[write](storage, name, letter * 45_000)

        with pytest.raises(BudgetExhausted):
            await WRITES[write](storage, other, "e" * 45_000)


async def test_a_transcript_gives_the_bytes_of_its_segments_back(database):
    async with open_empty(database, storage_budget="100 kB") as storage:
        [name] = await open_rooms(storage)
        await storage.add_segments(name, make_segments("a", "b", text="s" * 40_000), NOW)

        await storage.save_transcript(name, replace(TRANSCRIPT, document="t" * 90_000))


async def test_a_refused_write_changes_nothing(database):
    async with open_empty(database, storage_budget="40 kB") as storage:
        [name] = await open_rooms(storage)
        await storage.save_transcript(name, TRANSCRIPT)
        await storage.add_segments(name, make_segments("a"), NOW)

        for write in WRITES.values():
            with pytest.raises(BudgetExhausted):
                await write(storage, name, "x" * 49_000)

        stored = await storage.find(name, transcript=True, briefing=True, plan=True, debrief=True)
        assert (stored.transcript, stored.briefing, stored.plan, stored.debrief) == (TRANSCRIPT, None, None, None)
        assert await storage.segments(name) == tuple(make_segments("a"))
        assert (await storage.chat_turns(name), await storage.ratings(name)) == ((), ())


async def test_a_write_that_makes_a_record_smaller_is_allowed_beyond_the_budget(database):
    async with open_empty(database) as storage:
        [name] = await open_rooms(storage)
        await storage.save_briefing(make_briefing(name, "n" * 40_000))
        storage._budget = storage._budget._replace(bytes=1000)

        await storage.save_briefing(make_briefing(name, "shorter"))


async def test_a_write_that_is_larger_than_the_budget_has_no_retry_after(database):
    async with open_empty(database, storage_budget="10 kB", retention_days=1) as storage:
        [name] = await open_rooms(storage)

        with pytest.raises(BudgetExhausted, match="send less") as refused:
            await storage.save_briefing(make_briefing(name, "n" * 20_000))

    assert refused.value.retry_after is None


async def test_concurrent_writes_do_not_exceed_the_budget(database):
    async with open_empty(database, storage_budget="100 kB") as storage:
        names = await open_rooms(storage, 4)

        results = await asyncio.gather(
            *(storage.add_debrief(name, "f", NOW, "d" * 15_000) for name in names * 3), return_exceptions=True
        )

    assert sum(isinstance(result, BudgetExhausted) for result in results) == 6


async def test_responses_count_and_are_credited_when_they_expire(database):
    async with open_empty(database, storage_budget="50 kB") as storage:
        [name] = await open_rooms(storage)
        large = replace(RESPONSE, body=b"r" * 60_000)
        await claim(storage, "first", room=name)
        await storage.complete_slot("first", large, name, NOW + HOUR)

        for work in (claim(storage, "second", room=name), storage.add_plan(name, NOW, "{}")):
            with pytest.raises(BudgetExhausted):
                await work
        await storage.delete_expired_responses(NOW + HOUR)

        assert (await claim(storage, "second", room=name)).state == "started"
        await storage.add_plan(name, NOW, "{}")


async def test_an_expired_response_is_credited_when_its_key_is_used_again(database):
    async with open_empty(database, storage_budget="100 kB") as storage:
        [name] = await open_rooms(storage)
        for hours in range(4):
            assert (await claim(storage, "one key", after=hours * HOUR, room=name)).state == "started"
            large = replace(RESPONSE, body=b"r" * 60_000)
            await storage.complete_slot("one key", large, name, NOW + hours * HOUR + MINUTE)


async def test_response_above_the_budget_is_still_stored(database):
    async with open_empty(database, storage_budget="10 kB") as storage:
        [name] = await open_rooms(storage)
        await claim(storage, "slot", room=name)

        await storage.complete_slot("slot", replace(RESPONSE, body=b"r" * 20_000), name, NOW + DAY)

        storage._budget = storage._budget._replace(bytes=0)
        assert (await claim(storage, "slot", room=name)).state == "done"


async def test_a_placed_call_is_recorded_beyond_the_budget(database):
    async with open_empty(database, storage_budget="1 kB") as storage:
        [name] = await open_rooms(storage)

        for number in range(20):
            await storage.add_phone_call(name, f"call-{number}", NOW)

        assert await storage.has_phone_call(name, "call-19")
        with pytest.raises(BudgetExhausted):
            await storage.add_plan(name, NOW, "{}")


async def test_memory_evicts_ended_rooms_of_the_payer_and_never_live_ones(clock):
    async with open_empty(None, clock, storage_budget="2 rooms") as storage:
        [first, live] = [(await open_rooms(storage, ends_in=ends))[0] for ends in (MINUTE, 2 * HOUR)]
        [other] = await open_rooms(storage, payer="key:another", ends_in=MINUTE)
        clock.now += HOUR

        [new] = await open_rooms(storage, ends_in=3 * HOUR)
        with pytest.raises(BudgetExhausted, match="wait 1 h") as refused:
            await open_rooms(storage)

        found = [await storage.find(name) is not None for name in (first, live, other, new)]
    assert found == [False, True, True, True]
    assert refused.value.retry_after == 3600


async def test_memory_write_evicts_ended_rooms_of_the_payer(clock):
    async with open_empty(None, clock, storage_budget="100 kB") as storage:
        [ended] = await open_rooms(storage, ends_in=MINUTE)
        [live] = await open_rooms(storage)
        await storage.save_briefing(make_briefing(ended, "n" * 45_000))
        clock.now += HOUR
        await storage.add_plan(live, NOW, "p" * 80_000)

        assert await storage.find(ended) is None


@pytest.mark.parametrize(("retention", "wait"), [(None, None), (2, 2 * DAY + 2 * HOUR)])
async def test_a_database_keeps_ended_rooms_as_long_as_its_retention_says(tmp_path, clock, retention, wait):
    url = f"sqlite:///{tmp_path}/rooms.db"
    async with open_empty(url, clock, storage_budget="1 room", retention_days=retention) as storage:
        [name] = await open_rooms(storage, ends_in=2 * HOUR)

        with pytest.raises(BudgetExhausted) as refused:
            await open_rooms(storage)

        assert await storage.find(name) is not None
    assert refused.value.retry_after == (wait and wait.total_seconds())


async def test_write_under_a_missing_room_is_room_not_found(database):
    async with open_empty(database, storage_budget="1 kB") as storage:
        with pytest.raises(RoomNotFound):
            await storage.add_plan("nowhere", NOW, "p" * 10_000)
        with pytest.raises(RoomNotFound):
            await claim(storage, "slot", room="nowhere")


def bytes_by_account(storage: MemoryStorage) -> dict[str, int]:
    accounts: dict[str, int] = {}
    for entry in storage._rooms.values():
        if entry.room.payer:
            accounts[entry.room.payer] = accounts.get(entry.room.payer, 0) + entry.size
    return accounts


async def test_memory_accounts_match_their_rooms(clock):
    async with open_empty(None, clock) as storage:
        names = [await fill(storage) for _ in range(2)] + await open_rooms(storage, 3)
        for name in names[2:]:
            for write in WRITES.values():
                await write(storage, name, "text")
            await claim(storage, f"slot-{name}", room=name)
            await storage.complete_slot(f"slot-{name}", RESPONSE, name, NOW + DAY)
        await claim(storage, "without room")
        await storage.erase(names[2])

        assert {payer: account.bytes for payer, account in storage._accounts.items()} == bytes_by_account(storage)
        for name in names:
            await storage.erase(name)
        await storage.delete_expired_responses(NOW + 2 * DAY)
        await storage.delete_expired_uses(NOW + 2 * DAY)
        assert (storage._bytes, storage._accounts) == (0, {})


async def test_a_database_counts_exactly_what_it_stores(database):
    """Compared with the sizes that the migration computes from the stored texts."""
    if database is None:
        return
    async with open_empty(database) as storage:
        [name] = await open_rooms(storage)
        for content in ("first ä🦊", "second", "ß" * 1000):
            for write in WRITES.values():
                await write(storage, name, content)
        await storage.add_segments(name, make_segments("b", "a", text="again"), NOW)
        await fill_slots(storage, name)
        counted, computed = await read_sizes(storage, name)

    assert counted == computed > 0


async def read_sizes(storage, name) -> tuple[int, int]:
    """What is counted for a room, and what its stored texts add up to."""
    migration = run_path(str(MIGRATIONS / "versions" / "0006_budgets.py"))
    expression = migration["stored_bytes"](storage._database.kind)
    rows = await storage._database.fetch(text(f"SELECT stored_bytes, {expression} FROM rooms WHERE name = '{name}'"))
    return tuple(rows[0])


async def fill_slots(storage, name):
    for slot, until in (("kept", NOW + DAY), ("expired", NOW + MINUTE), ("used again", NOW + MINUTE)):
        await claim(storage, slot, room=name)
        await storage.complete_slot(slot, RESPONSE, name, until)
    await claim(storage, "used again", after=2 * MINUTE, room=name)
    await claim(storage, "running", room=name)
    await storage.delete_expired_responses(NOW + timedelta(minutes=2))
