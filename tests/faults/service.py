"""The service on a real port inside the test's own process, so that a test can look into it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import uvicorn
from starlette.types import Receive, Scope, Send

from config import Settings
from main import create_app
from services.lifespan import Services
from tests.support.keys import KEEP_ALIVE_SECONDS, NO_RATE_LIMITS, PATIENT, vendors_at

HASTY = {
    "upstream_timeout_seconds": 4.0,
    "llm_timeout_seconds": 4.0,
    "llm_idle_timeout_seconds": 1.0,
}
"""Deadlines that a test waits for."""


@dataclass
class Service:
    """A running service. `url` reaches it."""

    url: str
    app: "_AppWithServices"

    @property
    def services(self) -> Services:
        """What the app opened; known from its first request on."""
        assert self.app.services is not None
        return self.app.services

    def in_flight(self) -> int:
        """The number of vendor calls that it counts as running."""
        vendors = (self.services.daily, self.services.llm._client._client, self.services.openai, self.services.vapi)
        return sum(vendor._upstream.in_flight for vendor in vendors)


class _AppWithServices:
    """The app. Keeps the services that it puts into the state of its requests."""

    def __init__(self, settings: Settings) -> None:
        self._app = create_app(settings)
        self.services: Services | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            self.services = scope["state"]["services"]
        await self._app(scope, receive, send)


@asynccontextmanager
async def serving(vendor_url: str, **changes: Any) -> AsyncIterator[Service]:
    """The service, patient, with all vendors at this address.

    In the main thread it takes over the signals of the test run while it serves.
    """
    app = _AppWithServices(Settings(_env_file=None, **(vendors_at(vendor_url) | NO_RATE_LIMITS | PATIENT | changes)))
    config = uvicorn.Config(
        app, port=0, log_config=None, timeout_graceful_shutdown=5, timeout_keep_alive=KEEP_ALIVE_SECONDS
    )
    server = uvicorn.Server(config)
    serving_task = asyncio.create_task(server.serve())
    while not server.started:
        if serving_task.done():
            await serving_task
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield Service(f"http://127.0.0.1:{port}", app)
    finally:
        server.should_exit = True
        await serving_task
