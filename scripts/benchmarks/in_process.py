"""Calls of an app without a server, so that what is timed is ours."""

import asyncio
import time
from typing import Any, NamedTuple

from starlette.types import ASGIApp, Message, Scope

CALLS = 300


class Request(NamedTuple):
    """What is sent to the app. `headers` are in addition to the host's."""

    method: str
    path: str
    body: bytes = b""
    headers: tuple[tuple[bytes, bytes], ...] = ()


async def cpu_microseconds(app: ASGIApp, state: dict[str, Any], request: Request) -> float:
    """CPU time of one call, the mean of `CALLS`."""
    began = time.process_time()
    for _ in range(CALLS):
        await _call(app, state, request)
    return (time.process_time() - began) / CALLS * 1e6


async def _call(app: ASGIApp, state: dict[str, Any], request: Request) -> None:
    statuses: list[int] = []

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    await app(_scope(state, request), _Body(request.body).receive, send)
    assert statuses == [200], statuses


class _Body:
    """The whole body in one message; the client does not disconnect."""

    def __init__(self, body: bytes) -> None:
        self._body: bytes | None = body

    async def receive(self) -> Message:
        if self._body is None:
            await asyncio.Event().wait()
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}


def _scope(state: dict[str, Any], request: Request) -> Scope:
    length = (b"content-length", str(len(request.body)).encode())
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": "http",
        "path": request.path,
        "raw_path": request.path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"localhost"), length, (b"content-type", b"application/json"), *request.headers],
        "client": ("127.0.0.1", 50000),
        "server": ("127.0.0.1", 8000),
        "state": dict(state),
    }
