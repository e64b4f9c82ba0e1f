"""Graceful shutdown: running requests get some seconds to finish, then each is ended."""

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
"""Seconds for which running requests may continue: less than uvicorn's `--timeout-graceful-shutdown`, which aborts
them.
"""
LAST_SECONDS = 1.5
"""Additional seconds for shielded work; both together are still less than that."""

Result = TypeVar("Result")


class Shutdown:
    """Registry of running requests; ends them some seconds after SIGTERM or SIGINT.

    uvicorn waits for open requests before it ends the lifespan, so a stream that waits for a vendor would be stopped
    too late. That is why the signals are handled here too.
    """

    def __init__(self, grace: float = GRACE_SECONDS) -> None:
        self._grace = grace
        self._stops: set[Callable[[], None]] = set()
        self._ends_at: float | None = None

    def register(self, stop: Callable[[], None]) -> None:
        """Registers a running request; `stop` is called when the process must end before it."""
        self._stops.add(stop)

    def unregister(self, stop: Callable[[], None]) -> None:
        """Ends the registration."""
        self._stops.discard(stop)

    async def run_shielded(self, work: Awaitable[Result]) -> Result:
        """Returns the work's result; the work continues to its end even if the request is cancelled meanwhile.

        On shutdown the work has some seconds to finish; raises ShuttingDown when its outcome is unknown by then.
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
            log.warning("the process ends while work that must not be interrupted is still running")
            raise ShuttingDown("The server was stopped during this call; check whether it took effect, then try again.")
        return task.result()

    @contextmanager
    def install_signal_handlers(self) -> Iterator[None]:
        """Begin the shutdown on SIGTERM and SIGINT, then call the handlers that were installed before.

        Python allows this in the main thread only; elsewhere nothing is installed.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        loop = asyncio.get_running_loop()
        handlers = {
            number: handler
            for number in (signal.SIGTERM, signal.SIGINT)
            if callable(handler := signal.getsignal(number))
        }

        def handle(number: int, frame: FrameType | None) -> None:
            loop.call_soon_threadsafe(self._start_deadline, loop)
            handlers[signal.Signals(number)](number, frame)

        for number in handlers:
            signal.signal(number, handle)
        try:
            yield
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
            if self._ends_at is not None:
                _end_with_success()

    def _start_deadline(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._ends_at is not None:
            return  # a second signal changes nothing
        self._ends_at = monotonic() + self._grace
        log.info("shutting down: %d running requests have %.0f s to finish", len(self._stops), self._grace)
        loop.call_later(self._grace, self._stop_all)

    def _stop_all(self) -> None:
        log.info("ending %d requests that are still running", len(self._stops))
        for stop in tuple(self._stops):
            stop()


def uncancel() -> None:
    """Mark the current task's cancellation as handled, so that it can await again."""
    task = asyncio.current_task()
    assert task is not None
    task.uncancel()


def _ignore_outcome(task: "asyncio.Future[Result]") -> None:
    """Retrieve the exception, so that asyncio does not log it as never retrieved."""
    if not task.cancelled():
        task.exception()


def _end_with_success() -> None:
    """Make a graceful shutdown end with exit code 0.

    uvicorn raises the signal that stopped it once more at its end, which would end the process as if killed. While the
    signal is blocked it stays pending.
    """
    if hasattr(signal, "pthread_sigmask"):  # not on Windows
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
