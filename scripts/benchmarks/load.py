"""Load from many clients that cost almost no CPU: each sends the same bytes again after every response."""

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, cast
from urllib.parse import urlsplit

import uvloop

from scripts.benchmarks.processes import Program

TURNS = 8


class Figure(NamedTuple):
    """The cost of a load for the server."""

    cpu_milliseconds: float
    """Of one response."""
    answers_a_second: float


class Load(NamedTuple):
    """A running program, and the request that it gets again and again."""

    program: Program
    request: bytes


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


def measure(*loads: Load, in_flight: int, answers: int) -> list[Figure]:
    """The cost of this many responses of each program, after a tenth of them to warm up.

    The programs take turns, so that what else the machine does affects them alike.
    """
    for load in loads:
        uvloop.run(_load(load, in_flight, max(in_flight, answers // 10)))
    part = max(in_flight, answers // TURNS)
    turns = [[_turn(load, in_flight, part) for load in loads] for _ in range(TURNS)]
    return [_figure(costs, part) for costs in zip(*turns, strict=True)]


def _turn(load: Load, in_flight: int, answers: int) -> tuple[float, float]:
    """CPU and wall-clock seconds of this many responses."""
    cpu, wall = load.program.cpu_seconds(), time.perf_counter()
    uvloop.run(_load(load, in_flight, answers))
    return load.program.cpu_seconds() - cpu, time.perf_counter() - wall


def _figure(turns: Sequence[tuple[float, float]], answers: int) -> Figure:
    cpu, wall = (sum(seconds) for seconds in zip(*turns, strict=True))
    total = answers * len(turns)
    return Figure(cpu / total * 1000, total / wall)


def address_of(url: str) -> tuple[str, int]:
    """Host and port."""
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or 0


async def _load(load: Load, in_flight: int, answers: int) -> None:
    numbers = iter(range(answers))
    loop = asyncio.get_running_loop()
    host, port = address_of(load.program.url)
    waiting: list[asyncio.Future[None]] = []
    for _ in range(in_flight):
        done: asyncio.Future[None] = loop.create_future()
        waiting.append(done)
        client = Client(load.request, lambda: next(numbers, None) is not None, done)
        await loop.create_connection(lambda client=client: client, host, port)  # type: ignore[misc]
    await asyncio.gather(*waiting)
