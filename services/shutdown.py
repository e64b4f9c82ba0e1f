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
        self._is_stopping = False

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
        handlers = {
            number: handler
            for number in (signal.SIGTERM, signal.SIGINT)
            if callable(handler := signal.getsignal(number))
        }

        def hear(number: int, frame: FrameType | None) -> None:
            loop.call_soon_threadsafe(self._begin, loop)
            handlers[signal.Signals(number)](number, frame)

        for number in handlers:
            signal.signal(number, hear)
        try:
            yield
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
            if self._is_stopping:
                _end_with_success()

    def _begin(self, loop: asyncio.AbstractEventLoop) -> None:
        self._is_stopping = True
        log.info("stopping: %d calls may go on for %.0f s", len(self._stops), self._grace)
        loop.call_later(self._grace, self._stop_all)

    def _stop_all(self) -> None:
        for stop in tuple(self._stops):
            stop()


def _end_with_success() -> None:
    """A stop in good order is no failure: exit code 0.

    At its end the server raises the signal that stopped it once more, which
    would end the process as if killed. Blocked, the signal stays pending.
    """
    if hasattr(signal, "pthread_sigmask"):  # not on Windows
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
