"""Pulls in the background, with Daily mocked at the wire."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest
import respx

from services.daily import Daily, map_error
from services.interview.daily_transcripts import DailyTranscripts
from services.interview.transcript_pulls import TranscriptPulls
from services.storage.memory import MemoryStorage
from services.storage.records import Room
from tests.routers.daily_transcripts import ROOM_ID, item, mock_transcripts
from tests.support.clock import ManualClock
from tests.support.interviews import DAILY
from tests.support.vendor_client import vendor_client

pytestmark = pytest.mark.anyio


@pytest.fixture
async def storage(clock: ManualClock) -> MemoryStorage:
    storage = MemoryStorage(clock)
    for name in ("one", "two", "three"):
        await storage.save_room(Room(name, "url", "Ada", clock(), clock() + timedelta(hours=1), ROOM_ID))
    return storage


@pytest.fixture
async def transcripts(storage: MemoryStorage, clock: ManualClock) -> AsyncIterator[DailyTranscripts]:
    async with vendor_client("Daily", DAILY, map_error, key="daily-key-0123456789") as upstream:
        yield DailyTranscripts(Daily(upstream, is_configured=True), storage, clock)


class HeldDaily:
    """Daily, whose list of transcripts is not answered before `release` is set."""

    def __init__(self, vendors: respx.MockRouter) -> None:
        self.asked = asyncio.Event()
        self.release = asyncio.Event()
        self.listing = mock_transcripts(vendors, item("t1")).mock(side_effect=self._list)

    async def _list(self, _request: httpx.Request) -> httpx.Response:
        self.asked.set()
        await self.release.wait()
        return httpx.Response(200, json={"total_count": 1, "data": [item("t1")]})


@pytest.fixture
async def daily(vendors: respx.MockRouter) -> HeldDaily:
    return HeldDaily(vendors)


async def test_pull_that_runs_at_shutdown_is_ended_and_stores_nothing(
    daily: HeldDaily, transcripts: DailyTranscripts, storage: MemoryStorage
) -> None:
    async with TranscriptPulls(transcripts, storage, last_seconds=0.01) as pulls:
        pulls.announce("one", "t1")
        await daily.asked.wait()

    daily.release.set()
    found = await storage.find("one", transcript=True)
    assert found is not None
    assert found.transcript is None


async def test_pull_that_ends_soon_is_waited_for_at_shutdown(
    daily: HeldDaily, transcripts: DailyTranscripts, storage: MemoryStorage
) -> None:
    async with TranscriptPulls(transcripts, storage, last_seconds=60) as pulls:
        pulls.announce("one", "t1")
        await daily.asked.wait()
        daily.release.set()

    found = await storage.find("one", transcript=True)
    assert found is not None
    assert found.transcript is not None


async def test_repeated_announcement_waits_for_the_running_pull(
    daily: HeldDaily, transcripts: DailyTranscripts, storage: MemoryStorage
) -> None:
    async with TranscriptPulls(transcripts, storage, last_seconds=60) as pulls:
        for _ in range(5):
            pulls.announce("one", "t1")
        await daily.asked.wait()
        pulls.announce("one", "t1")
        daily.release.set()

    assert daily.listing.call_count == 1


async def test_announcements_beyond_the_limit_are_dropped_and_logged(
    daily: HeldDaily, transcripts: DailyTranscripts, storage: MemoryStorage, caplog: pytest.LogCaptureFixture
) -> None:
    async with TranscriptPulls(transcripts, storage, max_rooms=2, last_seconds=60) as pulls:
        for name in ("one", "two", "three"):
            pulls.announce(name, "t1")
        daily.release.set()

    assert "the transcript of three is not pulled now" in caplog.text
    assert daily.listing.call_count == 2
