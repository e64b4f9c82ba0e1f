"""The end of the process: running calls get some seconds to finish, then each is ended in its own form."""

import asyncio
import logging
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

log = logging.getLogger(__name__)

GRACE_SECONDS = 8.0
"""How long running calls may go on: less than `--timeout-graceful-shutdown`, with which the server cuts them off."""


class Shutdown:
    """Knows the running calls, and hears the signals that the server handles.

    The server waits for open calls before it ends the lifespan, so a stream
    that waits for a vendor would learn of the stop too late.
    """

    def __init__(self, grace: float = GRACE_SECONDS) -> None:
        self._grace = grace
        self._stops: set[Callable[[], None]] = set()

    @contextmanager
    def running(self, stop: Callable[[], None]) -> Iterator[None]:
        """`stop` is called when the process ends before this call does."""
        self._stops.add(stop)
        try:
            yield
        finally:
            self._stops.discard(stop)

    @contextmanager
    def hearing_signals(self) -> Iterator[None]:
        """Hear SIGTERM and SIGINT beside whoever handles them. Only a main thread can."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        loop = asyncio.get_running_loop()
        before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

        def hear(number: int, frame: FrameType | None) -> None:
            loop.call_soon_threadsafe(self._begin, loop)
            handler = before[signal.Signals(number)]
            if callable(handler):
                handler(number, frame)

        for number in before:
            signal.signal(number, hear)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _begin(self, loop: asyncio.AbstractEventLoop) -> None:
        log.info("stopping: %d calls may go on for %.0f s", len(self._stops), self._grace)
        loop.call_later(self._grace, self._stop_all)

    def _stop_all(self) -> None:
        for stop in tuple(self._stops):
            stop()
