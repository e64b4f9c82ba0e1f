import asyncio
import logging
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from config import Settings
from services.access.limits import PATIENCE_SECONDS, REST_SECONDS, Limiter
from services.access.settings import UnusableLimit
from services.errors import StorageUnavailable
from tests.support.clock import ManualTimer
from tests.support.servers import Server, free_port

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[3]


@pytest.fixture
def clock() -> ManualTimer:
    return ManualTimer(1000.0)


def limits(**values: Any) -> Settings:
    return Settings(_env_file=None, **{name: value for name, value in values.items() if value is not None})


def limiter(clock: ManualTimer, default: str = "3/minute", llm: str = "2/minute", url: str | None = None) -> Limiter:
    return Limiter(limits(rate_limit_default=default, rate_limit_llm=llm, rate_limit_storage_url=url), clock)


async def allowed(limiter: Limiter, calls: int, group: Any = "default", caller: str = "key:web") -> int:
    return sum([(await limiter.count(group, caller)).is_allowed for _ in range(calls)])


async def test_so_many_calls_are_allowed_and_no_more(clock):
    assert await allowed(limiter(clock), 10) == 3


async def test_after_the_time_that_was_told_the_whole_quota_is_back(clock):
    counting = limiter(clock)
    await allowed(counting, 3)
    clock.now += 20.5
    refused = await counting.count("default", "key:web")

    clock.now += refused.retry_after

    assert refused.retry_after == 40
    assert await allowed(counting, 10) == 3


async def test_callers_do_not_count_for_each_other(clock):
    counting = limiter(clock)
    await allowed(counting, 3, caller="key:web")

    assert await allowed(counting, 3, caller="203.0.113.7") == 3


async def test_an_allowed_call_says_what_remains(clock):
    counted = await limiter(clock).count("default", "key:web")

    assert counted.is_allowed
    assert counted.retry_after is None
    assert counted.rate_limit == '"default";r=2;t=60'
    assert counted.rate_limit_policy == '"default";q=3;w=60'


async def test_a_refused_call_says_when_to_come_back(clock):
    counting = limiter(clock)
    await allowed(counting, 3)
    clock.now += 18

    counted = await counting.count("default", "key:web")

    assert not counted.is_allowed
    assert counted.retry_after == 42
    assert counted.rate_limit == '"default";r=0;t=42'


async def test_a_call_that_costs_counts_against_both_settings(clock):
    counting = limiter(clock, default="3/minute", llm="2/minute;50/day")

    counted = await counting.count("llm", "key:web")

    assert counted.rate_limit == '"llm-minute";r=1;t=60, "default";r=2;t=60, "llm-day";r=49;t=86400'
    assert counted.rate_limit_policy == '"llm-minute";q=2;w=60, "default";q=3;w=60, "llm-day";q=50;w=86400'


async def test_calls_that_cost_nothing_leave_the_limit_of_those_that_do(clock):
    counting = limiter(clock, default="100/minute")
    await allowed(counting, 50)

    assert await allowed(counting, 10, "llm") == 2


async def test_calls_refused_by_the_tighter_limit_do_not_use_up_the_other(clock):
    counting = limiter(clock, default="10/minute", llm="2/minute")
    await allowed(counting, 50, "llm")

    assert await allowed(counting, 50) == 8


async def test_hammering_at_a_full_minute_does_not_use_up_the_day(clock):
    counting = limiter(clock, default="2/minute;5/day")
    await allowed(counting, 50)

    clock.now += 60
    assert await allowed(counting, 50) == 2
    clock.now += 60
    assert await allowed(counting, 50) == 1


@pytest.mark.parametrize("setting", ["rate_limit_default", "rate_limit_llm"])
def test_a_limit_that_can_not_be_read_ends_the_start(setting: str):
    with pytest.raises(UnusableLimit, match=setting.upper()):
        Limiter(limits(**{setting: "often"}))


@pytest.mark.parametrize(
    "url",
    ["memory://elsewhere", "http://secret@host", "redis", "redis://:secret@host:port", "redis://[secret", "x://secret"],
)
def test_a_place_to_count_that_is_unknown_ends_the_start_without_showing_the_url(url: str):
    with pytest.raises(UnusableLimit, match="RATE_LIMIT_STORAGE_URL") as refused:
        Limiter(limits(rate_limit_storage_url=url))

    assert "secret" not in str(refused.value)


