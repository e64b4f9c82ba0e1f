"""Cancels requests on client disconnect and on shutdown."""

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from routers.middleware.response_state import ResponseState
from routers.problems import problem, problem_response
from services.errors import ShuttingDown
from services.shutdown import Shutdown, uncancel

WATCH_AFTER_SECONDS = 0.05
"""Delay before a request is watched for client disconnect. Most are over by then and need no task for it."""


class DisconnectAndShutdownMiddleware:
    """Cancels a request when its client disconnects, or when the process is stopped before it is done.

    On shutdown the client gets a 503 problem, or the `error` event of a stream that has begun.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        scope["state"]["response"] = response = ResponseState(send)
        watcher = _RequestWatcher(receive)
        if scope["method"] == "GET":
            watcher.watch_soon()
        shutdown: Shutdown = scope["state"]["services"].shutdown
        try:
            with shutdown.running(watcher.stop):
                await self.app(scope, watcher.receive, response.send)
        except asyncio.CancelledError:
            if not (watcher.is_disconnected or watcher.is_stopped):
                raise
            uncancel()
            if watcher.is_stopped:
                stopping = ShuttingDown("The server is being restarted; try again in a moment.", retry_after=5)
                await response.end_with_error(problem(stopping, scope), problem_response(stopping, scope), scope)
        finally:
            watcher.close()
            # it leads back to the state: a cycle would leave every request to the garbage collector
            del scope["state"]["response"]


class _RequestWatcher:
    """Watches for client disconnect once the body has been read, and cancels the request then.

    A GET has no body and is watched from the start.
    """

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._task = asyncio.current_task()
        self._timer: asyncio.TimerHandle | None = None
        self._watching: asyncio.Task[None] | None = None
        self.is_disconnected = False
        self.is_stopped = False

    async def receive(self) -> Message:
        if self._timer is not None:
            await asyncio.wait([self._watch_now()])
            return {"type": "http.disconnect"}
        message = await self._receive()
        if message["type"] == "http.request" and not message.get("more_body", False):
            self.watch_soon()
        return message

    def watch_soon(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(WATCH_AFTER_SECONDS, self._watch_now)

    def close(self) -> None:
        self._task = None
        if self._timer is not None:
            self._timer.cancel()
        if self._watching is not None:
            self._watching.cancel()
            self._watching = None  # its exception leads back here

    def stop(self) -> None:
        """Ends the request because of a shutdown."""
        self.is_stopped = True
        self._cancel()

    def _watch_now(self) -> asyncio.Task[None]:
        if self._watching is None:
            self._watching = asyncio.create_task(self._watch())
        return self._watching

    async def _watch(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.is_disconnected = True
        self._cancel()

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()
            self._task = None
