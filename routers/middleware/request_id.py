"""The request id, and the headers that every response carries."""

import re
from collections.abc import Mapping
from secrets import token_hex

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

_VALID_REQUEST_ID = re.compile(rb"[A-Za-z0-9._~-]{1,128}")


class RequestIdAndHeadersMiddleware:
    """Assigns the request id and adds the default response headers.

    A valid `X-Request-ID` is kept; otherwise a new id is made. `headers` are added to the defaults, as are
    the pairs of bytes that a handler puts into `request.state.response_headers`.
    """

    def __init__(self, app: ASGIApp, *, headers: Mapping[str, str]) -> None:
        self.app = app
        self._headers = [(name.lower().encode(), value.encode()) for name, value in {**API_HEADERS, **headers}.items()]
        self._names = frozenset(name for name, _ in self._headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        state = scope.setdefault("state", {})
        state["request_id"] = request_id = _request_id(scope)
        request_id_of_log.set(request_id)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                own, added = message["headers"], state.get("response_headers", ())
                present = {name for name, _ in own}
                defaults = self._headers
                if not present.isdisjoint(self._names):
                    defaults = [entry for entry in defaults if entry[0] not in present]
                message["headers"] = [*own, *defaults, *added, (b"x-request-id", request_id.encode())]
            await send(message)

        await self.app(scope, receive, send_with_headers)


def _request_id(scope: Scope) -> str:
    sent: bytes = dict(scope["headers"]).get(b"x-request-id", b"")
    return sent.decode() if _VALID_REQUEST_ID.fullmatch(sent) else token_hex(16)
