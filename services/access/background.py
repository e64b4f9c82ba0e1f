"""Work that finishes even when the task that waits for it is cancelled."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


class BackgroundTasks:
    """Keeps references to tasks until they are done; asyncio itself keeps none."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def __bool__(self) -> bool:
        return bool(self._tasks)

    async def run_shielded(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Returns the work's result. The work continues when its caller is cancelled."""
        return await asyncio.shield(self.start(work))

    def start(self, work: Coroutine[Any, Any, Result]) -> "asyncio.Task[Result]":
        """Starts the work without waiting for it."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def end(self, seconds: float) -> None:
        """Wait for the running tasks, at most so long; cancel those that are not done by then."""
        if not self._tasks:
            return
        _, running = await asyncio.wait(tuple(self._tasks), timeout=seconds)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
