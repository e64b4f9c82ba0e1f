"""Deadlines, retries and ceilings, over real sockets."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import httpx
import pytest

from tests.faults.answers import answer_well, sample
from tests.faults.endpoints import BRIEFING, CALL_ID
from tests.faults.lanes import outcome, serving
from tests.faults.misbehaviour import hangs_before_headers, says
from tests.faults.wire import Behaviour, Connection, FakeVendor, Request

pytestmark = pytest.mark.anyio

PATIENT = {"upstream_timeout_seconds": 60, "llm_timeout_seconds": 60, "llm_idle_timeout_seconds": 60}
VAPI_CEILING = 20
MANY_STREAMS = 100
"""More than are read word by word."""
WORDS = 10
QUESTION = {"message": "What next?"}
EVENTS = {"Accept": "text/event-stream"}


@pytest.fixture
async def vendor() -> AsyncIterator[FakeVendor]:
    vendor = FakeVendor(answer_well)
    await vendor.open()
    yield vendor
    await vendor.close()


def _first(behaviour: Behaviour) -> Behaviour:
    """Goes wrong once, and well from then on."""
    behaviours = iter([behaviour])

    async def behave(connection: Connection, request: Request) -> None:
        await next(behaviours, answer_well)(connection, request)

    return behave


async def test_it_waits_as_long_as_the_vendor_asks_where_the_deadline_allows(vendor: FakeVendor) -> None:
    async with serving(vendor.url, **PATIENT) as service, httpx.AsyncClient(base_url=service.url, timeout=60) as client:
        room = await _open_room(client)
        vendor.calls.clear()
        vendor.behave = _first(says(b"{}", 429, retry_after="1"))
        begun = time.monotonic()

        answer = await client.post(f"/api/rooms/{room}/chat", json=QUESTION)

        assert answer.status_code == 200
        assert time.monotonic() - begun >= 1
        assert len(vendor.calls) == 2


async def test_a_stream_whose_end_comes_late_leaves_a_connection_for_the_next_call(vendor: FakeVendor) -> None:
    async def ends_late(connection: Connection, _: Request) -> None:
        await connection.begin_stream()
        await connection.send_chunk(sample("openrouter/stream.txt"))
        await asyncio.sleep(0.005)
        await connection.send_chunk(b": late\n\n")
        await connection.end_stream()

    async with serving(vendor.url, **PATIENT) as service, httpx.AsyncClient(base_url=service.url, timeout=60) as client:
        room = await _open_room(client)
        vendor.behave = ends_late
        before = vendor.connections

        for _ in range(4):
            stream = await client.post(f"/api/rooms/{room}/chat", json=QUESTION, headers=EVENTS)
            assert "event: done" in stream.text

        assert vendor.connections <= before + 2


async def test_the_deadline_covers_the_retries(vendor: FakeVendor) -> None:
    async with serving(vendor.url, llm_timeout_seconds=1.5) as service, httpx.AsyncClient(timeout=60) as client:
        room = await _open_room(client, service.url)
        vendor.calls.clear()
        vendor.behave = says(b"{}", 503, retry_after="1")

        answer = await client.post(f"{service.url}/api/rooms/{room}/chat", json=QUESTION)

        assert outcome(answer) == (503, "provider_unavailable")
        assert answer.headers["retry-after"] == "1"
        assert len(vendor.calls) <= 2


@pytest.mark.parametrize("status", [500, 503])
async def test_a_passing_failure_is_not_noticed_by_the_client(vendor: FakeVendor, status: int) -> None:
    async with serving(vendor.url, **PATIENT) as service, httpx.AsyncClient(base_url=service.url, timeout=60) as client:
        room = await _open_room(client)
        vendor.behave = _first(says(b"{}", status))

        answer = await client.post(f"/api/rooms/{room}/chat", json=QUESTION, headers=EVENTS)

        assert outcome(answer) == (200, None)


async def test_a_connection_that_died_in_the_pool_is_not_noticed_by_the_client(vendor: FakeVendor) -> None:
    async with serving(vendor.url, **PATIENT) as service, httpx.AsyncClient(base_url=service.url, timeout=60) as client:
        room = await _open_room(client)
        await vendor.refuse()
        await vendor.open()

        answer = await client.post(f"/api/rooms/{room}/chat", json=QUESTION)

        assert answer.status_code == 200


async def test_beyond_the_ceiling_calls_are_refused_at_once_and_other_vendors_go_on(vendor: FakeVendor) -> None:
    async with serving(vendor.url, **PATIENT) as service, httpx.AsyncClient(base_url=service.url, timeout=60) as client:
        room = await _open_room(client)
        await service.services.storage.add_phone_call(room, CALL_ID, datetime.now(UTC))
        path = f"/api/rooms/{room}/briefing/call/{CALL_ID}"
        vendor.behave = _hangs_at("/vapi/")
        hanging = [asyncio.create_task(client.get(path)) for _ in range(VAPI_CEILING)]
        await _until_busy(vendor, VAPI_CEILING)

        refused = await client.get(path)
        chat = await client.post(f"/api/rooms/{room}/chat", json=QUESTION)

        assert outcome(refused) == (503, "provider_unavailable")
        assert refused.headers["retry-after"] == "1"
        assert chat.status_code == 200
        assert vendor.busy == VAPI_CEILING
        for task in hanging:
            task.cancel()
        await asyncio.wait(hanging)


async def test_a_vendor_that_keeps_failing_is_left_alone(vendor: FakeVendor) -> None:
    async with serving(vendor.url) as service, httpx.AsyncClient(base_url=service.url, timeout=60) as client:
        room = await _open_room(client)
        vendor.behave = says(sample("openrouter/error_500_internal.json"), 500)
        for _ in range(10):
            await client.post(f"/api/rooms/{room}/chat", json=QUESTION)
        vendor.calls.clear()

        answer = await client.post(f"/api/rooms/{room}/chat", json=QUESTION)

        assert outcome(answer) == (503, "provider_unavailable")
        assert 1 <= int(answer.headers["retry-after"]) <= 5
        assert vendor.calls == []


async def test_a_vendor_that_refuses_is_not_taken_for_one_that_fails(vendor: FakeVendor) -> None:
    async with serving(vendor.url) as service, httpx.AsyncClient(base_url=service.url, timeout=60) as client:
        room = await _open_room(client)
        vendor.behave = says(sample("openrouter/error_400_invalid_request.json"), 400)
        for _ in range(12):
            await client.post(f"/api/rooms/{room}/chat", json=QUESTION)
        vendor.behave = answer_well

        answer = await client.post(f"/api/rooms/{room}/chat", json=QUESTION)

        assert answer.status_code == 200


async def test_many_streams_at_once_lose_no_word(vendor: FakeVendor) -> None:
    async with serving(vendor.url, **PATIENT) as service, httpx.AsyncClient(base_url=service.url, timeout=60) as client:
        room = await _open_room(client)
        vendor.behave = _streams_word_by_word

        asking = [client.post(f"/api/rooms/{room}/chat", json=QUESTION, headers=EVENTS) for _ in range(MANY_STREAMS)]
        answers = await asyncio.gather(*asking)

        assert {outcome(answer) for answer in answers} == {(200, None)}
        assert all('"response":"' + "word " * WORDS in answer.text for answer in answers)


async def _streams_word_by_word(connection: Connection, _: Request) -> None:
    await connection.begin_stream()
    for _word in range(WORDS):
        await connection.send_chunk(b'data: {"choices": [{"delta": {"content": "word "}}]}\n\n')
        await asyncio.sleep(0.01)
    await connection.send_chunk(b'data: {"choices": [{"finish_reason": "stop"}]}\n\ndata: [DONE]\n\n')
    await connection.end_stream()


def _hangs_at(place: str) -> Behaviour:
    async def behave(connection: Connection, request: Request) -> None:
        behaviour = hangs_before_headers if request.path.startswith(place) else answer_well
        await behaviour(connection, request)

    return behave


async def _until_busy(vendor: FakeVendor, calls: int) -> None:
    async with asyncio.timeout(20):
        while vendor.busy < calls:
            await asyncio.sleep(0.01)


async def _open_room(client: httpx.AsyncClient, url: str = "") -> str:
    answer = await client.post(f"{url}/api/rooms", json={"interviewer_name": "Ada"})
    name: str = answer.json()["room_name"]
    await client.post(f"{url}/api/rooms/{name}/briefing", json=BRIEFING)
    return name
