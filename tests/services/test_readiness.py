"""Readiness: each dependency is asked once a second at most."""

import asyncio

import pytest

from services.errors import StorageUnavailable
from services.readiness import CACHE_SECONDS, Readiness
from tests.support.clock import ManualTimer

pytestmark = pytest.mark.anyio


class Dependency:
    """Counts its pings; unavailable while `is_down`."""

    def __init__(self) -> None:
        self.pings = 0
        self.is_down = False

    async def ping(self) -> None:
        self.pings += 1
        await asyncio.sleep(0)
        if self.is_down:
            raise StorageUnavailable("The database does not respond.")


@pytest.fixture
def clock():
    return ManualTimer()


@pytest.fixture
def storage():
    return Dependency()


@pytest.fixture
def readiness(storage, clock):
    return Readiness(storage, Dependency(), clock)


async def test_simultaneous_probes_share_one_ping(readiness, storage):
    states = await asyncio.gather(*(readiness.dependencies() for _ in range(20)))

    assert storage.pings == 1
    assert all(state == {"storage": "ok", "rate_limit_storage": "ok"} for state in states)


async def test_a_result_is_reused_for_a_second(readiness, storage, clock):
    await readiness.dependencies()
    storage.is_down = True
    clock.advance(CACHE_SECONDS - 0.01)

    assert (await readiness.dependencies())["storage"] == "ok"
    clock.advance(0.01)
    assert (await readiness.dependencies())["storage"] == "unavailable"
    assert storage.pings == 2


async def test_a_probe_that_is_cancelled_leaves_no_result_behind(readiness, storage):
    probe = asyncio.create_task(readiness.dependencies())
    await asyncio.sleep(0)
    probe.cancel()

    assert await readiness.dependencies() == {"storage": "ok", "rate_limit_storage": "ok"}
