"""Clients that disconnect: the vendor call made for them ends, or, where it is paid and kept, runs to completion.

The vendors never time out here, so that only the disconnect ends a call.
"""

import asyncio
import gc
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from tests.faults import misbehaviour as wrong
from tests.faults.answers import answer_well, forgotten_room, sample
from tests.faults.endpoints import CALL_ID, ENDPOINTS, open_briefed_room
from tests.faults.service import Service, serving
from tests.faults.wire import Behaviour, Connection, FakeVendor, Request
from tests.support.waiting import LIMIT_SECONDS, wait_until_async

pytestmark = pytest.mark.anyio


@pytest.fixture
async def room(client: httpx.AsyncClient, service: Service) -> str:
    name = await open_briefed_room(client)
    await service.services.storage.add_phone_call(name, CALL_ID, datetime.now(UTC))
    return name


async def _until_called(vendor: FakeVendor) -> None:
    await wait_until_async(lambda: vendor.busy == 1, "the vendor is called")


async def _until_quiet(vendor: FakeVendor, service: Service) -> None:
    await wait_until_async(lambda: vendor.busy == 0 and service.in_flight() == 0, "the vendor call ends")


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
async def test_vendor_call_ends_when_the_client_disconnects(
    endpoint: str, behaviour: Behaviour, vendor: FakeVendor, service: Service, client: httpx.AsyncClient, room: str
) -> None:
    vendor.behave = behaviour
    call = ENDPOINTS[endpoint]
    headers = {"Accept": "text/event-stream"} if call.is_stream else {}
    path = call.path.format(room=room, forgotten=forgotten_room(1))
    asking = asyncio.create_task(client.request(call.method, path, json=call.body, headers=headers))
    await _until_called(vendor)

    asking.cancel()

    await _until_quiet(vendor, service)


async def test_an_abandoned_stream_counts_its_estimate_and_the_next_question_is_refused(vendor: FakeVendor) -> None:
    async with (
        serving(vendor.url, model_budget=2_000) as service,
        httpx.AsyncClient(base_url=service.url, timeout=LIMIT_SECONDS) as client,
    ):
        path = f"/api/rooms/{await open_briefed_room(client)}/chat"
        vendor.behave = wrong.silent_after_some_words
        question = {"message": "What next?"}
        asking = asyncio.create_task(client.post(path, json=question, headers={"Accept": "text/event-stream"}))
        await _until_called(vendor)
        asking.cancel()
        await _until_quiet(vendor, service)

        refused = await client.post(path, json=question)

    assert (refused.status_code, refused.json()["code"]) == (429, "budget_exhausted")


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
    has_left = asyncio.Event()

    async def answers_late(connection: Connection, request: Request) -> None:
        await has_left.wait()
        await connection.answer(answer, status)

    vendor.behave = answers_late
    call = ENDPOINTS[endpoint]
    headers = {"Accept": "text/event-stream"} if call.is_stream else {}
    asking = asyncio.create_task(client.post(call.path.format(room=room), json=call.body, headers=headers))
    await _until_called(vendor)
    asking.cancel()
    await asyncio.wait([asking])
    has_left.set()
    await _until_quiet(vendor, service)


@pytest.mark.parametrize("endpoint", ["debrief", "debrief stream"])
async def test_a_debrief_is_completed_and_stored_and_the_same_request_finds_it(
    endpoint: str, vendor: FakeVendor, service: Service, client: httpx.AsyncClient, room: str
) -> None:
    await _ask_and_disconnect(endpoint, vendor, service, client, room, sample("openrouter/debrief.json"))
    stored = await _stored(client, f"/api/rooms/{room}/debrief")
    vendor.behave = wrong.hangs_before_headers

    again = await client.post(f"/api/rooms/{room}/debrief", json=ENDPOINTS[endpoint].body)

    assert again.status_code == 200
    assert again.json() == stored


@pytest.mark.parametrize("endpoint", ["plan", "plan stream"])
async def test_a_plan_is_completed_and_stored(
    endpoint: str, vendor: FakeVendor, service: Service, client: httpx.AsyncClient, room: str
) -> None:
    await _ask_and_disconnect(endpoint, vendor, service, client, room, sample("openrouter/plan.json"))

    stored = await _stored(client, f"/api/rooms/{room}/plan")

    assert stored["questions"][0]["because"]["text"] == "Wrote a compiler."


async def _stored(client: httpx.AsyncClient, path: str) -> Any:
    """What is stored, once it is there: it is written after the vendor has answered."""
    async with asyncio.timeout(60):
        while (response := await client.get(path)).status_code == 404:
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


async def test_voice_token_that_is_not_issued_costs_no_quota(
    vendor: FakeVendor, service: Service, client: httpx.AsyncClient, room: str
) -> None:
    path = f"/api/rooms/{room}/realtime/token"
    vendor.behave = wrong.hangs_before_headers
    for _ in range(3):
        asking = asyncio.create_task(client.post(path))
        await _until_called(vendor)
        asking.cancel()
        await _until_quiet(vendor, service)
    vendor.behave = answer_well

    statuses = [(await client.post(path)).status_code for _ in range(31)]

    assert statuses == [201] * 30 + [429]


async def test_request_that_never_arrives_whole_calls_no_vendor(
    vendor: FakeVendor, service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    url = httpx.URL(service.url)
    _reader, writer = await asyncio.open_connection(url.host, url.port)
    writer.write(b"POST /api/realtime/session HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{")
    await writer.drain()

    writer.transport.abort()
    await _get_health(service)

    assert vendor.calls == []
    assert service.in_flight() == 0
    assert "Traceback" not in caplog.text


async def _get_health(service: Service) -> None:
    async with httpx.AsyncClient() as client:
        assert (await client.get(f"{service.url}/health")).status_code == 200
