"""Slots of work that runs once, in every storage."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from services.errors import RoomNotFound
from services.storage.records import Claim, Receipt
from tests.services.storage.interviews import DAY, MINUTE, NOW, RESPONSE, claim, complete, fill, make_room

pytestmark = pytest.mark.anyio

DONE = Claim("done", replace(RESPONSE, is_replayed=True))


@pytest.fixture
def slot() -> str:
    return uuid4().hex


@pytest.fixture
async def room(storage) -> str:
    room = make_room()
    await storage.save_room(room)
    return room.name


async def test_a_free_slot_is_started(storage, slot):
    assert await claim(storage, slot) == Claim("started")


async def test_one_of_many_claims_at_once_gets_the_slot(storage, slot):
    claims = await asyncio.gather(*(claim(storage, slot) for _ in range(12)))

    assert sorted(one.state for one in claims) == ["running"] * 11 + ["started"]


async def test_a_held_slot_is_running(storage, slot):
    await claim(storage, slot)

    assert await claim(storage, slot) == Claim("running")


async def test_a_slot_with_another_fingerprint_is_a_mismatch(storage, slot):
    await claim(storage, slot, "f1")

    assert await claim(storage, slot, "f2") == Claim("mismatch")


async def test_a_completed_slot_gives_its_response(storage, slot):
    await claim(storage, slot)

    await complete(storage, slot)

    assert await claim(storage, slot) == DONE


async def test_a_completed_slot_with_another_fingerprint_is_a_mismatch(storage, slot):
    await claim(storage, slot)
    await complete(storage, slot)

    assert await claim(storage, slot, "f2") == Claim("mismatch")


async def test_a_completed_slot_outlives_its_lease(storage, slot):
    await claim(storage, slot)
    await complete(storage, slot)

    assert await claim(storage, slot, after=2 * MINUTE) == DONE


async def test_a_slot_whose_lease_passed_is_taken_over(storage, slot):
    await claim(storage, slot)

    assert await claim(storage, slot, "f2", after=MINUTE) == Claim("started")
    assert await claim(storage, slot, "f2", after=MINUTE) == Claim("running")


async def test_an_unrepeatable_slot_whose_lease_passed_is_abandoned_until_its_end(storage, slot):
    await claim(storage, slot, is_repeatable=False)

    claims = [
        await claim(storage, slot, after=after, is_repeatable=False)
        for after in (timedelta(), MINUTE, DAY - MINUTE, DAY)
    ]

    assert [one.state for one in claims] == ["running", "abandoned", "abandoned", "started"]


async def test_an_abandoned_slot_with_another_fingerprint_is_a_mismatch(storage, slot):
    await claim(storage, slot, "f1", is_repeatable=False)

    assert await claim(storage, slot, "f2", after=MINUTE, is_repeatable=False) == Claim("mismatch")


async def test_an_unrepeatable_slot_that_was_completed_gives_its_response(storage, slot):
    await claim(storage, slot, is_repeatable=False)
    await complete(storage, slot)

    assert await claim(storage, slot, after=MINUTE, is_repeatable=False) == DONE


async def test_a_renewed_lease_ends_later(storage, slot):
    await claim(storage, slot)

    assert await storage.renew_slot(slot, NOW + MINUTE, NOW + 2 * MINUTE)

    assert await claim(storage, slot, after=MINUTE) == Claim("running")
    assert await claim(storage, slot, after=2 * MINUTE) == Claim("started")


async def test_a_lease_of_another_holder_is_not_renewed(storage, slot):
    await claim(storage, slot)
    await claim(storage, slot, after=MINUTE)

    assert not await storage.renew_slot(slot, NOW + MINUTE, NOW + DAY)

    assert await claim(storage, slot, after=2 * MINUTE) == Claim("started")


async def test_the_lease_of_a_completed_slot_is_not_renewed(storage, slot):
    await claim(storage, slot)
    await complete(storage, slot)

    assert not await storage.renew_slot(slot, NOW + MINUTE, NOW + DAY)


async def test_a_response_is_free_after_its_end(storage, slot):
    await claim(storage, slot)
    await complete(storage, slot)

    assert await claim(storage, slot, after=DAY) == Claim("started")
    assert await claim(storage, slot, after=DAY) == Claim("running")


async def test_a_response_may_end_before_its_slot_would(storage, slot):
    await claim(storage, slot)
    await storage.complete_slot(slot, RESPONSE, None, NOW + 2 * MINUTE)

    assert await claim(storage, slot, after=MINUTE) == DONE
    assert await storage.delete_expired_responses(NOW + 2 * MINUTE) == 1
    assert await claim(storage, slot, after=2 * MINUTE) == Claim("started")


async def test_a_released_slot_is_free(storage, slot):
    await claim(storage, slot)

    await storage.release_slot(slot)

    assert await claim(storage, slot, "f2") == Claim("started")


async def test_a_completed_slot_is_not_released(storage, slot):
    await claim(storage, slot)
    await complete(storage, slot)

    await storage.release_slot(slot)

    assert (await claim(storage, slot)).state == "done"


async def test_a_running_slot_is_deleted_and_counted_with_its_room(storage, slot, room):
    await claim(storage, slot, room=room)

    assert await storage.erase(room) == Receipt(room=1, idempotency_keys=1)

    assert await claim(storage, slot) == Claim("started")


async def test_a_slot_that_was_deleted_with_its_room_stores_nothing(storage, slot, room):
    await claim(storage, slot, room=room)
    await storage.erase(room)

    await complete(storage, slot, room)

    assert await claim(storage, slot) == Claim("started")


async def test_a_slot_of_an_unknown_room_is_refused(storage, slot):
    with pytest.raises(RoomNotFound):
        await claim(storage, slot, room="nowhere")

    assert await claim(storage, slot) == Claim("started")


async def test_a_slot_that_is_taken_over_for_another_room_is_deleted_with_that(storage, slot, room):
    other = make_room()
    await storage.save_room(other)
    await claim(storage, slot, room=room)
    await claim(storage, slot, room=other.name, after=MINUTE)

    assert (await storage.erase(room)).idempotency_keys == 0
    assert (await storage.erase(other.name)).idempotency_keys == 1


async def test_a_response_about_an_erased_room_is_not_stored(storage, slot):
    name = await fill(storage)
    await claim(storage, slot)
    await storage.erase(name)

    await complete(storage, slot, name)

    assert await claim(storage, slot) == Claim("started")


async def test_completing_a_slot_that_was_never_claimed_stores_nothing(storage, slot):
    await complete(storage, slot)

    assert await claim(storage, slot) == Claim("started")


async def test_expired_slots_are_deleted(storage):
    for hours in range(3):
        await claim(storage, uuid4().hex, after=timedelta(hours=hours))

    assert await storage.delete_expired_responses(NOW + DAY + timedelta(hours=1)) == 2
    assert await storage.delete_expired_responses(NOW + DAY + timedelta(hours=1)) == 0
