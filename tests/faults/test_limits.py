"""Deadlines, retries and limits on calls to vendors, over real sockets."""

import asyncio
import time
from datetime import UTC, datetime

import httpx
import pytest

from tests.faults.answers import answer_well, sample
from tests.faults.endpoints import CALL_ID, open_briefed_room
from tests.faults.misbehaviour import hangs_before_headers, says
from tests.faults.runner import outcome
from tests.faults.service import Service, serving
from tests.faults.wire import Behaviour, Connection, FakeVendor, Request
from tests.support.waiting import LIMIT_SECONDS, wait_until_async

pytestmark = pytest.mark.anyio

VAPI_LIMIT = 20
MANY_STREAMS = 100
"""Enough for the service to read each less often."""
WORDS = 10
LATE_STREAMS = 20
QUESTION = {"message": "What next?"}
EVENTS = {"Accept": "text/event-stream"}


@pytest.fixture
async def chat(client: httpx.AsyncClient) -> str:
    """The path of a room's chat."""
    return f"/api/rooms/{await open_briefed_room(client)}/chat"


def _first(behaviour: Behaviour) -> Behaviour:
    """Fails once, and works from then on."""
    behaviours = iter([behaviour])

    async def behave(connection: Connection, request: Request) -> None:
        await next(behaviours, answer_well)(connection, request)

    return behave


async def test_retry_waits_as_long_as_the_vendor_asks(vendor: FakeVendor, client: httpx.AsyncClient, chat: str) -> None:
    vendor.calls.clear()
    vendor.behave = _first(says(b"{}", 429, retry_after="1"))
    begun = time.monotonic()

    answer = await client.post(chat, json=QUESTION)

    assert answer.status_code == 200
    assert time.monotonic() - begun >= 1
    assert len(vendor.calls) == 2


async def test_stream_that_ends_late_leaves_its_connection_for_the_next_call(
    vendor: FakeVendor, client: httpx.AsyncClient, chat: str
) -> None:
    async def ends_late(connection: Connection, _: Request) -> None:
        await connection.begin_stream()
        await connection.send_chunk(sample("openrouter/stream.txt"))
        await asyncio.sleep(0.005)
        await connection.send_chunk(b": late\n\n")
        await connection.end_stream()

    vendor.behave = ends_late
    before = vendor.connections

    for _ in range(LATE_STREAMS):
        stream = await client.post(chat, json=QUESTION, headers=EVENTS)
        assert "event: done" in stream.text

    # on a busy machine some streams end later than the service waits for them
    assert vendor.connections < before + LATE_STREAMS


async def test_deadline_covers_the_retries(vendor: FakeVendor) -> None:
    async with (
        serving(vendor.url, llm_timeout_seconds=5) as service,
        httpx.AsyncClient(base_url=service.url, timeout=LIMIT_SECONDS) as client,
    ):
        room = await open_briefed_room(client)
        vendor.calls.clear()
        vendor.behave = says(b"{}", 503, retry_after="3")

        answer = await client.post(f"/api/rooms/{room}/chat", json=QUESTION)

        assert outcome(answer) == (503, "provider_unavailable")
        assert answer.headers["retry-after"] == "3"
        assert len(vendor.calls) <= 2


@pytest.mark.parametrize("status", [500, 503])
async def test_client_does_not_notice_one_failure(
    vendor: FakeVendor, client: httpx.AsyncClient, chat: str, status: int
) -> None:
    vendor.behave = _first(says(b"{}", status))

    answer = await client.post(chat, json=QUESTION, headers=EVENTS)

    assert outcome(answer) == (200, None)


async def test_client_does_not_notice_a_dead_pooled_connection(
    vendor: FakeVendor, client: httpx.AsyncClient, chat: str
) -> None:
    await vendor.refuse()
    await vendor.open()

    answer = await client.post(chat, json=QUESTION)

    assert answer.status_code == 200


async def test_calls_above_the_limit_are_refused_and_other_vendors_still_serve(
    vendor: FakeVendor, service: Service, client: httpx.AsyncClient
) -> None:
    room = await open_briefed_room(client)
    await service.services.storage.add_phone_call(room, CALL_ID, datetime.now(UTC))
    path = f"/api/rooms/{room}/briefing/call/{CALL_ID}"
    vendor.behave = _hangs_at("/vapi/")
    hanging = [asyncio.create_task(client.get(path)) for _ in range(VAPI_LIMIT)]
    await wait_until_async(lambda: vendor.busy == VAPI_LIMIT, "Vapi has as many calls as it may have")

    refused = await client.get(path)
    chat = await client.post(f"/api/rooms/{room}/chat", json=QUESTION)

    assert outcome(refused) == (503, "provider_unavailable")
    assert refused.headers["retry-after"] == "1"
    assert chat.status_code == 200
    assert vendor.busy == VAPI_LIMIT
    for task in hanging:
        task.cancel()
    await asyncio.wait(hanging)


async def test_vendor_that_keeps_failing_is_not_called(
    vendor: FakeVendor, client: httpx.AsyncClient, chat: str
) -> None:
    vendor.behave = says(sample("openrouter/error_500_internal.json"), 500)
    for _ in range(10):
        await client.post(chat, json=QUESTION)
    vendor.calls.clear()

    answer = await client.post(chat, json=QUESTION)

    assert outcome(answer) == (503, "provider_unavailable")
    assert 1 <= int(answer.headers["retry-after"]) <= 5
    assert vendor.calls == []


async def test_vendor_that_refuses_requests_is_still_called(
    vendor: FakeVendor, client: httpx.AsyncClient, chat: str
) -> None:
    vendor.behave = says(sample("openrouter/error_400_invalid_request.json"), 400)
    for _ in range(12):
        await client.post(chat, json=QUESTION)
    vendor.behave = answer_well

    answer = await client.post(chat, json=QUESTION)

    assert answer.status_code == 200


async def test_many_streams_at_once_lose_no_word(vendor: FakeVendor, client: httpx.AsyncClient, chat: str) -> None:
    vendor.behave = _streams_word_by_word

    asking = [client.post(chat, json=QUESTION, headers=EVENTS) for _ in range(MANY_STREAMS)]
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
