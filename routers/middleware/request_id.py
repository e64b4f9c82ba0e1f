"""The request id, and the headers that every response carries."""

import re
from collections.abc import Mapping
from secrets import token_hex

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from logs import request_id_of_log

API_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}
"""Defaults for responses that hold people's interviews. A header that a response sets itself is kept."""

_VALID_REQUEST_ID = re.compile(r"^[A-Za-z0-9._~-]{1,128}$")


class RequestIdAndHeadersMiddleware:
    """Assigns the request id and adds the default response headers.

    A valid `X-Request-ID` of the request is kept; otherwise a new id is made. `headers` are added to the defaults.
    """

    def __init__(self, app: ASGIApp, *, headers: Mapping[str, str]) -> None:
        self.app = app
        self._headers = _raw({**API_HEADERS, **headers})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        state = scope.setdefault("state", {})
        state["request_id"] = request_id = _request_id(scope)
        request_id_of_log.set(request_id)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                defaults = [*self._headers, *_raw(state.get("response_headers", {}))]
                defaults.append((b"x-request-id", request_id.encode()))
                present = {name for name, _ in message["headers"]}
                message["headers"] = [*message["headers"], *(entry for entry in defaults if entry[0] not in present)]
            await send(message)

        await self.app(scope, receive, send_with_headers)


def _raw(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode(), value.encode()) for name, value in headers.items()]


def _request_id(scope: Scope) -> str:
    sent = Headers(scope=scope).get("x-request-id", "")
    return sent if _VALID_REQUEST_ID.match(sent) else token_hex(16)
