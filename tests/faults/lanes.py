"""The real service on a real port, beside a vendor that misbehaves: cases are run through it one after another."""

import asyncio
import logging
import re
import ssl
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

import httpx
import trustme
import uvicorn
from starlette.types import Receive, Scope, Send

from config import Settings
from logs import request_id_of_log
from main import create_app
from services.lifespan import Services
from tests.faults.answers import answer_well
from tests.faults.endpoints import BRIEFING, CALL_ID, ENDPOINTS
from tests.faults.table import IDLE_SECONDS, LLM_SECONDS, STAYS_UNREACHABLE, UPSTREAM_SECONDS, Case
from tests.faults.wire import Connection, FakeVendor, Request
from tests.support.keys import KEYS, URL_SETTINGS

LANES = 12
LANES_ELSEWHERE = 3
QUIET_SECONDS = 5.0
UNKNOWN_HOST = "http://nobody.invalid"
NEVER_OPENED = f"interview-{0:026}"
"""A name that a room of ours could have."""
TIMEOUTS = {
    "upstream_timeout_seconds": UPSTREAM_SECONDS,
    "llm_timeout_seconds": LLM_SECONDS,
    "llm_idle_timeout_seconds": IDLE_SECONDS,
}


class Observation(NamedTuple):
    """What came of one case."""

    status: int
    code: str | None
    seconds: float
    calls: int
    """How often the vendor was asked for what it does wrong."""
    text: str
    """The whole answer."""
    headers: httpx.Headers
    log: str
    left_behind: str
    """What was still under way some time later; empty where nothing was."""
    next_status: int
    """Of the same call once the vendor is well again."""


@dataclass
class Service:
    """The real service, serving on loopback."""

    url: str
    app: "_Seen"

    @property
    def services(self) -> Services:
        assert self.app.services is not None
        return self.app.services

    def in_flight(self) -> int:
        """How many vendor calls it thinks are running."""
        ways = (self.services.daily, self.services.llm, self.services.openai, self.services.vapi)
        return sum(way._upstream._in_flight for way in ways)


class _Seen:
    """Lets the tests see the services that the app opened."""

    def __init__(self, settings: Settings) -> None:
        self._app = create_app(settings)
        self.services: Services | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            self.services = scope["state"]["services"]
        await self._app(scope, receive, send)


class LogKeeper(logging.Handler):
    """Keeps every line of the log by the id of the request that it belongs to."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: defaultdict[str, list[str]] = defaultdict(list)

    def emit(self, record: logging.LogRecord) -> None:
        self.lines[request_id_of_log.get()].append(self.format(record))


@asynccontextmanager
async def serving(vendor_url: str, **changes: Any) -> AsyncIterator[Service]:
    """The service with all vendors at this address. It must not be the main thread's, whose signals it would take."""
    urls = {setting: f"{vendor_url}/{vendor}" for vendor, setting in URL_SETTINGS.items()}
    limits = {"rate_limit_default": "100000/minute", "rate_limit_llm": "100000/minute", "phone_budget": "0"}
    app = _Seen(Settings(_env_file=None, **(KEYS | TIMEOUTS | limits | urls | changes)))
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, timeout_graceful_shutdown=5))
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


@dataclass
class Lane:
    """One service and one vendor, for one case at a time."""

    vendor: FakeVendor
    service: Service
    client: httpx.AsyncClient
    log: LogKeeper
    _case: Case | None = None
    _hits: int = field(default=0)

    async def run(self, case: Case, number: int) -> Observation:
        """Try one case, and the same call again when the vendor is well."""
        places = {"room": await self._room(), "forgotten": f"forgotten-{number}"}
        self._hits = 0
        await self._fall_ill(case)
        begun = time.monotonic()
        answer = await self._send(case.endpoint, places, f"case-{number}")
        seconds = time.monotonic() - begun
        await self._get_well(case)
        left_behind = await self._wait_for_quiet()
        status, code = outcome(answer)
        following = {**places, "forgotten": f"forgotten-again-{number}", "room": places["room"]}
        if case.endpoint == "delete room":
            following["room"] = await self._room()
        next_status = outcome(await self._send(case.endpoint, following, f"next-{number}"))[0]
        return Observation(
            status=status,
            code=code,
            seconds=seconds,
            calls=self._hits,
            text=answer.text,
            headers=answer.headers,
            log="\n".join(self.log.lines[f"case-{number}"]),
            left_behind=left_behind,
            next_status=next_status,
        )

    async def behave(self, connection: Connection, request: Request) -> None:
        """What the vendor does: well, but for the case that is being tried."""
        case = self._case
        if case is None or not ENDPOINTS[case.endpoint].target.match(f"{request.method} {request.path}"):
            await answer_well(connection, request)
            return
        self._hits += 1
        assert case.behaviour is not None
        await case.behaviour(connection, request)

    async def _room(self) -> str:
        """A room with a briefing; where Daily can't be reached there is none."""
        answer = await self.client.post("/api/rooms", json={"interviewer_name": "Ada"})
        name: str = answer.json().get("room_name", NEVER_OPENED)
        await self.client.post(f"/api/rooms/{name}/briefing", json=BRIEFING)
        if name != NEVER_OPENED:
            await self.service.services.storage.add_phone_call(name, CALL_ID, datetime.now(UTC))
        return name

    async def _send(self, endpoint: str, places: dict[str, str], request_id: str) -> httpx.Response:
        call = ENDPOINTS[endpoint]
        headers = {"X-Request-ID": request_id} | ({"Accept": "text/event-stream"} if call.is_stream else {})
        return await self.client.request(call.method, call.path.format(**places), json=call.body, headers=headers)

    async def _fall_ill(self, case: Case) -> None:
        if case.fault == "refused":
            await self.vendor.refuse()
        else:
            self._case = case

    async def _get_well(self, case: Case) -> None:
        self._case = None
        if case.fault == "refused":
            await self.vendor.open()

    async def _wait_for_quiet(self) -> str:
        ends = time.monotonic() + QUIET_SECONDS
        while (state := self._under_way()) and time.monotonic() < ends:
            await asyncio.sleep(0.01)
        return state

    def _under_way(self) -> str:
        in_flight, busy = self.service.in_flight(), self.vendor.busy
        return f"{in_flight} calls in flight, {busy} being answered" if in_flight or busy else ""


