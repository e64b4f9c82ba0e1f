"""Runs cases of the fault table: each on a service and a misbehaving vendor that no other case uses meanwhile."""

import asyncio
import logging
import re
import ssl
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Coroutine
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from itertools import count
from typing import Any, NamedTuple

import httpx
import trustme

from logs import request_id_of_log
from tests.faults.answers import answer_well, forgotten_room
from tests.faults.endpoints import BRIEFING, CALL_ID, ENDPOINTS
from tests.faults.service import HASTY, Service, serving
from tests.faults.table import STAYS_UNREACHABLE, Case
from tests.faults.wire import Connection, FakeVendor, Request
from tests.support.keys import URL_SETTINGS
from tests.support.waiting import LIMIT_SECONDS, wait_until_async

PATIENT_LANES = 8
HASTY_LANES = 16
"""These wait for deadlines, and do nothing else meanwhile."""
UNREACHABLE_LANES = 1
ATTEMPTS = 10
MISSED_DEADLINE = (HTTPStatus.GATEWAY_TIMEOUT, HTTPStatus.SERVICE_UNAVAILABLE)
"""Deadlines of the vendor's response, and of the connection to it."""
UNKNOWN_HOST = "http://unknown.invalid"
NEVER_OPENED = f"interview-{0:026}"
"""A name that a room of ours could have."""


class Observation(NamedTuple):
    """The observed outcome of one case."""

    status: int
    code: str | None
    calls: int
    """The number of calls to the vendor that met the fault."""
    text: str
    """The whole body."""
    headers: httpx.Headers
    log: str
    """Every line that was logged for the request."""
    next_status: int | None
    """The status of the same call once the vendor works again; None where it stays unreachable."""


