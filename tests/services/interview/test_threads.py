"""Work in a thread ends with its caller."""

import asyncio
import threading

import pytest

from services.interview.threads import run_in_thread

pytestmark = pytest.mark.anyio


async def test_the_result_is_that_of_the_work():
    assert await run_in_thread(lambda should_stop: not should_stop()) is True


async def test_the_work_stops_when_its_caller_is_cancelled():
    started, stopped = threading.Event(), threading.Event()

    def work(should_stop):
        started.set()
        while not should_stop():
            threading.Event().wait(0.01)
        stopped.set()

    caller = asyncio.create_task(run_in_thread(work))
    await asyncio.to_thread(started.wait, 60)
    caller.cancel()

    assert await asyncio.to_thread(stopped.wait, 60)
    with pytest.raises(asyncio.CancelledError):
        await caller
