"""The deadline for a request body."""

import asyncio

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class BodyDeadlineMiddleware:
    """Answers 408 when a request body has not arrived whole within `seconds` of its first read.

    A client that sends its body byte by byte would otherwise hold a connection for as long as it likes. The
    connection is closed, because the rest of the body is still to come.
    """

    def __init__(self, app: ASGIApp, *, seconds: float) -> None:
        self.app = app
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] != "GET":
            receive = self._in_time(receive)
        await self.app(scope, receive, send)

    def _in_time(self, receive: Receive) -> Receive:
        ends_at: float | None = None
        is_whole = False

        async def receive_in_time() -> Message:
            nonlocal ends_at, is_whole
            if is_whole:
                return await receive()
            ends_at = ends_at or asyncio.get_running_loop().time() + self._seconds
            try:
                async with asyncio.timeout_at(ends_at):
                    message = await receive()
            except TimeoutError:
                raise HTTPException(408, headers={"Connection": "close"}) from None
            is_whole = not message.get("more_body", False)
            return message

        return receive_in_time
