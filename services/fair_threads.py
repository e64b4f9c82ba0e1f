"""The threads of `asyncio.to_thread`, shared fairly: no caller's work keeps the threads from the others."""

import socket
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import ContextVar
from functools import partial
from threading import Lock
from typing import Any, TypeVar

Result = TypeVar("Result")

THREADS = 2
"""More would not finish sooner: only one thread at a time runs Python, and the event loop would wait for each."""

caller_of_work: ContextVar[str] = ContextVar("caller_of_work", default="")
"""Whose work the current task does."""


class FairThreads(ThreadPoolExecutor):
    """Runs each caller's work one after another, in its order, and the work of different callers in turns. Lookups of
    host names have threads of their own.

    Work that has started runs to its end, and counts until then, even if its result is no longer needed.
    """

    def __init__(self, threads: int = THREADS) -> None:
        super().__init__(threads, thread_name_prefix="work")
        self._lookups = ThreadPoolExecutor(thread_name_prefix="lookup")
        self._lock = Lock()
        self._waiting: dict[str, deque[tuple[Future[Any], Callable[[], Any]]]] = {}
        """The work of each caller who has some. The pool has one entry for each of them, which does the first of it."""

    def submit(self, fn: Callable[..., Result], /, *args: Any, **kwargs: Any) -> Future[Result]:
        if fn is socket.getaddrinfo:  # asyncio's own: it waits for the network, and needs no turn at the CPU
            return self._lookups.submit(fn, *args, **kwargs)
        caller, future = caller_of_work.get(), Future[Result]()
        with self._lock:
            is_idle = caller not in self._waiting
            self._waiting.setdefault(caller, deque()).append((future, partial(fn, *args, **kwargs)))
        if is_idle:
            super().submit(self._run_next, caller)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002 (its base's signature)
        self._lookups.shutdown(wait, cancel_futures=cancel_futures)
        super().shutdown(wait, cancel_futures=cancel_futures)

    def _run_next(self, caller: str) -> None:
        future, work = self._waiting[caller][0]
        if future.set_running_or_notify_cancel():
            _run(future, work)
        with self._lock:
            self._waiting[caller].popleft()
            if not self._waiting[caller]:
                del self._waiting[caller]
                return
        try:
            super().submit(self._run_next, caller)
        except RuntimeError:  # these threads were shut down
            self._cancel_waiting(caller)

    def _cancel_waiting(self, caller: str) -> None:
        with self._lock:
            waiting = self._waiting.pop(caller)
        for future, _ in waiting:
            future.cancel()
            future.set_running_or_notify_cancel()


def _run(future: Future[Result], work: Callable[[], Result]) -> None:
    try:
        result = work()
    except BaseException as error:  # noqa: BLE001 (the future passes it on)
        future.set_exception(error)
    else:
        future.set_result(result)
