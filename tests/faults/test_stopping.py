"""SIGTERM: running calls may finish, others end with an error of their own form, and the process exits with 0."""

import asyncio
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from tests.faults.answers import answer_well
from tests.faults.endpoints import CALL_ID, open_briefed_room
from tests.faults.misbehaviour import hangs_before_headers, silent_after_some_words
from tests.faults.runner import outcome
from tests.faults.wire import Behaviour, Connection, FakeVendor, Request
from tests.support.api_server import ApiServer, starting_api
from tests.support.keys import NO_RATE_LIMITS, PATIENT, as_environment, vendors_at
from tests.support.waiting import LIMIT_SECONDS, wait_until_async

pytestmark = pytest.mark.anyio

QUESTION = {"message": "What next?"}
NUMBER = {"phone_number": "+14155550100"}
EVENTS = {"Accept": "text/event-stream"}


@pytest.fixture
def started(vendor: FakeVendor, tmp_path: Path) -> Iterator[ApiServer]:
    """The service, started as `make run` does."""
    settings = as_environment(vendors_at(vendor.url) | NO_RATE_LIMITS | PATIENT)
    with starting_api(tmp_path, "--timeout-graceful-shutdown", "10", **settings) as server:
        yield server


@pytest.fixture
async def service(started: ApiServer) -> ApiServer:
    await asyncio.to_thread(started.wait_until_ready)
    return started


@pytest.fixture
async def client(service: ApiServer) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=service.url, timeout=LIMIT_SECONDS) as client:
        yield client


async def test_running_call_finishes(vendor: FakeVendor, service: ApiServer, client: httpx.AsyncClient) -> None:
    room = await open_briefed_room(client)
    may_answer = asyncio.Event()
    vendor.behave = _answers_after(may_answer)
    chatting = asyncio.create_task(client.post(f"/api/rooms/{room}/chat", json=QUESTION))
    await _until_called(vendor)

    service.process.send_signal(signal.SIGTERM)
    await _until_port_is_closed(service)
    may_answer.set()

    assert (await chatting).status_code == 200
    await _assert_it_ends_well(service)


async def test_call_that_does_not_finish_is_answered_503(
    vendor: FakeVendor, service: ApiServer, client: httpx.AsyncClient
) -> None:
    room = await open_briefed_room(client)
    chat = f"/api/rooms/{room}/chat"
    await client.post(chat, json=QUESTION)  # text is streamed once a first answer had no unmarked thoughts
    vendor.behave = silent_after_some_words
    streaming = asyncio.create_task(client.post(chat, json=QUESTION, headers=EVENTS))
    answering = asyncio.create_task(client.post(chat, json=QUESTION))
    await _until_called(vendor, times=2)

    service.process.send_signal(signal.SIGTERM)

    stream, answer = await streaming, await answering
    assert stream.text.startswith("event: delta")
    assert outcome(stream) == outcome(answer) == (503, "shutting_down")
    assert answer.headers["retry-after"].isdecimal()
    await _assert_it_ends_well(service)


async def test_phone_call_placed_at_the_last_moment_is_answered_with_its_id(
    vendor: FakeVendor, service: ApiServer, client: httpx.AsyncClient
) -> None:
    room = await open_briefed_room(client)
    may_answer = asyncio.Event()
    vendor.behave = _answers_after(may_answer)
    calling = asyncio.create_task(client.post(f"/api/rooms/{room}/briefing/call", json=NUMBER))
    await _until_called(vendor)
    service.process.send_signal(signal.SIGTERM)
    await wait_until_async(lambda: "ending 1 requests" in service.log, "the service ends the running call")
    may_answer.set()

    answer = await calling
    assert (answer.status_code, answer.json()["call_id"]) == (202, CALL_ID)
    await _assert_it_ends_well(service)


async def test_phone_call_with_an_unknown_outcome_says_so(
    vendor: FakeVendor, service: ApiServer, client: httpx.AsyncClient
) -> None:
    room = await open_briefed_room(client)
    vendor.behave = hangs_before_headers
    calling = asyncio.create_task(client.post(f"/api/rooms/{room}/briefing/call", json=NUMBER))
    await _until_called(vendor)

    service.process.send_signal(signal.SIGTERM)

    answer = await calling
    assert outcome(answer) == (503, "shutting_down")
    assert "check whether it took effect" in answer.json()["detail"]
    assert "retry-after" not in answer.headers
    await _assert_it_ends_well(service)


def _answers_after(event: asyncio.Event) -> Behaviour:
    async def answers_later(connection: Connection, request: Request) -> None:
        await event.wait()
        await answer_well(connection, request)

    return answers_later


async def _until_called(vendor: FakeVendor, times: int = 1) -> None:
    await wait_until_async(lambda: vendor.busy >= times, f"the vendor has {times} calls")


async def _until_port_is_closed(service: ApiServer) -> None:
    address = ("127.0.0.1", httpx.URL(service.url).port)

    def is_closed() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(address) != 0

    await wait_until_async(is_closed, "the service accepts no new connection")


async def _assert_it_ends_well(service: ApiServer) -> None:
    assert await asyncio.to_thread(service.process.wait) == 0
    assert "Traceback" not in service.log
