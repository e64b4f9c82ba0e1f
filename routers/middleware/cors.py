"""CORS, with a log line for each origin that is refused."""

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

log = logging.getLogger(__name__)

PRIVATE_NETWORK = "access-control-allow-private-network"
MAX_LOGGED_ORIGINS = 100
"""Limits the memory and the log lines that invented origins can use."""
_MAX_ORIGIN_CHARACTERS = 200


class LoggingCORSMiddleware(CORSMiddleware):
    """Starlette's CORS; logs each refused origin once, with the setting that would allow it.

    Requests without an origin pass. Starlette would add `Vary: Origin` for caches, which may not use our responses
    without asking.
    """

    def __init__(self, app: ASGIApp, /, **options: Any) -> None:
        super().__init__(app, **options)
        self._logged: set[str] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not any(name == b"origin" for name, _ in scope["headers"]):
            await self.app(scope, receive, send)
            return
        self._log_refused(dict(scope["headers"]))
        await super().__call__(scope, receive, send)

    def preflight_response(self, request_headers: Headers) -> Response:
        response = super().preflight_response(request_headers)
        if response.status_code >= HTTPStatus.BAD_REQUEST and PRIVATE_NETWORK in response.headers:
            del response.headers[PRIVATE_NETWORK]  # Starlette allows it before it has looked at the origin
        return response

    def _log_refused(self, headers: Mapping[bytes, bytes]) -> None:
        origin = headers[b"origin"].decode("latin-1")
        if self.is_allowed_origin(origin) or _is_same_origin(origin, headers):
            return
        shown = ascii(origin[:_MAX_ORIGIN_CHARACTERS])
        if shown not in self._logged and len(self._logged) < MAX_LOGGED_ORIGINS:
            self._logged.add(shown)
            log.warning("a page at %s may not read the responses: its origin is not in CORS_ORIGINS", shown)


def _is_same_origin(origin: str, headers: Mapping[bytes, bytes]) -> bool:
    """Whether the page came from this server, such as /docs: browsers send the origin of a POST there too."""
    return origin.partition("://")[2] == headers.get(b"host", b"").decode("latin-1")
