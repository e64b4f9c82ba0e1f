import asyncio
import logging
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config import Settings, UnusableSetting
from services.access.limits import REDIS_PAUSE_SECONDS, REDIS_SECONDS, Limiter, read_windows
from services.errors import StorageUnavailable
from tests.support.clock import ManualTimer
from tests.support.ports import free_port
from tests.support.servers import Server
from tests.support.waiting import LIMIT_SECONDS

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[3]


@pytest.fixture
def clock() -> ManualTimer:
    return ManualTimer(1000.0)


def limits(**values: Any) -> Settings:
    return Settings(_env_file=None, **{name: value for name, value in values.items() if value is not None})


def limiter(
    clock: ManualTimer, default: str = "3/minute", llm: str = "2/minute", url: str | None = None, **options: float
) -> Limiter:
    settings = limits(rate_limit_default=default, rate_limit_llm=llm, rate_limit_storage_url=url)
    return Limiter(settings, clock, **options)


async def allowed(limiter: Limiter, calls: int, group: Any = "default", caller: str = "key:web") -> int:
    return sum([(await limiter.count(group, caller)).is_allowed for _ in range(calls)])


async def test_the_quota_is_allowed_and_no_more(clock):
    assert await allowed(limiter(clock), 10) == 3


async def test_after_retry_after_the_whole_quota_is_available_again(clock):
    counting = limiter(clock)
    await allowed(counting, 3)
    clock.now += 20.5
    refused = await counting.count("default", "key:web")

    clock.now += refused.retry_after

    assert refused.retry_after == 40
    assert await allowed(counting, 10) == 3


async def test_callers_are_counted_separately(clock):
    counting = limiter(clock)
    await allowed(counting, 3, caller="key:web")

    assert await allowed(counting, 3, caller="203.0.113.7") == 3


async def test_allowed_call_reports_the_remaining_quota(clock):
    counted = await limiter(clock).count("default", "key:web")

    assert counted.is_allowed
    assert counted.retry_after is None
    assert counted.rate_limit == '"default";r=2;t=60'
    assert counted.rate_limit_policy == '"default";q=3;w=60'


async def test_a_refused_call_reports_when_to_try_again(clock):
    counting = limiter(clock)
    await allowed(counting, 3)
    clock.now += 18

    counted = await counting.count("default", "key:web")

    assert not counted.is_allowed
    assert counted.retry_after == 42
    assert counted.rate_limit == '"default";r=0;t=42'


async def test_an_llm_call_counts_against_both_settings(clock):
    counting = limiter(clock, default="3/minute", llm="2/minute;50/day")

    counted = await counting.count("llm", "key:web")

    assert counted.rate_limit == '"llm-minute";r=1;t=60, "default";r=2;t=60, "llm-day";r=49;t=86400'
    assert counted.rate_limit_policy == '"llm-minute";q=2;w=60, "default";q=3;w=60, "llm-day";q=50;w=86400'


async def test_default_calls_do_not_count_against_the_llm_limit(clock):
    counting = limiter(clock, default="100/minute")
    await allowed(counting, 50)

    assert await allowed(counting, 10, "llm") == 2


async def test_calls_refused_by_the_llm_limit_do_not_use_up_the_default_limit(clock):
    counting = limiter(clock, default="10/minute", llm="2/minute")
    await allowed(counting, 50, "llm")

    assert await allowed(counting, 50) == 8


async def test_calls_refused_in_a_full_minute_do_not_use_up_the_day(clock):
    counting = limiter(clock, default="2/minute;5/day")
    await allowed(counting, 50)

    clock.now += 60
    assert await allowed(counting, 50) == 2
    clock.now += 60
    assert await allowed(counting, 50) == 1


@pytest.mark.parametrize("setting", ["rate_limit_default", "rate_limit_llm"])
def test_an_unreadable_limit_ends_the_start(setting: str):
    with pytest.raises(UnusableSetting, match=setting.upper()):
        Limiter(limits(**{setting: "often"}))


@pytest.mark.parametrize(
    "url",
    ["memory://elsewhere", "http://secret@host", "redis", "redis://:secret@host:port", "redis://[secret", "x://secret"],
)
def test_an_unusable_counter_url_ends_the_start_without_being_shown(url: str):
    with pytest.raises(UnusableSetting, match="RATE_LIMIT_STORAGE_URL") as refused:
        Limiter(limits(rate_limit_storage_url=url))

    assert "secret" not in str(refused.value)


async def test_memory_is_always_ready(clock):
    await limiter(clock).ping()


