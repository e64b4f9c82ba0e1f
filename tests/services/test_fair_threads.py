"""Threads that callers share."""

import asyncio
from concurrent.futures import Future, wait
from threading import Event

import pytest

from services.fair_threads import FairThreads, caller_of_work
from tests.support.waiting import LIMIT_SECONDS, wait_until_async


@pytest.fixture
def threads():
    with FairThreads(threads=2) as threads:
        yield threads


def submit(threads, caller, work, *arguments):
    token = caller_of_work.set(caller)
    try:
        return threads.submit(work, *arguments)
    finally:
        caller_of_work.reset(token)


def results(*futures: Future):
    return [future.result(LIMIT_SECONDS) for future in futures]


def test_work_gives_its_result_or_raises_its_error(threads):
    assert submit(threads, "a", divmod, 7, 2).result(LIMIT_SECONDS) == (3, 1)
    with pytest.raises(ZeroDivisionError):
        submit(threads, "a", divmod, 7, 0).result(LIMIT_SECONDS)
    assert submit(threads, "a", divmod, 9, 2).result(LIMIT_SECONDS) == (4, 1)


def test_a_caller_with_much_work_leaves_a_thread_to_the_others(threads):
    release = Event()
    held = [submit(threads, "offender", release.wait, LIMIT_SECONDS) for _ in range(20)]

    assert results(*(submit(threads, "honest", abs, -number) for number in range(3))) == [0, 1, 2]

    assert not any(future.done() for future in held)
    release.set()
    assert all(results(*held))


def test_callers_take_turns():
    order: list[str] = []
    with FairThreads(threads=1) as threads:
        release = Event()
        submit(threads, "first", release.wait, LIMIT_SECONDS)
        work = [submit(threads, "many", order.append, f"many {number}") for number in range(3)]
        work += [submit(threads, "few", order.append, "few")]
        release.set()
        results(*work)

    assert order == ["many 0", "few", "many 1", "many 2"]


def test_work_that_is_cancelled_while_it_waits_is_not_done(threads):
    release, done = Event(), []
    held = submit(threads, "a", release.wait, LIMIT_SECONDS)
    waiting = submit(threads, "a", done.append, 1)
    after = submit(threads, "a", done.append, 2)

    assert waiting.cancel()
    release.set()
    results(held, after)

    assert done == [2]


@pytest.mark.anyio
async def test_cancelled_work_counts_until_it_ends(threads):
    asyncio.get_running_loop().set_default_executor(threads)
    started, release = Event(), Event()

    def hold() -> None:
        started.set()
        release.wait(LIMIT_SECONDS)

    caller_of_work.set("offender")
    abandoned = asyncio.create_task(asyncio.to_thread(hold))
    await wait_until_async(started.is_set, "the work has started")
    abandoned.cancel()
    await asyncio.wait([abandoned])
    next_work = asyncio.ensure_future(asyncio.to_thread(started.is_set))

    caller_of_work.set("honest")
    assert await asyncio.to_thread(abs, -1) == 1

    assert not next_work.done()
    release.set()
    assert await next_work


def test_work_that_waits_when_the_threads_end_is_cancelled():
    threads, started, release = FairThreads(threads=1), Event(), Event()
    held = submit(threads, "a", lambda: (started.set(), release.wait(LIMIT_SECONDS)))
    waiting = submit(threads, "a", abs, -1)
    assert started.wait(LIMIT_SECONDS)

    threads.shutdown(wait=False)
    release.set()
    wait([held, waiting], LIMIT_SECONDS)

    assert waiting.cancelled()


@pytest.mark.anyio
async def test_lookup_of_a_host_name_does_not_wait_for_work(threads):
    loop = asyncio.get_running_loop()
    loop.set_default_executor(threads)
    release = Event()
    held = [submit(threads, caller, release.wait, LIMIT_SECONDS) for caller in ("a", "b")]

    assert await loop.getaddrinfo("127.0.0.1", 80)
    release.set()
    assert results(*held) == [True, True]
