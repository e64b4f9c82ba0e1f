"""Load from many clients that cost almost no CPU: each sends the same bytes again after every response."""

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any, NamedTuple, cast
from urllib.parse import urlsplit

import uvloop

from scripts.benchmarks.processes import Program


class Figure(NamedTuple):
    """The cost of a load for the server."""

    cpu_milliseconds: float
    """Of one response."""
    answers_a_second: float


class Client(asyncio.Protocol):
    """One connection, which repeats its request until enough responses came."""

    def __init__(self, request: bytes, is_more_wanted: Callable[[], bool], done: asyncio.Future[None]) -> None:
        self._request = request
        self._is_more_wanted = is_more_wanted
        self._done = done
        self._text = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's transports are no subclass of it
        self._ask()

    def data_received(self, data: bytes) -> None:
        self._text += data
        head, ended, rest = self._text.partition(b"\r\n\r\n")
        if not ended:
            return
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])
        if len(rest) < length:
            return
        if b" 200 " not in head[:20]:
            self._done.set_exception(RuntimeError(rest.decode()))
            return
        self._text = b""
        self._ask()

    def connection_lost(self, error: Exception | None) -> None:
        if not self._done.done():
            self._done.set_exception(error or RuntimeError("the server hung up"))

    def _ask(self) -> None:
        if self._is_more_wanted():
            self._transport.write(self._request)
        elif not self._done.done():
            self._done.set_result(None)
            self._transport.close()


def request_bytes(method: str, path: str, body: Any = None, accept: str = "application/json") -> bytes:
    """An HTTP/1.1 request."""
    content = b"" if body is None else json.dumps(body).encode()
    return (
        f"{method} {path} HTTP/1.1\r\nhost: localhost\r\naccept: {accept}\r\ncontent-type: application/json\r\n"
        f"content-length: {len(content)}\r\n\r\n"
    ).encode() + content


def measure(program: Program, request: bytes, *, in_flight: int, answers: int) -> Figure:
    """The cost of this many responses, after a tenth of them to warm up."""
    uvloop.run(_load(program.url, request, in_flight, max(in_flight, answers // 10)))
    cpu, wall = program.cpu_seconds(), time.perf_counter()
    uvloop.run(_load(program.url, request, in_flight, answers))
    cpu, wall = program.cpu_seconds() - cpu, time.perf_counter() - wall
    return Figure(cpu / answers * 1000, answers / wall)


def address_of(url: str) -> tuple[str, int]:
    """Host and port."""
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or 0


async def _load(url: str, request: bytes, in_flight: int, answers: int) -> None:
    numbers = iter(range(answers))
    loop = asyncio.get_running_loop()
    host, port = address_of(url)
    waiting: list[asyncio.Future[None]] = []
    for _ in range(in_flight):
        done: asyncio.Future[None] = loop.create_future()
        waiting.append(done)
        client = Client(request, lambda: next(numbers, None) is not None, done)
        await loop.create_connection(lambda client=client: client, host, port)  # type: ignore[misc]
    await asyncio.gather(*waiting)
