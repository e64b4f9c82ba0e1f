"""Problem documents instead of the plain-text refusals of Starlette's middleware."""

import logging
from collections.abc import Iterable

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from routers.problems import ProblemResponse, disconnected, problem_response, status_problem
from services.errors import Forbidden, PayloadTooLarge, ServiceError, WrongHost

log = logging.getLogger(__name__)

_FOREIGN_ORIGIN = "Web pages of this origin may not call the API; see CORS_ORIGINS."
_FOREIGN_REQUEST = "Web pages may not send this method or header; see the documentation for those that are used."
_MAX_HOST_CHARACTERS = 200
_BODY_HEADERS = (b"content-type", b"content-length")


class PlainTextRefusalMiddleware:
    """Turns plain-text error responses of inner middleware into problem documents; their other headers are kept.

    It must be outside of the middleware whose refusals it translates, CORS included, and inside of the one that
    assigns the request id.
    """

    def __init__(self, app: ASGIApp, *, untrusted_host: str) -> None:
        self.app = app
        self._untrusted_host = untrusted_host

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        refusal: Message | None = None

        async def send_as_problem(message: Message) -> None:
            nonlocal refusal
            if message["type"] == "http.response.start" and _is_refusal(message):
                refusal = message
            elif refusal is None:
                await send(message)
            else:
                await self._problem(refusal, message.get("body", b"").decode(), scope)(scope, disconnected, send)

        await self.app(scope, receive, send_as_problem)

    def _problem(self, refusal: Message, text: str, scope: Scope) -> ProblemResponse:
        error = self._error(text)
        if isinstance(error, WrongHost):
            host = Headers(scope=scope).get("host", "")[:_MAX_HOST_CHARACTERS]
            log.info("wrong_host: the request is for %s, which is not in TRUSTED_HOSTS", ascii(host))
        response = problem_response(error, scope) if error else status_problem(refusal["status"], scope)
        response.raw_headers.extend(_without_body_headers(refusal["headers"]))
        return response

    def _error(self, text: str) -> ServiceError | None:
        """Returns the error for the text of one of Starlette's refusals; None for an unknown text."""
        if text == "Invalid host header":
            return WrongHost(self._untrusted_host)
        if text == "Content Too Large":
            return PayloadTooLarge()
        if text.startswith("Disallowed CORS"):
            return Forbidden(_FOREIGN_ORIGIN if "origin" in text else _FOREIGN_REQUEST)
        return None


def _is_refusal(start: Message) -> bool:
    return start["status"] >= 400 and any(
        name == b"content-type" and value.startswith(b"text/plain") for name, value in start["headers"]
    )


def _without_body_headers(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    return [(name, value) for name, value in headers if name not in _BODY_HEADERS]
