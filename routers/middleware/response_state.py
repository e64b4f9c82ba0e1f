"""State of a response that is being sent."""

from typing import Any

from starlette.types import Message, Scope, Send

from routers.problems import ProblemResponse, disconnected
from routers.streaming import error_event


class ResponseState:
    """Records how far the response has been sent, so that an error can end it as a problem or as a stream event.

    `DisconnectAndShutdownMiddleware` makes it; `CrashMiddleware` inside of it finds it in `scope["state"]["response"]`.
    """

    def __init__(self, send: Send) -> None:
        self._send = send
        self._is_started = False
        self._is_stream = False
        self._is_complete = False

    async def send(self, message: Message) -> None:
        """Send a message of the response."""
        if message["type"] == "http.response.start":
            self._is_started = True
            self._is_stream = any(value.startswith(b"text/event-stream") for _, value in message["headers"])
        else:
            self._is_complete = not message.get("more_body", False)
        await self._send(message)

    async def end_with_error(self, document: dict[str, Any], response: ProblemResponse, scope: Scope) -> None:
        """End the response with an error: as a problem, or as the last event of a stream that has begun."""
        if not self._is_started:
            await response(scope, disconnected, self._send)
        elif self._is_stream and not self._is_complete:
            await self._send({"type": "http.response.body", "body": error_event(document), "more_body": False})
