"""One caller that sends the worst it may, beside the interviewers. None of its answers is checked."""

import asyncio
import itertools
import json
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from urllib.parse import urlsplit

import httpx

from scripts.benchmarks.hostile import slow_requests

SLOW_CALLS_AT_ONCE = 4
SILENT_CONNECTIONS = 60
STALLED_READERS = 20
HELD_SECONDS = 20.0
HEAD_BYTES = 8 * 1024 * 1024
PAUSE_SECONDS = 0.05
NUMBER = "+14155550199"
JSON = {"Content-Type": "application/json"}


class Offender:
    """Attacks the service at this URL with one API key."""

    def __init__(self, url: str, headers: dict[str, str]) -> None:
        self._url = url
        self._headers = headers
        self._client = httpx.AsyncClient(base_url=url, headers=headers, timeout=60)
        self.answers: Counter[int] = Counter()
        """How often each status came back."""

    async def attack(self, ends: float) -> None:
        """Attack in several ways at once until this time."""
        requests = itertools.cycle(list(slow_requests()))

        async def send_slow_text() -> None:
            path, body = next(requests)
            await self._post(await self._open_room() + path, body)

        attacks = [send_slow_text] * SLOW_CALLS_AT_ONCE
        attacks += [self._fill_storage, self._phone, self._nest, self._send_endless_head]
        attacks += [self._stay_silent, self._stop_reading]
        async with self._client:
            await asyncio.gather(*(self._repeat(attack, ends) for attack in attacks))

    async def _repeat(self, attack: Callable[[], Awaitable[None]], ends: float) -> None:
        while time.monotonic() < ends:
            with suppress(httpx.TransportError, OSError, KeyError):
                await attack()
            await asyncio.sleep(PAUSE_SECONDS)

    async def _fill_storage(self) -> None:
        room, large = await self._open_room(), "x" * 50_000
        briefing = {"candidate_name": "Mallory", "resume_summary": large, "notes": large}
        await self._post(f"{room}/briefing", json.dumps(briefing).encode())

    async def _phone(self) -> None:
        room = await self._open_room()
        await self._post(f"{room}/briefing", b'{"candidate_name": "Mallory"}')
        await self._post(f"{room}/briefing/call", json.dumps({"phone_number": NUMBER}).encode())

    async def _nest(self) -> None:
        await self._post("/api/rooms", b"[" * 60_000)

    async def _send_endless_head(self) -> None:
        _, writer = await self._connect()
        writer.write(b"GET /health HTTP/1.1\r\n")
        for _ in range(HEAD_BYTES // 65536):
            writer.write(b"X: " + b"a" * 65531 + b"\r\n")
            await writer.drain()
        writer.close()

    async def _stay_silent(self) -> None:
        """Open connections that send nothing, or a head byte by byte."""
        writers = [(await self._connect())[1] for _ in range(SILENT_CONNECTIONS)]
        ends = time.monotonic() + HELD_SECONDS
        while time.monotonic() < ends:
            random.choice(writers).write(b"G")
            await asyncio.sleep(PAUSE_SECONDS)
        for writer in writers:
            writer.close()

    async def _stop_reading(self) -> None:
        """Ask for a long document on many connections and read none of it."""
        held = [await self._connect(limit=1) for _ in range(STALLED_READERS)]
        for _, writer in held:
            writer.write(b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n" * 20)
        await asyncio.sleep(HELD_SECONDS)
        for _, writer in held:
            writer.close()

    async def _connect(self, limit: int = 65536) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        address = urlsplit(self._url)
        return await asyncio.open_connection(address.hostname, address.port, limit=limit)

    async def _open_room(self) -> str:
        answer = await self._post("/api/rooms", b'{"interviewer_name": "Mallory"}')
        return f"/api/rooms/{answer.json()['room_name']}"

    async def _post(self, path: str, body: bytes) -> httpx.Response:
        answer = await self._client.post(path, content=body, headers=JSON)
        self.answers[answer.status_code] += 1
        return answer
