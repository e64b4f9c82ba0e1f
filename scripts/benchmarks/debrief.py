"""Debrief of a two-hour interview: CPU time of the service, and how long the event loop is blocked."""

import asyncio
import json
import subprocess
import sys
import time
from contextlib import suppress
from typing import Any

import httpx
import uvicorn
import uvloop

from scripts.benchmarks.interview import CLAIMS, TURNS, transcript
from scripts.benchmarks.load import address_of, request_bytes
from scripts.benchmarks.processes import ROOT, SERVER_CORE
from scripts.benchmarks.table import Line, below

ROUNDS = 8
MOST_MILLISECONDS = 60
MOST_BLOCK_MILLISECONDS = 20
TICK_SECONDS = 0.001
BRIEFING = {"candidate_name": "Grace Hopper", "focus_areas": ["Compilers", "Mentoring"]}


def bench(vendor_url: str) -> list[Line]:
    """Run the measurement in a process of its own, which serves and measures."""
    command = [sys.executable, "-m", "scripts.benchmarks.debrief", vendor_url]
    output = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True).stdout
    seen: dict[str, Any] = json.loads(output.splitlines()[-1])
    return [
        Line("transcript", f"{TURNS} turns, {seen['characters'] // 1000} kB"),
        below("CPU time of the service", seen["cpu"] * 1000, MOST_MILLISECONDS, "ms"),
        below("longest block of the event loop, CPU", seen["block"] * 1000, MOST_BLOCK_MILLISECONDS, "ms"),
        Line("longest block of the event loop, wall clock", f"{seen['wait'] * 1000:.1f} ms"),
    ]


class Ticker:
    """Measures the longest block of the event loop, in CPU time of its thread and in wall-clock time.

    It wakes up every millisecond; a late wake-up is a block.
    """

    def __init__(self) -> None:
        self.block = 0.0
        self.wait = 0.0

    async def tick(self) -> None:
        while True:
            cpu, wall = time.thread_time(), time.perf_counter()
            await asyncio.sleep(TICK_SECONDS)
            self.block = max(self.block, time.thread_time() - cpu)
            self.wait = max(self.wait, time.perf_counter() - wall - TICK_SECONDS)


async def _measure(vendor_url: str) -> dict[str, Any]:
    """The best of several rounds: other programs on the machine only add to a measurement."""
    url = await _serve(vendor_url)
    async with httpx.AsyncClient(base_url=url, timeout=60) as client:
        opened = await client.post("/api/rooms", json={"interviewer_name": "Ada"})
        path = f"/api/rooms/{opened.json()['room_name']}"
        await client.post(f"{path}/briefing", json=BRIEFING)
    text = transcript()
    request = request_bytes("POST", f"{path}/debrief?regenerate=true", {"transcript": text})
    rounds = [await _round(url, request) for _ in range(ROUNDS)]
    best = {name: min(seen[name] for seen in rounds) for name in ("cpu", "block", "wait")}
    return best | {"characters": len(text)}


async def _round(url: str, request: bytes) -> dict[str, float]:
    """The client shares the process, so it is as cheap as possible."""
    reader, writer = await asyncio.open_connection(*address_of(url))
    ticker = Ticker()
    ticking = asyncio.create_task(ticker.tick())
    cpu = time.process_time()
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    body = await reader.readexactly(int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0]))
    cpu = time.process_time() - cpu
    ticking.cancel()
    with suppress(asyncio.CancelledError):
        await ticking
    writer.close()
    assert len(json.loads(body)["evidence"]) == CLAIMS
    return {"cpu": cpu, "block": ticker.block, "wait": ticker.wait}


async def _serve(vendor_url: str) -> str:
    from config import Settings  # noqa: PLC0415 (the CPU affinity is set by then)
    from main import create_app  # noqa: PLC0415

    settings = Settings(
        _env_file=None,
        daily_api_key="key",
        openrouter_api_key="key",
        daily_api_url=f"{vendor_url}/daily",
        openrouter_base_url=f"{vendor_url}/debrief",
    )
    server = uvicorn.Server(uvicorn.Config(create_app(settings), port=0, log_config=None, access_log=False))
    asyncio.get_running_loop().create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 (uvicorn has no event to wait for)
        await asyncio.sleep(0.01)
    return f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"


if __name__ == "__main__":
    import os

    os.sched_setaffinity(0, {SERVER_CORE})
    print(json.dumps(uvloop.run(_measure(sys.argv[1]))))
    os._exit(0)
