"""Handler of exceptions that nothing else handles."""

import logging

from starlette.types import ASGIApp, Receive, Scope, Send

from routers.middleware.response_state import ResponseState
from routers.problems import ProblemResponse, crash_problem

log = logging.getLogger(__name__)


class CrashMiddleware:
    """Turns an unhandled exception into a 500 problem and logs its traceback.

    It is inside the CORS middleware, so that a web page can read the problem; Starlette's own handler is outside.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        try:
            await self.app(scope, receive, send)
        except Exception:
            log.exception("unexpected failure")
            document = crash_problem(scope)
            response: ResponseState = scope["state"]["response"]
            await response.end_with_error(document, ProblemResponse(document, 500), scope)