class LogByRequest(logging.Handler):
    """Keeps the lines of the log by the id of the request that they belong to."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: defaultdict[str, list[str]] = defaultdict(list)

    def emit(self, record: logging.LogRecord) -> None:
        self.lines[request_id_of_log.get()].append(self.format(record))


@dataclass
class Lane:
    """One service and one vendor, for one case at a time."""

    vendor: FakeVendor
    service: Service
    client: httpx.AsyncClient
    log: LogByRequest
    _case: Case | None = None
    _calls: int = 0

    async def run(self, case: Case, number: int) -> Observation:
        """Make the call of the case while the vendor misbehaves, and once more when it works again."""
        room = NEVER_OPENED if case.is_without_daily else await self._open_room()
        self._calls = 0
        await self._break_vendor(case)
        answer = await self._send(case.endpoint, room, forgotten_room(number), f"case-{number}")
        await self._repair_vendor(case)
        await wait_until_async(self._is_quiet, f"all vendor calls of {case} end")
        status, code = outcome(answer)
        return Observation(
            status=status,
            code=code,
            calls=self._calls,
            text=answer.text,
            headers=answer.headers,
            log="\n".join(self.log.lines[f"case-{number}"]),
            next_status=None if case.stays_unreachable else await self._status_of_next(case, room, number),
        )

    async def behave(self, connection: Connection, request: Request) -> None:
        """The vendor: works, but for the calls that the current case is about."""
        case = self._case
        if case is None or not ENDPOINTS[case.endpoint].target.match(f"{request.method} {request.path}"):
            await answer_well(connection, request)
            return
        self._calls += 1
        assert case.behaviour is not None
        await case.behaviour(connection, request)

    async def _open_room(self) -> str:
        """The name of a room with a briefing and a phone call."""
        answer = await _in_time(lambda: self.client.post("/api/rooms", json={"interviewer_name": "Ada"}))
        name: str = answer.json()["room_name"]
        await self.client.post(f"/api/rooms/{name}/briefing", json=BRIEFING)
        await self.service.services.storage.add_phone_call(name, CALL_ID, datetime.now(UTC))
        return name

    async def _status_of_next(self, case: Case, room: str, number: int) -> int:
        if ENDPOINTS[case.endpoint].method == "DELETE":
            room = await self._open_room()
        send = partial(self._send, case.endpoint, room, forgotten_room(number, again=True), f"next-{number}")
        return outcome(await _in_time(send))[0]

    async def _send(self, endpoint: str, room: str, forgotten: str, request_id: str) -> httpx.Response:
        call = ENDPOINTS[endpoint]
        headers = {"X-Request-ID": request_id} | ({"Accept": "text/event-stream"} if call.is_stream else {})
        path = call.path.format(room=room, forgotten=forgotten)
        return await self.client.request(call.method, path, json=call.body, headers=headers)

    async def _break_vendor(self, case: Case) -> None:
        if case.fault == "refused":
            await self.vendor.refuse()
        else:
            self._case = case

    async def _repair_vendor(self, case: Case) -> None:
        self._case = None
        if case.fault == "refused":
            await self.vendor.open()

    def _is_quiet(self) -> bool:
        return self.service.in_flight() == 0 and self.vendor.busy == 0


class Lanes:
    """Pool of lanes of one kind: opened when needed, at most `limit`, and reused."""

    def __init__(self, stack: AsyncExitStack, limit: int, open_lane: Callable[[], AbstractAsyncContextManager[Lane]]):
        self._stack = stack
        self._is_free = asyncio.Semaphore(limit)
        self._open_lane = open_lane
        self._idle: list[Lane] = []

    async def run(self, case: Case, number: int) -> Observation:
        async with self._is_free:
            lane = self._idle.pop() if self._idle else await self._stack.enter_async_context(self._open_lane())
            try:
                return await lane.run(case, number)
            finally:
                self._idle.append(lane)


@asynccontextmanager
async def running(cases: Collection[Case]) -> AsyncIterator[Callable[[Case], Awaitable[Observation]]]:
    """Runs all these cases at once; yields a function that returns the observation of one.

    Cases that only wait for a deadline start after the others, which would keep them from the processor.
    """
    async with _case_runner() as run:
        busy = {case: asyncio.create_task(run(case)) for case in cases if not case.waits_for_deadline}

        async def run_after_busy(case: Case) -> Observation:
            if busy:
                await asyncio.wait(busy.values())
            return await run(case)

        tasks = busy | {case: asyncio.create_task(run_after_busy(case)) for case in cases if case.waits_for_deadline}

        async def observe(case: Case) -> Observation:
            return await tasks[case]

        try:
            yield observe
        finally:
            for task in tasks.values():
                task.cancel()
            await asyncio.gather(*tasks.values(), return_exceptions=True)


@asynccontextmanager
async def _case_runner() -> AsyncIterator[Callable[[Case], Coroutine[Any, Any, Observation]]]:
    """A function that runs a case as soon as a lane is free for it."""
    log = LogByRequest()
    logging.getLogger().addHandler(log)
    numbers = count()
    try:
        async with AsyncExitStack() as stack:
            patient = Lanes(stack, PATIENT_LANES, lambda: _lane(log))
            hasty = Lanes(stack, HASTY_LANES, lambda: _lane(log, **HASTY))
            unreachable = {
                (fault, is_daily): Lanes(stack, UNREACHABLE_LANES, partial(_unreachable, log, fault, is_daily=is_daily))
                for fault in STAYS_UNREACHABLE
                for is_daily in (True, False)
            }

            async def run(case: Case) -> Observation:
                if case.stays_unreachable:
                    lanes = unreachable[case.fault, case.vendor == "daily"]
                else:
                    lanes = hasty if case.waits_for_deadline else patient
                return await lanes.run(case, next(numbers))

            yield run
    finally:
        logging.getLogger().removeHandler(log)


async def _in_time(send: Callable[[], Awaitable[httpx.Response]]) -> httpx.Response:
    """The response to a call that should succeed, repeated where a busy machine missed a short deadline."""
    for _ in range(ATTEMPTS):
        answer = await send()
        if outcome(answer)[0] not in MISSED_DEADLINE:
            break
    return answer


@asynccontextmanager
async def _lane(log: LogByRequest, **changes: Any) -> AsyncIterator[Lane]:
    vendor = FakeVendor(answer_well)
    await vendor.open()
    try:
        async with (
            serving(vendor.url, **changes) as service,
            httpx.AsyncClient(base_url=service.url, timeout=LIMIT_SECONDS) as client,
        ):
            lane = Lane(vendor, service, client, log)
            vendor.behave = lane.behave
            yield lane
    finally:
        await vendor.close()


@asynccontextmanager
async def _unreachable(log: LogByRequest, fault: str, *, is_daily: bool) -> AsyncIterator[Lane]:
    """A lane where Daily, or every vendor but Daily, is at an address that can't be reached."""
    async with _unreachable_url(fault) as url:
        urls = {setting: url for vendor, setting in URL_SETTINGS.items() if (vendor == "daily") == is_daily}
        async with _lane(log, **urls) as lane:
            yield lane


@asynccontextmanager
async def _unreachable_url(fault: str) -> AsyncIterator[str]:
    """A host that does not exist, or one with a self-signed certificate."""
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


def outcome(answer: httpx.Response) -> tuple[int, str | None]:
    """Status and code; of a stream, those of its terminal event."""
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
