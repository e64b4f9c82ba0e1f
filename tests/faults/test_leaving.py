"""When a caller disconnects, the vendor's work for the call ends, or, where it is paid and kept, runs to completion.

The vendors are patient here, so that only the disconnect ends a call.
"""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from tests.faults import misbehaviour as wrong
from tests.faults.answers import answer_well, sample
from tests.faults.endpoints import BRIEFING, CALL_ID, ENDPOINTS
from tests.faults.lanes import Service, serving
from tests.faults.wire import Behaviour, Connection, FakeVendor, Request

pytestmark = pytest.mark.anyio

PATIENT = {"upstream_timeout_seconds": 60, "llm_timeout_seconds": 60, "llm_idle_timeout_seconds": 60}
SOON = 5.0
"""Far below what the vendors may take, and far above what a busy machine needs."""


@pytest.fixture
async def vendor() -> AsyncIterator[FakeVendor]:
    vendor = FakeVendor(answer_well)
    await vendor.open()
    yield vendor
    await vendor.close()


@pytest.fixture
async def service(vendor: FakeVendor) -> AsyncIterator[Service]:
    async with serving(vendor.url, **PATIENT) as service:
        yield service


@pytest.fixture
async def client(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=service.url, timeout=60) as client:
        yield client


@pytest.fixture
async def room(client: httpx.AsyncClient, service: Service) -> str:
    answer = await client.post("/api/rooms", json={"interviewer_name": "Ada"})
    name: str = answer.json()["room_name"]
    await client.post(f"/api/rooms/{name}/briefing", json=BRIEFING)
    await service.services.storage.add_phone_call(name, CALL_ID, datetime.now(UTC))
    return name


@pytest.mark.parametrize(
    ("endpoint", "behaviour"),
    [
        ("chat", wrong.hangs_before_headers),
        ("chat", wrong.hangs_in_body),
        ("chat stream", wrong.hangs_before_headers),
        ("chat stream", wrong.hangs_before_the_first_word),
        ("chat stream", wrong.silent_after_some_words),
        ("chat stream", wrong.comments_after_some_words),
        ("get room", wrong.hangs_before_headers),
        ("get phone call", wrong.hangs_in_body),
        ("join room", wrong.hangs_before_headers),
        ("realtime token", wrong.hangs_before_headers),
        ("realtime session", wrong.hangs_in_body),
    ],
)
async def test_the_call_to_the_vendor_ends_when_the_caller_disconnects(
    endpoint: str, behaviour: Behaviour, vendor: FakeVendor, service: Service, client: httpx.AsyncClient, room: str
) -> None:
    vendor.behave = behaviour
    call = ENDPOINTS[endpoint]
    headers = {"Accept": "text/event-stream"} if call.is_stream else {}
    path = call.path.format(room=room, forgotten="forgotten")
    asking = asyncio.create_task(client.request(call.method, path, json=call.body, headers=headers))
    await _until(lambda: vendor.busy == 1)

    asking.cancel()

    await _until(lambda: vendor.busy == 0 and service.in_flight() == 0)


async def _ask_and_disconnect(
    endpoint: str,
    vendor: FakeVendor,
    service: Service,
    client: httpx.AsyncClient,
    room: str,
    answer: bytes,
    status: int = 200,
) -> None:
    """The vendor answers after the caller has disconnected."""
    goes_on = asyncio.Event()

    async def answers_slowly(connection: Connection, request: Request) -> None:
        await goes_on.wait()
        await connection.answer(answer, status)

    vendor.behave = answers_slowly
    call = ENDPOINTS[endpoint]
    headers = {"Accept": "text/event-stream"} if call.is_stream else {}
    asking = asyncio.create_task(client.post(call.path.format(room=room), json=call.body, headers=headers))
    await _until(lambda: vendor.busy == 1)
    asking.cancel()
    await asyncio.wait([asking])
    goes_on.set()
    await _until(lambda: service.in_flight() == 0 and vendor.busy == 0)


@pytest.mark.parametrize("endpoint", ["debrief", "debrief stream"])
async def test_a_debrief_is_completed_and_stored_and_the_same_request_finds_it(
    endpoint: str, vendor: FakeVendor, service: Service, client: httpx.AsyncClient, room: str
) -> None:
    await _ask_and_disconnect(endpoint, vendor, service, client, room, sample("openrouter/debrief.json"))
    stored = await _stored_debrief(client, room)
    vendor.behave = wrong.hangs_before_headers

    again = await client.post(f"/api/rooms/{room}/debrief", json=ENDPOINTS[endpoint].body)

    assert again.status_code == 200
    assert again.json() == stored


async def _stored_debrief(client: httpx.AsyncClient, room: str) -> Any:
    """The stored debrief, once it is there: it is written after the vendor has answered."""
    async with asyncio.timeout(60):
        while (response := await client.get(f"/api/rooms/{room}/debrief")).status_code == 404:
            await asyncio.sleep(0.05)
    return response.json()


async def test_a_phone_call_is_placed_and_recorded_when_the_caller_disconnects(
    vendor: FakeVendor, service: Service, client: httpx.AsyncClient, room: str
) -> None:
    answer = b'{"id": "placed-after-the-disconnect"}'
    await _ask_and_disconnect("place phone call", vendor, service, client, room, answer, 201)

    assert await service.services.storage.has_phone_call(room, "placed-after-the-disconnect")


async def test_a_phone_call_that_fails_after_the_disconnect_is_retrieved(
    vendor: FakeVendor, service: Service, client: httpx.AsyncClient, room: str, caplog: pytest.LogCaptureFixture
) -> None:
    await _ask_and_disconnect("place phone call", vendor, service, client, room, b"{}", 500)
    gc.collect()
    await asyncio.sleep(0)

    assert "never retrieved" not in caplog.text
    assert "Traceback" not in caplog.text


async def test_leaving_before_a_token_is_minted_takes_nothing_from_the_limit(
    vendor: FakeVendor, service: Service, client: httpx.AsyncClient, room: str
) -> None:
    path = f"/api/rooms/{room}/realtime/token"
    vendor.behave = wrong.hangs_before_headers
    for _ in range(3):
        asking = asyncio.create_task(client.post(path))
        await _until(lambda: vendor.busy == 1)
        asking.cancel()
        await _until(lambda: vendor.busy == 0 and service.in_flight() == 0)
    vendor.behave = answer_well

    statuses = [(await client.post(path)).status_code for _ in range(31)]

    assert statuses == [201] * 30 + [429]


async def test_a_request_that_never_arrives_whole_is_no_vendor_call(
    vendor: FakeVendor, service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    url = httpx.URL(service.url)
    _reader, writer = await asyncio.open_connection(url.host, url.port)
    writer.write(b"POST /api/realtime/session HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{")
    await writer.drain()

    writer.transport.abort()
    await _answer_to_health(service)

    assert vendor.calls == []
    assert service.in_flight() == 0
    assert "Traceback" not in caplog.text


async def _answer_to_health(service: Service) -> None:
    async with httpx.AsyncClient() as client:
        assert (await client.get(f"{service.url}/health")).status_code == 200


async def _until(is_true: Callable[[], bool]) -> None:
    async with asyncio.timeout(SOON):
        while not is_true():
            await asyncio.sleep(0.01)
