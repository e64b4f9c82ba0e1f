"""Work that runs once and answers kept for whoever asks again, in every storage."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest

from services.storage.records import Claim
from tests.services.storage.interviews import ANSWER, DAY, MINUTE, NOW, begin, fill

pytestmark = pytest.mark.anyio


async def test_a_free_slot_is_started(storage):
    assert await begin(storage, uuid4().hex) == Claim("started")


async def test_one_of_many_at_once_gets_the_slot(storage):
    slot = uuid4().hex

    begun = await asyncio.gather(*(begin(storage, slot) for _ in range(12)))

    assert sorted(one.state for one in begun) == ["running"] * 11 + ["started"]


async def test_a_held_slot_is_running(storage):
    slot = uuid4().hex
    await begin(storage, slot)

    assert await begin(storage, slot) == Claim("running")


async def test_a_slot_used_for_something_else_is_a_mismatch(storage):
    slot = uuid4().hex
    await begin(storage, slot, "f1")

    assert await begin(storage, slot, "f2") == Claim("mismatch")


async def test_a_finished_slot_gives_its_answer(storage):
    slot = uuid4().hex
    await begin(storage, slot)

    await storage.complete_slot(slot, ANSWER, None)

    assert await begin(storage, slot) == Claim("done", ANSWER)


async def test_a_finished_slot_used_for_something_else_is_a_mismatch(storage):
    slot = uuid4().hex
    await begin(storage, slot)
    await storage.complete_slot(slot, ANSWER, None)

    assert await begin(storage, slot, "f2") == Claim("mismatch")


async def test_a_finished_slot_outlives_its_lease(storage):
    slot = uuid4().hex
    await begin(storage, slot)
    await storage.complete_slot(slot, ANSWER, None)

    assert await begin(storage, slot, after=2 * MINUTE) == Claim("done", ANSWER)


async def test_a_slot_whose_holder_is_gone_is_taken_after_the_lease(storage):
    slot = uuid4().hex
    await begin(storage, slot)

    assert await begin(storage, slot, "f2", after=MINUTE) == Claim("started")
    assert await begin(storage, slot, "f2", after=MINUTE) == Claim("running")


async def test_a_lease_that_is_renewed_ends_later(storage):
    slot = uuid4().hex
    await begin(storage, slot)

    assert await storage.renew_slot(slot, NOW + MINUTE, NOW + 2 * MINUTE)

    assert await begin(storage, slot, after=MINUTE) == Claim("running")
    assert await begin(storage, slot, after=2 * MINUTE) == Claim("started")


async def test_a_lease_that_is_moved_to_now_frees_the_slot_for_anything(storage):
    slot = uuid4().hex
    await begin(storage, slot)

    assert await storage.renew_slot(slot, NOW + MINUTE, NOW)

    assert await begin(storage, slot, "f2") == Claim("started")


async def test_a_lease_that_somebody_else_holds_is_not_renewed(storage):
    slot = uuid4().hex
    await begin(storage, slot)
    await begin(storage, slot, after=MINUTE)

    assert not await storage.renew_slot(slot, NOW + MINUTE, NOW + DAY)

    assert await begin(storage, slot, after=2 * MINUTE) == Claim("started")


async def test_a_lease_is_not_renewed_when_the_work_is_done(storage):
    slot = uuid4().hex
    await begin(storage, slot)
    await storage.complete_slot(slot, ANSWER, None)

    assert not await storage.renew_slot(slot, NOW + MINUTE, NOW + DAY)


async def test_an_answer_is_forgotten_after_its_time(storage):
    slot = uuid4().hex
    await begin(storage, slot)
    await storage.complete_slot(slot, ANSWER, None)

    assert await begin(storage, slot, after=DAY) == Claim("started")
    assert await begin(storage, slot, after=DAY) == Claim("running")


async def test_an_abandoned_slot_is_free(storage):
    slot = uuid4().hex
    await begin(storage, slot)

    await storage.release_slot(slot)

    assert await begin(storage, slot, "f2") == Claim("started")


async def test_a_finished_slot_is_not_abandoned(storage):
    slot = uuid4().hex
    await begin(storage, slot)
    await storage.complete_slot(slot, ANSWER, None)

    await storage.release_slot(slot)

    assert (await begin(storage, slot)).state == "done"


async def test_an_answer_about_an_erased_room_is_not_kept(storage):
    name = await fill(storage)
    slot = uuid4().hex
    await begin(storage, slot)
    await storage.erase(name)

    await storage.complete_slot(slot, ANSWER, name)

    assert await begin(storage, slot) == Claim("started")


async def test_finishing_a_slot_that_nobody_began_keeps_nothing(storage):
    slot = uuid4().hex

    await storage.complete_slot(slot, ANSWER, None)

    assert await begin(storage, slot) == Claim("started")


async def test_answers_past_their_time_are_forgotten(storage):
    slots = [uuid4().hex for _ in range(3)]
    for hours, slot in enumerate(slots):
        await begin(storage, slot, after=timedelta(hours=hours))

    assert await storage.delete_expired_responses(NOW + DAY + timedelta(hours=1)) == 2
    assert await storage.delete_expired_responses(NOW + DAY + timedelta(hours=1)) == 0
