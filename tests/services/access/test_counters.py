import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.access.counters import MemoryCounters
from tests.support.clock import ManualTimer

pytestmark = pytest.mark.anyio


async def test_a_window_starts_with_its_first_call_and_ends_as_a_whole():
    clock = ManualTimer()
    counters = MemoryCounters(clock)

    clock.now = 100
    assert await counters.add("a", 60) == (1, 60)
    clock.now = 159
    assert await counters.add("a", 60) == (2, 1)
    clock.now = 160
    assert await counters.add("a", 60) == (1, 60)


async def test_ended_counters_are_removed():
    clock = ManualTimer()
    counters = MemoryCounters(clock)
    for caller in range(1000):
        await counters.add(f"caller {caller}", 60)

    clock.now = 60
    await counters.add("another", 60)

    assert list(counters._counters) == ["another"]
    assert len(counters._ends) == 1


async def test_beyond_the_limit_the_counter_that_ends_first_is_dropped():
    counters = MemoryCounters(ManualTimer(), max_counters=2)
    await counters.add("long", 3600)
    await counters.add("short", 1)

    await counters.add("new", 60)

    assert (await counters.add("long", 3600)).total == 2
    assert (await counters.add("new", 60)).total == 2
    assert (await counters.add("short", 1)).total == 1


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 5))))
async def test_each_window_counts_exactly_its_own_calls(steps):
    clock = ManualTimer()
    counters = MemoryCounters(clock)
    begun: dict[str, tuple[float, int]] = {}
    for key, pause in steps:
        clock.now += pause
        start, total = begun.get(key, (clock.now, 0))
        start, total = (clock.now, 0) if clock.now >= start + 10 else (start, total)
        begun[key] = (start, total + 1)

        assert await counters.add(key, 10) == (total + 1, start + 10 - clock.now)
