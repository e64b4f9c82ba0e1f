"""Writes and erasures of the same rooms at the same time: PostgreSQL ends none of them as a deadlock."""

import asyncio
from datetime import timedelta

import pytest

from services.errors import RoomNotFound
from services.storage.protocol import Storage
from services.storage.records import BudgetUse
from tests.services.storage.interviews import DAY, HOUR, NOW, claim, complete, make_room, make_segments

pytestmark = pytest.mark.anyio

ROUNDS = 60
USES = [BudgetUse("day", 1, 1_000_000, DAY), BudgetUse("hour", 1, 1_000_000, HOUR)]


async def fill(storage: Storage, name: str) -> None:
    """A room with segments, a claimed slot and a reservation."""
    await storage.save_room(make_room(name))
    await storage.add_segments(name, make_segments("a", "b"), NOW)
    await claim(storage, name, room=name)
    await storage.reserve_uses(name, uses_of(name), NOW)


def uses_of(name: str) -> list[BudgetUse]:
    return [BudgetUse(f"{use.subject}:{name[-1]}", use.amount, use.most, use.window, name) for use in USES]


async def unless_erased(call) -> None:
    try:
        await call
    except RoomNotFound:
        return


async def test_erasures_beside_writes_end_without_a_deadlock(postgresql_storage):
    storage = postgresql_storage
    for number in range(ROUNDS):
        names = [f"room-{number}-{place}" for place in range(2)]
        await asyncio.gather(*(fill(storage, name) for name in names))

        await asyncio.gather(
            *(storage.settle_uses(name, uses_of(name), 5) for name in names),
            *(unless_erased(complete(storage, name, name)) for name in names),
            *(unless_erased(storage.add_segments(name, make_segments("a", "c"), NOW)) for name in names),
            *(storage.erase(name) for name in names),
            storage.delete_expired_responses(NOW + timedelta(days=2)),
            storage.delete_expired_uses(NOW + timedelta(days=2)),
        )

    assert await storage.find(f"room-{ROUNDS - 1}-0") is None
