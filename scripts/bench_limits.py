"""CPU time that each kind of limit adds to a chat, beside the same chat without limits.

    python scripts/bench_limits.py

The app is called without a server, and in the sandbox. The target is 20 µs for the limits of bodies and budgets.
"""

import asyncio
import logging
import statistics
import sys
from collections.abc import Awaitable, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

from fastapi import FastAPI
from starlette.middleware.body_limit import RequestBodyLimitMiddleware

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from config import Settings  # noqa: E402 (the path above comes first)
from main import create_app  # noqa: E402
from routers import access, bodies  # noqa: E402
from scripts.bench_access import NoLimits  # noqa: E402
from scripts.benchmarks.in_process import CALLS, Request, cpu_microseconds  # noqa: E402
from services.lifespan import Services  # noqa: E402
from services.storage.records import Room  # noqa: E402

TARGET = 20.0
ROUNDS = 25
QUESTION = b'{"message": "What should I ask about the last project?"}'
MANY = "100000000/minute"
CALLS_LIMIT = "RATE_LIMIT_DEFAULT and RATE_LIMIT_LLM"
BODY_LIMIT = "size and deadline of the body"
BUDGET = "MODEL_BUDGET"
LIMITS = (CALLS_LIMIT, BODY_LIMIT, BUDGET)


class Way(NamedTuple):
    """A running app with some of the limits."""

    limits: tuple[str, ...]
    app: FastAPI
    state: dict[str, Any]


def main() -> None:
    """Print what each kind of limit adds."""
    logging.disable(logging.WARNING)
    print(f"a chat in the sandbox, CPU µs each, median of {ROUNDS} × {CALLS} calls")
    without, *each, both = asyncio.run(_measure([(), *((limit,) for limit in LIMITS), (BODY_LIMIT, BUDGET)]))
    print(f"without limits {without:.0f}")
    for limit, cost in zip(LIMITS, each, strict=True):
        print(f"added by {limit:38} {cost - without:5.1f}")
    print(f"added by bodies and budgets together {both - without:13.1f}   the target is {TARGET:.0f}")


async def _measure(wanted: Sequence[tuple[str, ...]]) -> list[float]:
    """CPU µs of one chat with these limits, measured by turns."""
    async with AsyncExitStack() as stack:
        ways = [await _open(stack, limits) for limits in wanted]
        rounds = [[await _time(way) for way in ways] for _ in range(ROUNDS + 1)][1:]
    return [statistics.median(costs) for costs in zip(*rounds, strict=True)]


async def _open(stack: AsyncExitStack, limits: tuple[str, ...]) -> Way:
    settings = Settings(
        _env_file=None,
        sandbox=True,
        rate_limit_default=MANY,
        rate_limit_llm=MANY,
        model_budget=10**12 if BUDGET in limits else 0,
        storage_budget="0",
    )
    app = create_app(settings)
    if BODY_LIMIT not in limits:
        _remove_body_sizes(app)
    state = await stack.enter_async_context(app.router.lifespan_context(app))
    assert state is not None
    services: Services = state["services"]
    now = datetime.now(UTC)
    room = Room("bench", "https://example.daily.co/bench", "Ada", now, now + timedelta(hours=1))
    await services.storage.save_room(room)
    if CALLS_LIMIT not in limits:
        services = replace(services, limiter=NoLimits(settings))
    return Way(limits, app, {"services": services, "request_id": "-"})


def _remove_body_sizes(app: FastAPI) -> None:
    for route in app.routes:
        limited = getattr(route, "app", None)
        if isinstance(limited, RequestBodyLimitMiddleware):
            vars(route)["app"] = limited.app


async def _read_without_deadline(reading: Awaitable[bytes], _: float) -> bytes:
    return await reading


async def _time(way: Way) -> float:
    read = bodies.read_in_time if BODY_LIMIT in way.limits else _read_without_deadline
    with patch.object(access, "read_in_time", read):
        return await cpu_microseconds(way.app, way.state, Request("POST", "/api/rooms/bench/chat", QUESTION))


if __name__ == "__main__":
    main()
