"""Limits of request bodies: size and time."""

import asyncio

from starlette.exceptions import HTTPException
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class BodyLimitMiddleware:
    """Answers 413 for a body over `max_body_size`, and 408 for one that has not arrived within `seconds`.

    The size is Starlette's limit, which a route can raise or lower with its own `max_body_size`. Without the deadline a
    client that sends its body byte by byte would hold a connection for ever. Bodies of GET requests are never read.
    """

    def __init__(self, app: ASGIApp, *, max_body_size: int, seconds: float) -> None:
        self.app = app
        self._limited = RequestBodyLimitMiddleware(app, max_body_size)
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] != "GET":
            await self._limited(scope, self._in_time(receive), send)
        else:
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
                # closed, because the rest of the body is still to come
                raise HTTPException(408, headers={"Connection": "close"}) from None
            is_whole = not message.get("more_body", False)
            return message

        return receive_in_time
