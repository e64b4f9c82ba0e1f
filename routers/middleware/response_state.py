"""State of a response that is being sent."""

from typing import Any

from starlette.types import Message, Scope, Send

from routers.problems import ProblemResponse, disconnected
from routers.streaming import error_event


class ResponseState:
    """Records how far the response has been sent, so that an error can end it as a problem or as a stream event."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._start: Message | None = None
        self._is_complete = False

    async def send(self, message: Message) -> None:
        """Send a message of the response."""
        if message["type"] == "http.response.start":
            self._start = message
        else:
            self._is_complete = not message.get("more_body", False)
        await self._send(message)

    async def end_with_error(self, document: dict[str, Any], response: ProblemResponse, scope: Scope) -> None:
        """End the response with an error: as a problem, or as the last event of a stream that has begun."""
        if self._start is None:
            await response(scope, disconnected, self._send)
        elif _is_stream(self._start) and not self._is_complete:
            await self._send({"type": "http.response.body", "body": error_event(document), "more_body": False})


def _is_stream(start: Message) -> bool:
    return any(value.startswith(b"text/event-stream") for _, value in start["headers"])
