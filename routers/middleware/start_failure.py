"""The message of a failed start."""

import sys

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from config import UnusableSetting


class StartFailureMiddleware:
    """Reports a start that failed because of a setting in one line; Starlette reports a traceback."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            await self.app(scope, receive, send)
            return

        async def send_shortened(message: Message) -> None:
            failure = sys.exception()  # Starlette sends the message from inside its except block
            if message["type"] == "lifespan.startup.failed" and isinstance(failure, UnusableSetting):
                message = {**message, "message": str(failure)}
            await send(message)

        await self.app(scope, receive, send_shortened)