async def test_memory_is_always_ready(clock):
    await limiter(clock).ping()


async def test_redis_counts_as_memory_does(redis: Server, clock):
    async with limiter(clock, default="3/minute;50/day", url=redis.url) as counting:
        counted = await counting.count("default", "key:web")

        remaining = re.sub(r"t=\d+", "t=…", counted.rate_limit)
        assert remaining == '"default-minute";r=2;t=…, "default-day";r=49;t=…'
        assert await allowed(counting, 10) == 2
        refused = await counting.count("default", "key:web")
        assert 1 <= refused.retry_after <= 60
        await counting.ping()


async def test_two_processes_hold_one_limit_exactly(redis: Server):
    command = [sys.executable, "-m", "tests.services.access.caller", redis.url, "70/hour", "100"]
    callers = [
        subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    for caller in callers:
        assert caller.stdout.readline() == "ready\n"

    for caller in callers:
        caller.stdin.write("go\n")
        caller.stdin.flush()

    assert sum(int(caller.communicate(timeout=60)[0]) for caller in callers) == 70


async def test_calls_at_once_hold_one_limit_exactly(redis: Server, clock):
    async with limiter(clock, default="70/hour", url=redis.url) as counting:
        counted = await asyncio.gather(*(counting.count("default", "key:web") for _ in range(100)))

    assert sum(one.is_allowed for one in counted) == 70


async def test_while_redis_is_gone_the_process_counts_for_itself_and_says_so_once(redis: Server, clock, caplog):
    async with limiter(clock, url=redis.url) as counting:
        await allowed(counting, 1)
        redis.kill()

        with caplog.at_level(logging.WARNING, "services.access.limits"):
            assert await allowed(counting, 10) == 3
            clock.now += REST_SECONDS
            await allowed(counting, 10, caller="key:other")

    assert [record.getMessage() for record in caplog.records] == [
        "rate limits are counted per process: the Redis of RATE_LIMIT_STORAGE_URL is gone (ConnectionError)"
    ]


async def test_it_returns_to_redis_by_itself(redis: Server, clock, caplog):
    async with limiter(clock, url=redis.url) as counting:
        redis.kill()
        await allowed(counting, 10)
        redis.start()

        clock.now += REST_SECONDS
        with caplog.at_level(logging.WARNING, "services.access.limits"):
            assert await allowed(counting, 1) == 1

        await counting.ping()
    async with limiter(clock, url=redis.url) as another_process:
        assert await allowed(another_process, 10) == 2
    assert "shared again" in caplog.text


async def test_a_redis_that_was_restarted_between_calls_is_no_outage(redis: Server, clock, caplog):
    async with limiter(clock, url=redis.url) as counting:
        await allowed(counting, 1)
        redis.kill()
        redis.start()

        assert await allowed(counting, 10) == 3

    assert "gone" not in caplog.text


async def test_a_silent_redis_holds_a_call_only_briefly_and_the_next_ones_not_at_all(redis: Server, clock):
    async with limiter(clock, default="100/minute", url=redis.url) as counting:
        await allowed(counting, 1)
        redis.freeze()
        try:
            began = time.monotonic()
            assert await allowed(counting, 50) == 50
            took = time.monotonic() - began
        finally:
            redis.thaw()

    assert took < 10 * PATIENCE_SECONDS  # 50 calls that each waited would take five times as long


@pytest.mark.parametrize("is_frozen", [True, False])
async def test_readiness_tells_that_redis_is_gone(redis: Server, clock, is_frozen: bool):
    async with limiter(clock, url=redis.url) as counting:
        if is_frozen:
            redis.freeze()
        else:
            redis.kill()

        with pytest.raises(StorageUnavailable, match="each process counts for itself"):
            await counting.ping()


async def test_a_redis_that_never_was_is_an_outage_too(clock, caplog):
    async with limiter(clock, url=f"redis://:a-password@127.0.0.1:{free_port()}/0") as counting:
        assert await allowed(counting, 10) == 3

    assert "is gone" in caplog.text
    assert "a-password" not in caplog.text