def outcome(answer: httpx.Response) -> tuple[int, str | None]:
    """Status and code, of the terminal event where the answer is a stream."""
    if answer.headers["content-type"].startswith("text/event-stream"):
        return _outcome_of_stream(answer.text)
    document = answer.json()
    if any("at Daily" in line for line in document.get("remaining", ())):
        return answer.status_code, "left_at_daily"
    return answer.status_code, document.get("code")


def _outcome_of_stream(text: str) -> tuple[int, str | None]:
    events = [event for event in text.split("\n\n") if event and not event.startswith(":")]
    terminal = [event for event in events if re.match(r"event: (done|error)\n", event)]
    assert terminal == events[-1:], f"exactly one terminal event, at the end: {text!r}"
    name, _, rest = terminal[0].partition("\n")
    document = httpx.Response(200, content=rest.removeprefix("data: ")).json()
    return (200, None) if name == "event: done" else (document["status"], document["code"])


async def observe(cases: Sequence[Case]) -> dict[Case, Observation]:
    """Try all these cases, in several lanes at once."""
    log = LogKeeper()
    logging.getLogger().addHandler(log)
    try:
        reachable = [case for case in cases if case.fault not in STAYS_UNREACHABLE]
        waiting = iter([*enumerate(reachable)])
        elsewhere = iter([*enumerate((case for case in cases if case.fault in STAYS_UNREACHABLE), len(reachable))])
        lanes = await asyncio.gather(
            *(_run_lane(waiting, log) for _ in range(min(LANES, len(reachable)))),
            *(_run_elsewhere(elsewhere, log) for _ in range(LANES_ELSEWHERE)),
        )
        return {case: observation for lane in lanes for case, observation in lane.items()}
    finally:
        logging.getLogger().removeHandler(log)


async def _run_lane(waiting: Iterator[tuple[int, Case]], log: LogKeeper) -> dict[Case, Observation]:
    async with _lane(log) as lane:
        return {case: await lane.run(case, number) for number, case in waiting}


async def _run_elsewhere(waiting: Iterator[tuple[int, Case]], log: LogKeeper) -> dict[Case, Observation]:
    """Cases whose vendor stands where it can't be reached, and stays there."""
    seen: dict[Case, Observation] = {}
    for number, case in waiting:
        async with _unreachable(case.fault) as url, _lane(log, **{URL_SETTINGS[case.vendor]: url}) as lane:
            seen[case] = await lane.run(case, number)
    return seen


@asynccontextmanager
async def _lane(log: LogKeeper, **changes: Any) -> AsyncIterator[Lane]:
    vendor = FakeVendor(answer_well)
    await vendor.open()
    try:
        async with (
            serving(vendor.url, **changes) as service,
            httpx.AsyncClient(base_url=service.url, timeout=60) as client,
        ):
            lane = Lane(vendor, service, client, log)
            vendor.behave = lane.behave
            yield lane
    finally:
        await vendor.close()


@asynccontextmanager
async def _unreachable(fault: str) -> AsyncIterator[str]:
    """The address of a vendor that nobody knows, or nobody trusts."""
    if fault == "unknown host":
        yield UNKNOWN_HOST
        return
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    vendor = FakeVendor(answer_well, context)
    await vendor.open()
    try:
        yield vendor.url
    finally:
        await vendor.close()