async def test_redis_counts_as_memory_does(redis: Server, clock):
    async with limiter(clock, default="3/minute;50/day", url=redis.url, redis_seconds=LIMIT_SECONDS) as counting:
        counted = await counting.count("default", "key:web")

        remaining = re.sub(r"t=\d+", "t=…", counted.rate_limit)
        assert remaining == '"default-minute";r=2;t=…, "default-day";r=49;t=…'
        assert await allowed(counting, 10) == 2
        refused = await counting.count("default", "key:web")
        assert 1 <= refused.retry_after <= 60
        await counting.ping()


async def test_two_processes_share_one_exact_limit(redis: Server):
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


async def test_concurrent_calls_share_one_exact_limit(redis: Server, clock):
    async with limiter(clock, default="70/hour", url=redis.url, redis_seconds=LIMIT_SECONDS) as counting:
        counted = await asyncio.gather(*(counting.count("default", "key:web") for _ in range(100)))

    assert sum(one.is_allowed for one in counted) == 70


async def test_without_redis_the_process_counts_for_itself_and_logs_it_once(redis: Server, clock, caplog):
    async with limiter(clock, url=redis.url) as counting:
        await allowed(counting, 1)
        redis.kill()

        with caplog.at_level(logging.WARNING, "services.access.limits"):
            assert await allowed(counting, 10) == 3
            clock.now += REDIS_PAUSE_SECONDS
            await allowed(counting, 10, caller="key:other")

    assert [record.getMessage() for record in caplog.records] == [
        "rate limits are counted per process: the Redis of RATE_LIMIT_STORAGE_URL is unavailable (ConnectionError)"
    ]


async def test_redis_is_used_again_when_it_is_back(redis: Server, clock, caplog):
    async with limiter(clock, url=redis.url) as counting:
        redis.kill()
        await allowed(counting, 10)
        redis.start()

        clock.now += REDIS_PAUSE_SECONDS
        with caplog.at_level(logging.WARNING, "services.access.limits"):
            assert await allowed(counting, 1) == 1

        await counting.ping()
    async with limiter(clock, url=redis.url) as another_process:
        assert await allowed(another_process, 10) == 2
    assert "shared again" in caplog.text


async def test_a_restart_of_redis_between_calls_is_no_outage(redis: Server, clock, caplog):
    async with limiter(clock, url=redis.url) as counting:
        await allowed(counting, 1)
        redis.kill()
        redis.start()

        assert await allowed(counting, 10) == 3

    assert "unavailable" not in caplog.text


async def test_a_silent_redis_delays_one_call_and_not_the_next_ones(redis: Server, clock):
    async with limiter(clock, default="100/minute", url=redis.url) as counting:
        await allowed(counting, 1)
        redis.freeze()
        try:
            began = time.monotonic()
            assert await allowed(counting, 50) == 50
            took = time.monotonic() - began
        finally:
            redis.thaw()

    assert took < 10 * REDIS_SECONDS  # 50 calls that each waited would take five times as long


@pytest.mark.parametrize("is_frozen", [True, False])
async def test_ping_reports_that_redis_is_unavailable(redis: Server, clock, is_frozen: bool):
    async with limiter(clock, url=redis.url) as counting:
        if is_frozen:
            redis.freeze()
        else:
            redis.kill()

        with pytest.raises(StorageUnavailable, match="each process counts for itself"):
            await counting.ping()


async def test_a_redis_that_was_never_reachable_is_an_outage(clock, caplog):
    async with limiter(clock, url=f"redis://:a-password@127.0.0.1:{free_port()}/0") as counting:
        assert await allowed(counting, 10) == 3

    assert "is unavailable" in caplog.text
    assert "a-password" not in caplog.text


def test_a_single_window_has_the_name_of_its_policy():
    (window,) = read_windows("default", "300/minute", "RATE_LIMIT_DEFAULT")

    assert window.policy_item == '"default";q=300;w=60'


def test_several_windows_have_different_names_shortest_first():
    windows = read_windows("default", "500/day; 30 per minute, 60/5minutes", "RATE_LIMIT_DEFAULT")

    assert [window.policy_item for window in windows] == [
        '"default-minute";q=30;w=60',
        '"default-5minute";q=60;w=300',
        '"default-day";q=500;w=86400',
    ]


@pytest.mark.parametrize(
    "text",
    ["", "many", "30", "/minute", "30/fortnight", "-1/minute", "0/minute", "1/9999 years", "5/minute;9/60seconds"],
)
def test_an_invalid_limit_is_refused_with_the_name_of_its_setting(text: str):
    with pytest.raises(UnusableSetting, match="RATE_LIMIT_LLM") as refused:
        read_windows("llm", text, "RATE_LIMIT_LLM")

    assert "\n" not in str(refused.value)


@given(st.text())
def test_any_text_is_read_or_refused(text: str):
    try:
        windows = read_windows("default", text, "RATE_LIMIT_DEFAULT")
    except UnusableSetting:
        return

    assert all(window.quota > 0 and window.seconds > 0 for window in windows)
