"""SIGTERM: what runs may finish, what can't is ended in its own form, and the process ends well."""

import asyncio
import signal
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.faults.answers import answer_well
from tests.faults.endpoints import BRIEFING, CALL_ID
from tests.faults.lanes import outcome
from tests.faults.misbehaviour import hangs_before_headers, silent_after_some_words
from tests.faults.process import Process, service_process
from tests.faults.wire import Behaviour, Connection, FakeVendor, Request

pytestmark = pytest.mark.anyio

PATIENT = {"UPSTREAM_TIMEOUT_SECONDS": "60", "LLM_TIMEOUT_SECONDS": "60", "LLM_IDLE_TIMEOUT_SECONDS": "60"}
QUESTION = {"message": "What next?"}
NUMBER = {"phone_number": "+14155550100"}
EVENTS = {"Accept": "text/event-stream"}


@pytest.fixture
async def vendor() -> AsyncIterator[FakeVendor]:
    vendor = FakeVendor(answer_well)
    await vendor.open()
    yield vendor
    await vendor.close()


@pytest.fixture
async def service(vendor: FakeVendor, tmp_path: Path) -> AsyncIterator[Process]:
    starting = service_process(vendor.url, tmp_path, **PATIENT)
    process = await asyncio.to_thread(starting.__enter__)
    try:
        yield process
    finally:
        await asyncio.to_thread(starting.__exit__, None, None, None)


@pytest.fixture
async def client(service: Process) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=service.url, timeout=60) as client:
        yield client


async def test_a_running_answer_finishes(vendor: FakeVendor, service: Process, client: httpx.AsyncClient) -> None:
    room = await _open_room(client)
    goes_on = asyncio.Event()
    vendor.behave = _answers_after(goes_on)
    chatting = asyncio.create_task(client.post(f"/api/rooms/{room}/chat", json=QUESTION))
    await _until_asked(vendor)

    service.popen.send_signal(signal.SIGTERM)
    await _until_closed(service)
    goes_on.set()

    assert (await chatting).status_code == 200
    assert await asyncio.to_thread(service.popen.wait, 30) == 0
    assert "Traceback" not in service.log


async def test_what_does_not_finish_is_ended_in_its_own_form(
    vendor: FakeVendor, service: Process, client: httpx.AsyncClient
) -> None:
    room = await _open_room(client)
    vendor.behave = silent_after_some_words
    chat = f"/api/rooms/{room}/chat"
    streaming = asyncio.create_task(client.post(chat, json=QUESTION, headers=EVENTS))
    answering = asyncio.create_task(client.post(chat, json=QUESTION))
    await _until_asked(vendor, times=2)

    service.popen.send_signal(signal.SIGTERM)

    stream, answer = await streaming, await answering
    assert stream.text.startswith("event: delta")
    assert outcome(stream) == outcome(answer) == (503, "shutting_down")
    assert answer.headers["retry-after"].isdecimal()
    assert await asyncio.to_thread(service.popen.wait, 30) == 0
    assert "Traceback" not in service.log


async def test_a_phone_call_that_is_placed_at_the_last_moment_is_answered_with_its_id(
    vendor: FakeVendor, service: Process, client: httpx.AsyncClient
) -> None:
    room = await _open_room(client)
    await client.post(f"/api/rooms/{room}/briefing", json=BRIEFING)
    goes_on = asyncio.Event()
    vendor.behave = _answers_after(goes_on)
    calling = asyncio.create_task(client.post(f"/api/rooms/{room}/briefing/call", json=NUMBER))
    await _until_asked(vendor)
    service.popen.send_signal(signal.SIGTERM)
    await _until_said(service, "ending 1 calls")
    goes_on.set()

    answer = await calling
    assert (answer.status_code, answer.json()["call_id"]) == (202, CALL_ID)
    assert await asyncio.to_thread(service.popen.wait, 30) == 0


async def test_a_phone_call_of_which_nobody_knows_the_end_says_so(
    vendor: FakeVendor, service: Process, client: httpx.AsyncClient
) -> None:
    room = await _open_room(client)
    await client.post(f"/api/rooms/{room}/briefing", json=BRIEFING)
    vendor.behave = hangs_before_headers
    calling = asyncio.create_task(client.post(f"/api/rooms/{room}/briefing/call", json=NUMBER))
    await _until_asked(vendor)

    service.popen.send_signal(signal.SIGTERM)

    answer = await calling
    assert outcome(answer) == (503, "shutting_down")
    assert "check what became of it" in answer.json()["detail"]
    assert "retry-after" not in answer.headers
    assert await asyncio.to_thread(service.popen.wait, 30) == 0
    assert "Traceback" not in service.log


def _answers_after(event: asyncio.Event) -> Behaviour:
    async def answers_later(connection: Connection, request: Request) -> None:
        await event.wait()
        await answer_well(connection, request)

    return answers_later


async def _open_room(client: httpx.AsyncClient) -> str:
    answer = await client.post("/api/rooms", json={"interviewer_name": "Ada"})
    name: str = answer.json()["room_name"]
    return name


async def _until_asked(vendor: FakeVendor, times: int = 1) -> None:
    async with asyncio.timeout(20):
        while vendor.busy < times:
            await asyncio.sleep(0.01)


async def _until_said(service: Process, words: str) -> None:
    async with asyncio.timeout(20):
        while words not in service.log:
            await asyncio.sleep(0.01)


async def _until_closed(service: Process) -> None:
    """Nobody new is let in."""
    address = ("127.0.0.1", httpx.URL(service.url).port or 0)
    async with asyncio.timeout(20):
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(address):
                    return
            await asyncio.sleep(0.01)
