"""CPU-bound work in a thread, off the event loop, which stops when its caller is cancelled."""

import asyncio
import threading
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")


async def run_in_thread(work: Callable[[Callable[[], bool]], Result]) -> Result:
    """The result of the work. It is passed a function that is true once the caller has been cancelled."""
    is_cancelled = threading.Event()
    try:
        return await asyncio.to_thread(work, is_cancelled.is_set)
    finally:
        is_cancelled.set()
