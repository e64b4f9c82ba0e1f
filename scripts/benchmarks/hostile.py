"""What other callers notice while one caller sends the slowest inputs that are allowed, several at once."""

import asyncio
import itertools
import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from statistics import median, quantiles
from typing import Any, NamedTuple

import httpx

from scripts.benchmarks.hostile_transcripts import HOSTILE
from scripts.benchmarks.interview import transcript
from scripts.benchmarks.processes import Service, running_service
from scripts.benchmarks.table import Line, below

LONGEST_TRANSCRIPT = 1_000_000
HOSTILE_CALLS_AT_ONCE = 8
SECONDS = 20.0
PROBE_SECONDS = 0.05
SLOWEST_READING = (
    "many labels with a role",
    "many decorations of a name",
    "many labels on one line",
    "combining marks in labels",
    "voices in one cue",
    "JSON words",
)
BRIEFING = {"candidate_name": "Grace Hopper", "focus_areas": ["Compilers", "Mentoring"]}
MOST_HEALTH_MILLISECONDS = 100
MOST_DELAY_SECONDS = 1
TIMEOUT_SECONDS = 300
HONEST, OFFENDER = ({"Authorization": f"Bearer {name}-{'k' * 32}"} for name in ("honest", "offender"))
KEYS = ",".join(f"{name}:{name}-{'k' * 32}" for name in ("honest", "offender"))


class Noticed(NamedTuple):
    """Seconds that answers took for another caller."""

    health: list[float]
    debriefs: list[float]


def bench(vendor_url: str) -> list[Line]:
    """Measure alone first, then beside the hostile caller."""
    with running_service(vendor_url, "hostile", BRIEFING, headers=HONEST, API_KEYS=KEYS) as service:
        alone, beside, answered = asyncio.run(_measure(service))
    delay = median(beside.debriefs) - median(alone.debriefs)
    health = _percentile_95(beside.health) * 1000
    return [
        Line("hostile calls that were answered meanwhile", str(answered)),
        Line("/health alone, 95th percentile", f"{_percentile_95(alone.health) * 1000:.1f} ms"),
        below("/health beside them, 95th percentile", health, MOST_HEALTH_MILLISECONDS, "ms"),
        Line("another caller's debrief of two hours, alone", f"{median(alone.debriefs):.2f} s"),
        below("the same beside them takes longer by", delay, MOST_DELAY_SECONDS, "s"),
    ]


async def _measure(service: Service) -> tuple[Noticed, Noticed, int]:
    url, path = service.program.url, service.room_path
    async with httpx.AsyncClient(base_url=url, timeout=TIMEOUT_SECONDS, headers=HONEST, trust_env=False) as honest:
        alone = await _watch(honest, path)
        async with _attack(url) as answered:
            await asyncio.sleep(1)
            beside = await _watch(honest, path)
            return alone, beside, len(answered)


async def _watch(client: httpx.AsyncClient, path: str) -> Noticed:
    """Ask for health and for debriefs, each one after the other, for some seconds."""
    noticed = Noticed([], [])
    ends = time.perf_counter() + SECONDS

    async def repeat(times: list[float], pause: float, method: str, target: str, **request: Any) -> None:
        while time.perf_counter() < ends:
            started = time.perf_counter()
            (await client.request(method, target, **request)).raise_for_status()
            times.append(time.perf_counter() - started)
            await asyncio.sleep(pause)

    interview = {"transcript": transcript()}
    await asyncio.gather(
        repeat(noticed.health, PROBE_SECONDS, "GET", "/health"),
        repeat(noticed.debriefs, PROBE_SECONDS, "POST", f"{path}/debrief?regenerate=true", json=interview),
    )
    return noticed


@asynccontextmanager
async def _attack(url: str) -> AsyncIterator[list[int]]:
    """Sends hostile requests meanwhile; yields the statuses of the answers."""
    limits = httpx.Limits(max_connections=HOSTILE_CALLS_AT_ONCE)
    async with httpx.AsyncClient(
        base_url=url, timeout=TIMEOUT_SECONDS, headers=OFFENDER, trust_env=False, limits=limits
    ) as client:
        path, statuses = await _open_room(client), list[int]()
        requests = itertools.cycle(list(slow_requests()))

        async def send() -> None:
            while True:
                target, body = next(requests)
                answer = await client.post(path + target, content=body, headers={"Content-Type": "application/json"})
                statuses.append(answer.status_code)

        senders = [asyncio.create_task(send()) for _ in range(HOSTILE_CALLS_AT_ONCE)]
        try:
            yield statuses
        finally:
            for sender in senders:
                sender.cancel()
            with suppress(asyncio.CancelledError):
                await asyncio.gather(*senders)


def slow_requests() -> Iterator[tuple[str, bytes]]:
    """Paths below a room, and bodies. The fake vendor gives the slowest answer where notes ask for it."""
    for name in SLOWEST_READING:
        text = HOSTILE[name](LONGEST_TRANSCRIPT)
        yield "/debrief?regenerate=true", json.dumps({"transcript": text, "notes": "hostile"}).encode()
        yield "/chat", json.dumps({"message": "Well?", "transcript": text}).encode()
    spoken = "Candidate: " + "we led itself " * 20_000
    yield "/debrief?regenerate=true", json.dumps({"transcript": spoken, "notes": "hostile"}).encode()
    yield "/chat", b'{"message": "Well?", "context": ' + b"[" * 1_000_000 + b"}"


async def _open_room(client: httpx.AsyncClient) -> str:
    opened = await client.post("/api/rooms", json={"interviewer_name": "Ada"})
    return f"/api/rooms/{opened.raise_for_status().json()['room_name']}"


def _percentile_95(times: list[float]) -> float:
    return quantiles(times, n=20)[-1]
