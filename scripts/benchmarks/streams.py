"""A thousand simultaneous chat streams."""

import asyncio
import statistics
import time
from typing import NamedTuple, cast

import httpx
import uvloop

from scripts.benchmarks.chat import BRIEFING, QUESTION
from scripts.benchmarks.load import address_of, request_bytes
from scripts.benchmarks.processes import running_service
from scripts.benchmarks.table import Line, below
from scripts.benchmarks.vendor import CHUNKS, CHUNKS_A_SECOND

STREAMS = 1000
OPENED_A_SECOND = 200
"""All streams are open after five seconds, and run together for another five."""
MOST_MEGABYTES = 300
MOST_ADDED_MILLISECONDS = 50
STREAMED = {"Accept": "text/event-stream"}


class Stream(NamedTuple):
    """The outcome of one stream."""

    first_chunk: float
    """Seconds from the request."""
    is_complete: bool


class Listener(asyncio.Protocol):
    """Sends one request and reads its stream to the end."""

    def __init__(self, request: bytes, first: bytes, last: bytes, done: asyncio.Future[Stream]) -> None:
        self._request, self._first, self._last, self._done = request, first, last, done
        self._first_at = 0.0
        self._is_complete = False
        self._tail = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's transports are no subclass of it
        self._asked_at = time.perf_counter()
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        if not self._first_at and self._first in data:
            self._first_at = time.perf_counter() - self._asked_at
        seen = self._tail + data
        self._is_complete = self._is_complete or self._last in seen
        self._tail = seen[-20:]
        if self._tail.endswith(b"0\r\n\r\n"):
            self._finish()
            self._transport.close()

    def connection_lost(self, _: Exception | None) -> None:
        self._finish()

    def _finish(self) -> None:
        if not self._done.done():
            self._done.set_result(Stream(self._first_at, self._is_complete))


def bench(vendor_url: str) -> list[Line]:
    """The same streams directly from the vendor, and through the service."""
    asked = request_bytes("POST", "/paced/chat/completions", {})
    direct = uvloop.run(_listen(vendor_url, asked, b"data:", b"[DONE]"))
    with running_service(vendor_url, "paced", BRIEFING) as (program, room_path):
        request = request_bytes("POST", f"{room_path}/chat", QUESTION, accept="text/event-stream")
        # a server's first streamed answer is held back until it ends, since it may begin with thoughts
        httpx.post(f"{program.url}{room_path}/chat", json=QUESTION, headers=STREAMED, timeout=60, trust_env=False)
        cpu = program.cpu_seconds()
        ours = uvloop.run(_listen(program.url, request, b"event: delta", b"event: done"))
        cpu = program.cpu_seconds() - cpu
        rss = program.rss_megabytes()
    complete = sum(stream.is_complete for stream in ours)
    added = (_median(ours) - _median(direct)) * 1000
    chunks = STREAMS * CHUNKS
    return [
        Line("complete streams", f"{complete} of {STREAMS}", "all", complete == STREAMS),
        below("RSS with a thousand streams", rss, MOST_MEGABYTES, "MB"),
        below("added time to the first chunk, median", added, MOST_ADDED_MILLISECONDS, "ms"),
        Line("CPU of one chunk", f"{cpu / chunks * 1e6:.0f} us"),
        Line("  share of one core at this rate", f"{cpu / chunks * STREAMS * CHUNKS_A_SECOND:.0%}"),
    ]


def _median(streams: list[Stream]) -> float:
    return statistics.median(stream.first_chunk for stream in streams)


async def _listen(url: str, request: bytes, first: bytes, last: bytes) -> list[Stream]:
    loop = asyncio.get_running_loop()
    host, port = address_of(url)
    waiting: list[asyncio.Future[Stream]] = []
    for _ in range(STREAMS):
        done: asyncio.Future[Stream] = loop.create_future()
        waiting.append(done)
        listener = Listener(request, first, last, done)
        await loop.create_connection(lambda listener=listener: listener, host, port)  # type: ignore[misc]
        await asyncio.sleep(1 / OPENED_A_SECOND)
    return await asyncio.gather(*waiting)
