"""Waiting for a condition. The limit turns a hang into a failure; it is far above what working code needs."""

import asyncio
import time
from collections.abc import Callable

LIMIT_SECONDS = 120.0
_PAUSE_SECONDS = 0.02


def wait_until(is_true: Callable[[], object], what: str) -> None:
    """Return once the condition holds. Raises AssertionError, with `what` was waited for, after two minutes."""
    ends = time.monotonic() + LIMIT_SECONDS
    while not is_true():
        assert time.monotonic() < ends, f"not within {LIMIT_SECONDS:.0f} s: {what}"
        time.sleep(_PAUSE_SECONDS)


async def wait_until_async(is_true: Callable[[], object], what: str) -> None:
    """The same in an event loop, which goes on meanwhile."""
    ends = time.monotonic() + LIMIT_SECONDS
    while not is_true():
        assert time.monotonic() < ends, f"not within {LIMIT_SECONDS:.0f} s: {what}"
        await asyncio.sleep(_PAUSE_SECONDS)
