"""CPU time that authentication, limits and the request id add to a call, beside the same call without them.

    python scripts/bench_access.py

The app is called without a server, so what is timed is ours. The budget is 250 µs.
"""

import asyncio
import json
import logging
import statistics
import sys
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import httpx
from starlette.types import ASGIApp

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from config import Settings  # noqa: E402 (the path above comes first)
from main import create_app  # noqa: E402
from routers.middleware import RequestIdAndHeadersMiddleware  # noqa: E402
from scripts.benchmarks.in_process import CALLS, Request, cpu_microseconds  # noqa: E402
from services.access.auth import Authenticator, Caller  # noqa: E402
from services.access.limits import Counted, Limiter  # noqa: E402
from services.briefing import Briefing  # noqa: E402
from services.lifespan import Services  # noqa: E402
from services.storage.records import Room  # noqa: E402
from tests.services.access.issuer import ISSUER, SECRET, URL, bearer, key_set, signed  # noqa: E402
from tests.support.servers import ServerMissing, redis_server  # noqa: E402

BUDGET = 250.0
ROUNDS = 15
KEY = "a-key-of-some-length-0123456789"
CALLERS = {
    "an API key": bearer(KEY),
    "an HS256 token": bearer(signed("HS256")),
    "an RS256 token": bearer(signed("RS256")),
    "an ES256 token": bearer(signed("ES256")),
}


class AccessSetup(NamedTuple):
    """A running app, and the Authorization header of its calls."""

    app: ASGIApp
    state: dict[str, Any]
    authorization: str


class NoAuthentication(Authenticator):
    """Accepts every call without authentication."""

    async def identify(self, authorization: str | None) -> Caller | None:  # noqa: ARG002 (the signature of the base class)
        return None


class NoLimits(Limiter):
    """Allows everything."""

    async def count(self, group: str, caller: str) -> Counted:  # noqa: ARG002 (the signature of the base class)
        return _ALLOWED


_ALLOWED = Counted(is_allowed=True, retry_after=None, rate_limit="", rate_limit_policy="")


def main() -> None:
    """Print one line for each kind of caller."""
    logging.getLogger("main").setLevel(logging.ERROR)
    print(f"reading a briefing, CPU µs each, median of {ROUNDS} × {CALLS} calls; the budget is {BUDGET:.0f} µs")
    for name, authorization in CALLERS.items():
        _print(name, asyncio.run(_measure(authorization)))
    try:
        with redis_server() as redis:
            _print("an API key, in Redis", asyncio.run(_measure(CALLERS["an API key"], redis.url)))
    except ServerMissing as missing:
        print(missing)


def _print(name: str, measured: tuple[float, float]) -> None:
    without, whole = measured
    print(f"{name:22} without {without:6.0f}   with {whole:6.0f}   added {whole - without:5.0f}")


async def _measure(authorization: str, counters: str = "memory://") -> tuple[float, float]:
    """CPU µs of one call without and with access control, measured by turns."""
    async with AsyncExitStack() as stack:
        without = await _open_way(stack, Settings(_env_file=None, sandbox=True), authorization, is_bare=True)
        whole = await _open_way(stack, _settings(counters), authorization, is_bare=False)
        await _time(without)
        await _time(whole)
        rounds = [(await _time(without), await _time(whole)) for _ in range(ROUNDS)]
    return statistics.median(pair[0] for pair in rounds), statistics.median(pair[1] for pair in rounds)


def _settings(counters: str) -> Settings:
    return Settings(
        _env_file=None,
        sandbox=True,
        api_keys=f"bench:{KEY}",
        auth_jwt_secret=SECRET,
        auth_jwks_url=URL,
        auth_jwt_issuer=ISSUER,
        auth_jwt_audience="authenticated",
        rate_limit_default="1000000/minute",
        rate_limit_storage_url=counters,
    )


async def _open_way(stack: AsyncExitStack, settings: Settings, authorization: str, *, is_bare: bool) -> AccessSetup:
    app = create_app(settings)
    if is_bare:
        app.user_middleware = [
            entry for entry in app.user_middleware if str(entry.cls) != str(RequestIdAndHeadersMiddleware)
        ]
    state = await stack.enter_async_context(app.router.lifespan_context(app))
    assert state is not None
    services: Services = state["services"]
    services = _without_access(services) if is_bare else await _with_own_issuer(stack, services)
    caller = await services.authenticator.identify(authorization)
    await _save_room(services, caller)
    return AccessSetup(app, {"services": services, "request_id": "-"}, authorization)


def _without_access(services: Services) -> Services:
    settings = services.settings
    return replace(services, authenticator=NoAuthentication(settings), limiter=NoLimits(settings))


async def _with_own_issuer(stack: AsyncExitStack, services: Services) -> Services:
    def publish(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=json.dumps(key_set()))

    issuer = Authenticator(services.settings, lambda: httpx.MockTransport(publish))
    return replace(services, authenticator=await stack.enter_async_context(issuer))


async def _save_room(services: Services, caller: Caller | None) -> None:
    now = datetime.now(UTC)
    owner = caller.id if caller else None
    room = Room("bench", "https://example.daily.co/bench", "Ada", now, now + timedelta(hours=1), owner=owner)
    await services.storage.save_room(room)
    await services.storage.save_briefing(
        Briefing(candidate_name="Grace", room_name="bench", briefing_prompt="Prompt.", updated_at=now)
    )


async def _time(way: AccessSetup) -> float:
    authorization = (b"authorization", way.authorization.encode())
    request = Request("GET", "/api/rooms/bench/briefing", headers=(authorization,))
    return await cpu_microseconds(way.app, way.state, request)


if __name__ == "__main__":
    main()
