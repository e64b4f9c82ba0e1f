"""Watches for clients that disconnect before they have their response."""

import asyncio
from collections import deque
from contextvars import Context

from starlette.types import Message, Receive

WATCH_AFTER_SECONDS = 0.05
"""Delay before a request is watched for client disconnect. Most are over by then and need no task for it."""


class DisconnectWatcher:
    """Watches for client disconnect once the body has been read, and cancels the request then.

    A GET has no body and is watched from the start.
    """

    def __init__(self, receive: Receive, queue: "WatchQueue") -> None:
        self._receive = receive
        self._queue = queue
        self._task = asyncio.current_task()
        self._is_queued = False
        self._watching: asyncio.Task[None] | None = None
        self.is_disconnected = False
        self.is_stopped = False

    async def receive(self) -> Message:
        if self._is_queued:
            await asyncio.wait([self._watch()])
            return {"type": "http.disconnect"}
        message = await self._receive()
        if message["type"] == "http.request" and not message.get("more_body", False):
            self.watch_soon()
        return message

    def watch_soon(self) -> None:
        self._is_queued = True
        self._queue.add(self)

    def close(self) -> None:
        self._task = None
        if self._watching is not None:
            self._watching.cancel()
            self._watching = None  # its exception leads back here

    def stop(self) -> None:
        """Ends the request because of a shutdown."""
        self.is_stopped = True
        self._cancel()

    def watch_unless_closed(self) -> None:
        if self._task is not None:
            self._watch()

    def _watch(self) -> asyncio.Task[None]:
        if self._watching is None:
            self._watching = asyncio.create_task(self._wait_for_disconnect())
        return self._watching

    async def _wait_for_disconnect(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.is_disconnected = True
        self._cancel()

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()
            self._task = None


class WatchQueue:
    """Starts each watcher after `WATCH_AFTER_SECONDS`, with one timer for all: most requests are over by then, and a
    timer for each costs more than this.
    """

    def __init__(self) -> None:
        self._watchers: deque[tuple[float, DisconnectWatcher]] = deque()
        self._timed_by: asyncio.AbstractEventLoop | None = None

    def add(self, watcher: DisconnectWatcher) -> None:
        loop = asyncio.get_running_loop()
        self._watchers.append((loop.time() + WATCH_AFTER_SECONDS, watcher))
        if self._timed_by is not loop:
            self._start_timer(loop)

    def _start_due(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        while self._watchers and self._watchers[0][0] <= now:
            self._watchers.popleft()[1].watch_unless_closed()
        self._timed_by = None
        if self._watchers:
            self._start_timer(loop)

    def _start_timer(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timed_by = loop
        # in a context of its own, or the timer would keep that of the request which started it
        loop.call_at(self._watchers[0][0], self._start_due, loop, context=Context())
