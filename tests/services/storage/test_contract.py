"""The contract of every storage: memory, SQLite and PostgreSQL."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from services.errors import RoomNotFound
from services.storage.records import Claim, Receipt, StoredPlan, StoredRoom
from tests.services.storage.interviews import (
    CANDIDATE,
    DAY,
    FILLED,
    INTERVIEWER,
    MINUTE,
    NOW,
    TRANSCRIPT,
    claim,
    fill,
    make_briefing,
    make_room,
    make_segments,
    make_turns,
    make_use,
    reserve,
)

pytestmark = pytest.mark.anyio

ODD_TEXT = "naïve \uffff \\ \\0 ' \" 🦊 %s :name \r\n \u2028"


async def test_a_saved_room_is_found_as_it_was(storage):
    room = make_room()

    await storage.save_room(room)

    interview = await storage.find(room.name)
    assert interview is not None
    assert interview.room == room


async def test_a_room_without_optional_parts_is_found_as_it_was(storage):
    room = replace(make_room(), daily_id=None, owner=None, candidate_name=None)

    await storage.save_room(room)

    interview = await storage.find(room.name, briefing=True, debrief=True)
    assert interview.room == room
    assert interview.briefing is None
    assert interview.debrief is None


async def test_times_are_returned_aware_and_in_utc(storage):
    room = make_room()
    await storage.save_room(room)

    found = (await storage.find(room.name)).room

    assert found.expires_at.isoformat() == room.expires_at.isoformat()


async def test_unknown_room_is_found_as_none(storage):
    assert await storage.find("nowhere", briefing=True, debrief=True) is None


async def test_saving_a_room_again_leaves_the_first(storage):
    room = make_room()
    await storage.save_room(room)

    await storage.save_room(replace(room, created_by="Mallory"))

    assert (await storage.find(room.name)).room.created_by == "Ada"


async def test_a_briefing_is_found_as_it_was(storage):
    room = make_room()
    await storage.save_room(room)

    await storage.save_briefing(make_briefing(room.name))

    assert (await storage.find(room.name, briefing=True)).briefing == make_briefing(room.name)


async def test_saving_a_briefing_again_replaces_it(storage):
    room = make_room()
    await storage.save_room(room)
    await storage.save_briefing(make_briefing(room.name, "first"))

    await storage.save_briefing(make_briefing(room.name, "second"))

    assert (await storage.find(room.name, briefing=True)).briefing.notes == "second"


async def test_parts_that_were_not_asked_for_are_none(storage):
    name = await fill(storage)

    interview = await storage.find(name)

    assert interview == StoredRoom(interview.room)


async def test_every_part_is_found_at_once(storage):
    name = await fill(storage)

    found = await storage.find(name, briefing=True, debrief=True, plan=True, transcript=True, participants=True)

    assert found.briefing == make_briefing(name)
    assert (found.debrief.version, found.plan) == (2, StoredPlan(2, NOW, '{"plan":2}'))
    assert found.transcript == TRANSCRIPT
    assert found.participants == (CANDIDATE, INTERVIEWER)


@pytest.mark.parametrize("part", ["briefing", "debrief", "plan", "transcript", "participants"])
async def test_each_part_is_found_alone(storage, part):
    name = await fill(storage)

    found = await storage.find(name, **{part: True})

    assert getattr(found, part)
    assert replace(found, **{part: () if part == "participants" else None}) == StoredRoom(found.room)


async def test_any_text_is_found_as_it_was(storage):
    room = replace(make_room(), created_by=ODD_TEXT)
    await storage.save_room(room)
    briefing = make_briefing(room.name, ODD_TEXT)
    await storage.save_briefing(briefing)
    await storage.add_chat_turns(room.name, make_turns(ODD_TEXT))

    found = await storage.find(room.name, briefing=True)

    assert found.room == room
    assert found.briefing == briefing
    assert await storage.chat_turns(room.name) == make_turns(ODD_TEXT)


async def test_a_large_briefing_is_found_as_it_was(storage):
    room = make_room()
    await storage.save_room(room)
    briefing = make_briefing(room.name, "ß" * 50_000)

    await storage.save_briefing(briefing)

    assert (await storage.find(room.name, briefing=True)).briefing == briefing


async def test_the_latest_debrief_is_found(storage):
    name = await fill(storage)

    debrief = (await storage.find(name, debrief=True)).debrief

    assert (debrief.version, debrief.fingerprint, debrief.created_at, debrief.document) == (2, "f2", NOW, '{"v":2}')


async def test_debrief_versions_have_no_gap_under_concurrency(storage):
    room = make_room()
    await storage.save_room(room)

    versions = await asyncio.gather(*(storage.add_debrief(room.name, "f", NOW, "{}") for _ in range(12)))

    assert sorted(versions) == list(range(1, 13))


async def test_a_debrief_of_the_same_input_is_found(storage):
    name = await fill(storage)

    found = await storage.find_debrief(name, "f1", NOW)

    assert (found.version, found.document) == (1, '{"v":1}')


async def test_the_newest_debrief_of_the_same_input_is_found(storage):
    name = await fill(storage)
    await storage.add_debrief(name, "f1", NOW, '{"v":3}')

    found = await storage.find_debrief(name, "f1", NOW)

    assert found.version == 3


async def test_a_debrief_of_the_same_input_that_is_too_old_is_not_found(storage):
    name = await fill(storage)

    assert await storage.find_debrief(name, "f1", NOW + MINUTE) is None


async def test_a_debrief_of_other_input_is_not_found(storage):
    name = await fill(storage)

    assert await storage.find_debrief(name, "f3", NOW) is None


async def test_placed_calls_of_a_room_are_found(storage):
    name = await fill(storage)
    other = await fill(storage)
    await storage.add_phone_call(other, "call-2", NOW)

    assert await storage.has_phone_call(name, "call-1")
    assert not await storage.has_phone_call(name, "call-2")


async def test_a_call_may_be_added_twice(storage):
    name = await fill(storage)

    await storage.add_phone_call(name, "call-1", NOW)

    assert await storage.has_phone_call(name, "call-1")


SAVE = {
    "briefing": lambda storage, name: storage.save_briefing(make_briefing(name)),
    "participant": lambda storage, name: storage.add_participant(name, CANDIDATE),
    "plan": lambda storage, name: storage.add_plan(name, NOW, "{}"),
    "transcript": lambda storage, name: storage.save_transcript(name, TRANSCRIPT),
    "segments": lambda storage, name: storage.add_segments(name, make_segments("a"), NOW),
    "no segments": lambda storage, name: storage.add_segments(name, [], NOW),
    "chat turns": lambda storage, name: storage.add_chat_turns(name, make_turns("a")),
    "debrief": lambda storage, name: storage.add_debrief(name, "f", NOW, "{}"),
    "rating": lambda storage, name: storage.add_rating(name, "ada", NOW, "{}"),
    "decision": lambda storage, name: storage.add_decision(name, NOW, "{}"),
    "phone call": lambda storage, name: storage.add_phone_call(name, "call", NOW),
    "use of a budget": lambda storage, name: reserve(storage, make_use("calls", room=name)),
}


@pytest.mark.parametrize("record", SAVE)
async def test_nothing_is_saved_under_an_erased_room(storage, record):
    name = await fill(storage)
    await storage.erase(name)

    with pytest.raises(RoomNotFound):
        await SAVE[record](storage, name)

    assert await storage.erase(name) == Receipt()


async def test_receipt_counts_the_erased_records(storage):
    name = await fill(storage)

    receipt = await storage.erase(name)

    assert receipt == FILLED


async def test_nothing_of_an_erased_room_is_found(storage):
    name = await fill(storage)

    await storage.erase(name)

    assert await storage.find(name) is None
    for read in (storage.chat_turns, storage.segments, storage.ratings):
        assert await read(name) == ()
    assert await storage.decision(name) is None
    assert await storage.find_debrief(name, "f1", NOW) is None
    assert not await storage.has_phone_call(name, "call-1")
    assert await claim(storage, f"slot-{name}") == Claim("started")


async def test_erasing_again_erases_nothing(storage):
    name = await fill(storage)
    await storage.erase(name)

    assert await storage.erase(name) == Receipt()


async def test_erasing_one_room_leaves_the_others(storage):
    name, other = await fill(storage), await fill(storage)

    await storage.erase(name)

    assert (await claim(storage, f"slot-{other}")).state == "done"
    assert await storage.erase(other) == FILLED


async def test_two_erasures_at_once_count_each_part_once(storage):
    name = await fill(storage)

    receipts = await asyncio.gather(storage.erase(name), storage.erase(name))

    assert sorted(receipt.room for receipt in receipts) == [0, 1]
    assert sorted(receipt.chat_turns for receipt in receipts) == [0, 3]


async def test_ended_rooms_are_erased_in_batches(storage):
    for minutes in range(5):
        await storage.save_room(make_room(ends_in=timedelta(minutes=minutes)))

    counts = [await storage.erase_ended(NOW + 4 * MINUTE, 3) for _ in range(3)]

    assert counts == [3, 1, 0]


async def test_rooms_that_ended_first_are_erased_first(storage):
    late, early = make_room(ends_in=2 * MINUTE), make_room(ends_in=MINUTE)
    await storage.save_room(late)
    await storage.save_room(early)

    await storage.erase_ended(NOW + DAY, 1)

    assert await storage.find(early.name) is None
    assert await storage.find(late.name) is not None


async def test_an_ended_room_is_erased_with_everything_under_it(storage):
    name = await fill(storage)

    await storage.erase_ended(NOW + DAY, 10)

    assert await storage.erase(name) == Receipt()


async def test_each_ended_room_is_erased_once_by_concurrent_erasers(storage):
    for _ in range(20):
        await storage.save_room(make_room())

    counts = await asyncio.gather(*(storage.erase_ended(NOW + DAY, 3) for _ in range(8)))
    rest = await storage.erase_ended(NOW + DAY, 100)

    assert sum(counts) + rest == 20


async def test_an_available_storage_answers_a_ping(storage):
    await storage.ping()
