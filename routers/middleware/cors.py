"""CORS, with a log line for each origin that is refused."""

import logging
from typing import Any

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Send

log = logging.getLogger(__name__)

MAX_LOGGED_ORIGINS = 100
"""Bounds the memory and the log that made-up origins can take."""
_MAX_ORIGIN_CHARACTERS = 200


class LoggingCORSMiddleware(CORSMiddleware):
    """Starlette's CORS; logs each refused origin once, with the setting that would allow it."""

    def __init__(self, app: ASGIApp, /, **options: Any) -> None:
        super().__init__(app, **options)
        self._logged: set[str] = set()

    def preflight_response(self, request_headers: Headers) -> Response:
        self._log_refused(request_headers)
        return super().preflight_response(request_headers)

    async def send(self, message: Message, send: Send, request_headers: Headers) -> None:
        if message["type"] == "http.response.start":
            self._log_refused(request_headers)
        await super().send(message, send, request_headers)

    def _log_refused(self, headers: Headers) -> None:
        origin = headers.get("origin")
        if origin is None or self.is_allowed_origin(origin) or _is_same_origin(origin, headers):
            return
        shown = ascii(origin[:_MAX_ORIGIN_CHARACTERS])
        if shown not in self._logged and len(self._logged) < MAX_LOGGED_ORIGINS:
            self._logged.add(shown)
            log.warning("a page at %s may not read the responses: its origin is not in CORS_ORIGINS", shown)


def _is_same_origin(origin: str, headers: Headers) -> bool:
    """Whether the page came from this server, such as /docs: browsers send the origin of a POST there too."""
    return origin.partition("://")[2] == headers.get("host", "")
