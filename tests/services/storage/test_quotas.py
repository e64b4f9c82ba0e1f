"""What a room may do only so often, in every storage."""

import asyncio
from dataclasses import replace

import pytest

from tests.services.storage.interviews import MINUTE, NOW, TWICE, make_room, take

pytestmark = pytest.mark.anyio


async def test_a_quota_that_is_used_up_says_when_the_next_use_is_free(storage):
    room = make_room()
    await storage.save_room(room)

    taken = [await take(storage, room.name, after) for after in (MINUTE, 2 * MINUTE, 3 * MINUTE)]

    assert taken == [None, None, NOW + MINUTE + TWICE.window]


async def test_a_use_counts_until_its_window_is_over(storage):
    room = make_room()
    await storage.save_room(room)
    await take(storage, room.name)
    await take(storage, room.name, MINUTE)

    assert await take(storage, room.name, TWICE.window - MINUTE / 60) == NOW + TWICE.window
    assert await take(storage, room.name, TWICE.window) is None
    assert await take(storage, room.name, TWICE.window) == NOW + MINUTE + TWICE.window


async def test_a_use_that_is_given_back_is_free_again(storage):
    room = make_room()
    await storage.save_room(room)
    await take(storage, room.name, use="first")
    await take(storage, room.name, use="second")

    await storage.refund_quota(room.name, "first")

    assert await take(storage, room.name) is None
    assert await take(storage, room.name) is not None


async def test_giving_back_what_was_not_taken_gives_nothing(storage):
    room, other = make_room(), make_room()
    await storage.save_room(room)
    await storage.save_room(other)
    await take(storage, room.name, use="first")
    await take(storage, room.name, use="second")

    await storage.refund_quota(other.name, "first")
    await storage.refund_quota(room.name, "third")
    await storage.refund_quota("nowhere", "first")

    assert await take(storage, room.name) is not None


async def test_quotas_and_rooms_do_not_count_for_each_other(storage):
    room, other = make_room(), make_room()
    await storage.save_room(room)
    await storage.save_room(other)
    await take(storage, room.name)
    await take(storage, room.name)

    assert await take(storage, other.name) is None
    assert await take(storage, room.name, quota=replace(TWICE, name="another")) is None


async def test_many_at_once_take_no_more_than_there_is(storage):
    room = make_room()
    await storage.save_room(room)

    taken = await asyncio.gather(*(take(storage, room.name) for _ in range(12)))

    assert taken.count(None) == TWICE.most
