"""The end of the process: running calls get some seconds to finish, then each is ended in its own form."""

import asyncio
import logging
import signal
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from types import FrameType
from typing import TypeVar

from services.errors import ShuttingDown

log = logging.getLogger(__name__)

GRACE_SECONDS = 8.0
"""How long running calls may go on: less than `--timeout-graceful-shutdown`, with which the server cuts them off."""
LAST_SECONDS = 1.5
"""How much longer what must not be left half done may take: together still less than that."""

Result = TypeVar("Result")


class Shutdown:
    """Knows the running calls, and hears the signals that the server handles.

    The server waits for open calls before it ends the lifespan, so a stream
    that waits for a vendor would learn of the stop too late.
    """

    def __init__(self, grace: float = GRACE_SECONDS) -> None:
        self._grace = grace
        self._stops: set[Callable[[], None]] = set()
        self._ends_at: float | None = None

    @contextmanager
    def running(self, stop: Callable[[], None]) -> Iterator[None]:
        """`stop` is called when the process ends before this call does."""
        self._stops.add(stop)
        try:
            yield
        finally:
            self._stops.discard(stop)

    async def run_shielded(self, work: Awaitable[Result]) -> Result:
        """The work's result. When the caller leaves meanwhile, it is done to its end all the same.

        When the process is stopped meanwhile, it has some seconds to give its true answer; raises
        ShuttingDown when nobody knows what becomes of it.
        """
        task = asyncio.ensure_future(work)
        task.add_done_callback(_ignore_outcome)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if self._ends_at is None:
                await asyncio.wait([task])
                raise
        uncancel()
        done, _ = await asyncio.wait([task], timeout=self._ends_at + LAST_SECONDS - monotonic())
        if not done:
            log.warning("the process ends in the middle of a call that should not be left half done")
            raise ShuttingDown("The server was stopped in the middle of this; check what became of it, then try again.")
        return task.result()

    @contextmanager
    def install_signal_handlers(self) -> Iterator[None]:
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
            if self._ends_at is not None:
                _end_with_success()

    def _begin(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._ends_at is not None:
            return  # told twice: the first one counts
        self._ends_at = monotonic() + self._grace
        log.info("stopping: %d calls may go on for %.0f s", len(self._stops), self._grace)
        loop.call_later(self._grace, self._stop_all)

    def _stop_all(self) -> None:
        log.info("ending %d calls", len(self._stops))
        for stop in tuple(self._stops):
            stop()


def uncancel() -> None:
    """The cancellation is dealt with: what is awaited from here on is not disturbed by it."""
    task = asyncio.current_task()
    assert task is not None
    task.uncancel()


def _ignore_outcome(task: "asyncio.Future[Result]") -> None:
    """Where nobody waits for the work any more, how it ended is nobody's to be told."""
    if not task.cancelled():
        task.exception()


def _end_with_success() -> None:
    """A stop in good order is no failure: exit code 0.

    At its end the server raises the signal that stopped it once more, which
    would end the process as if killed. Blocked, the signal stays pending.
    """
    if hasattr(signal, "pthread_sigmask"):  # not on Windows
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
