"""Proper ends of requests that do not finish: a crash, a client disconnect, a shutdown."""

import asyncio
import logging

from starlette.types import ASGIApp, Receive, Scope, Send

from routers.middleware.disconnect import DisconnectWatcher, WatchQueue
from routers.middleware.response_state import ResponseState
from routers.problems import ProblemResponse, crash_problem, problem, problem_response
from services.errors import ShuttingDown
from services.shutdown import Shutdown, uncancel

log = logging.getLogger(__name__)


class AbortedRequestMiddleware:
    """Cancels a request when its client disconnects, or when the process is stopped before it is done. Turns an
    unhandled exception into a 500 problem and logs its traceback.

    On shutdown the client gets a 503 problem. Where a stream has begun, either is its `error` event. The middleware is
    inside of CORS, so that a web page can read the problem; Starlette's own handler of exceptions is outside.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._queue = WatchQueue()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        response = ResponseState(send)
        watcher = DisconnectWatcher(receive, self._queue)
        if scope["method"] == "GET":
            watcher.watch_soon()
        shutdown: Shutdown = scope["state"]["services"].shutdown
        shutdown.register(watcher.stop)
        try:
            await self._run(scope, watcher.receive, response)
        except asyncio.CancelledError:
            if not (watcher.is_disconnected or watcher.is_stopped):
                raise
            uncancel()
            if watcher.is_stopped:
                stopping = ShuttingDown("The server is being restarted; try again in a moment.", retry_after=5)
                await response.end_with_error(problem(stopping, scope), problem_response(stopping, scope), scope)
        finally:
            shutdown.unregister(watcher.stop)
            watcher.close()

    async def _run(self, scope: Scope, receive: Receive, response: ResponseState) -> None:
        try:
            await self.app(scope, receive, response.send)
        except Exception:
            log.exception("unexpected failure")
            document = crash_problem(scope)
            await response.end_with_error(document, ProblemResponse(document, 500), scope)
