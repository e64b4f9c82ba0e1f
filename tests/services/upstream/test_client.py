"""The client of a vendor on real sockets: what decides where two time limits meet, and how often a call is sent."""

import asyncio
import json
import logging
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import httpx
import pytest

from services.errors import ProviderBadAnswer, ProviderTimeout, ProviderUnavailable
from services.upstream.client import VendorClient
from services.upstream.responses import MappedError, VendorResponse, map_status
from services.upstream.retry_policy import RETRY_POLICIES, RetryPolicy
from services.upstream.transport import open_client, open_transport
from tests.faults.wire import Behaviour, Connection, FakeVendor, Request, head
from tests.support.vendor_client import NO_RETRIES, vendor_client

pytestmark = pytest.mark.anyio

KEY = "secret-key-of-the-vendor"


def map_error(response: VendorResponse) -> MappedError:
    return map_status("Daily", response, "DAILY_API_KEY")


@asynccontextmanager
async def vendor(behaviour: Behaviour) -> AsyncIterator[FakeVendor]:
    fake = FakeVendor(behaviour)
    await fake.open()
    try:
        yield fake
    finally:
        await fake.close()


def client(url: str, deadline: float = 30, policy: RetryPolicy = NO_RETRIES, max_concurrency: int = 10) -> VendorClient:
    return vendor_client(
        "Daily", url, map_error, key=KEY, deadline=deadline, policy=policy, max_concurrency=max_concurrency
    )


async def error_hangs_in_its_body(connection: Connection, _: Request) -> None:
    await connection.send(head(500, {"content-length": "100"}) + b"{")
    await connection.hang()


async def hangs(connection: Connection, _: Request) -> None:
    await connection.hang()


async def test_error_status_decides_when_its_body_misses_the_deadline() -> None:
    async def pass_the_deadline(_: httpx.Response) -> None:
        time.sleep(0.6)  # as a busy machine would, between the headers and the body

    async with vendor(error_hangs_in_its_body) as fake:
        http = open_client(fake.url, None, open_transport(1))
        http.event_hooks = {"response": [pass_the_deadline]}
        upstream = VendorClient("Daily", http, map_error, deadline=0.5, max_concurrency=1, retry_policy=NO_RETRIES)
        async with upstream:
            with pytest.raises(ProviderBadAnswer):
                await upstream.call("GET", "/rooms/x", repeatable=True)


async def test_failure_before_a_retry_stays_the_answer_when_the_retry_runs_into_the_deadline() -> None:
    async def overloaded_then_silent(connection: Connection, request: Request) -> None:
        if len(fake.calls) == 1:
            await connection.answer(b"{}", 503, retry_after="0")
        else:
            await connection.hang()

    policy = NO_RETRIES._replace(overloaded=2)
    async with vendor(overloaded_then_silent) as fake, client(fake.url, deadline=2, policy=policy) as upstream:
        with pytest.raises(ProviderUnavailable, match="overloaded"):
            await upstream.call("GET", "/rooms/x", repeatable=True)

        assert len(fake.calls) == 2


@contextmanager
def hanging_dns(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A resolver that answers only when the block is left."""
    is_over = threading.Event()

    def resolve(*_: object, **__: object) -> object:
        is_over.wait(60)
        raise socket.gaierror

    with monkeypatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", resolve)
        yield
    is_over.set()


async def test_request_that_was_not_sent_by_its_deadline_could_not_reach_the_vendor(monkeypatch) -> None:
    with hanging_dns(monkeypatch):
        async with client("http://vendor.example", deadline=0.3) as upstream:
            with pytest.raises(ProviderUnavailable, match="can't be reached"):
                await upstream.call("POST", "/call", repeatable=False)


async def test_request_that_was_sent_and_not_answered_by_its_deadline_timed_out() -> None:
    async with vendor(hangs) as fake, client(fake.url, deadline=1) as upstream:
        with pytest.raises(ProviderTimeout):
            await upstream.call("POST", "/call", repeatable=False)


async def test_refused_connection_could_not_reach_the_vendor() -> None:
    async with vendor(hangs) as fake, client(fake.url) as upstream:
        await fake.refuse()

        with pytest.raises(ProviderUnavailable, match="can't be reached"):
            await upstream.call("POST", "/call", repeatable=False)


@pytest.mark.parametrize(
    ("status", "kind", "error"),
    [
        (429, "rate_limited", ProviderUnavailable),
        (503, "overloaded", ProviderUnavailable),
        (529, "overloaded", ProviderUnavailable),
        (408, "timed_out", ProviderTimeout),
        (504, "timed_out", ProviderTimeout),
        (500, "failed", ProviderBadAnswer),
        (502, "failed", ProviderBadAnswer),
    ],
)
async def test_each_status_is_retried_as_often_as_the_policy_says(status: int, kind: str, error: type) -> None:
    async def refuse(connection: Connection, _: Request) -> None:
        await connection.answer(b"{}", status, retry_after="0")

    async with vendor(refuse) as fake, client(fake.url, policy=NO_RETRIES._replace(**{kind: 2})) as upstream:
        with pytest.raises(error):
            await upstream.call("GET", "/rooms/x", repeatable=True)

        assert len(fake.calls) == 3


async def test_lost_connection_is_retried_as_often_as_the_policy_says() -> None:
    async def hang_up(connection: Connection, _: Request) -> None:
        connection.cut()

    async with vendor(hang_up) as fake, client(fake.url, policy=NO_RETRIES._replace(disconnected=1)) as upstream:
        with pytest.raises(ProviderBadAnswer):
            await upstream.call("GET", "/rooms/x", repeatable=True)

        assert len(fake.calls) == 2


@pytest.mark.parametrize("vendor_name", RETRY_POLICIES)
async def test_unrepeatable_call_is_sent_once_under_any_policy(vendor_name: str) -> None:
    async def fail(connection: Connection, _: Request) -> None:
        await connection.answer(b"{}", 503, retry_after="0")

    async with vendor(fail) as fake, client(fake.url, policy=RETRY_POLICIES[vendor_name]) as upstream:
        with pytest.raises(ProviderUnavailable):
            await upstream.call("POST", "/call", repeatable=False)

        assert len(fake.calls) == 1


async def test_refusal_is_logged_once_without_what_was_sent(caplog: pytest.LogCaptureFixture) -> None:
    async def refuse(connection: Connection, _: Request) -> None:
        body = {"error": "invalid-request-error", "info": "user_name Grace Hopper is too long"}
        await connection.answer(json.dumps(body).encode(), 400)

    caplog.set_level(logging.WARNING)
    async with vendor(refuse) as fake, client(fake.url) as upstream:
        with pytest.raises(ProviderBadAnswer):
            await upstream.call("POST", "/tokens", repeatable=True, json={"properties": {"user_name": "Grace Hopper"}})

    [line] = caplog.messages
    assert "status=400 code=invalid-request-error" in line
    assert "user_name … is too long" in line
    assert KEY not in line


async def test_unread_stream_frees_its_slot_when_its_consumer_stops() -> None:
    async def endless(connection: Connection, _: Request) -> None:
        await connection.begin_stream()
        while not await connection.is_closed_within(0.01):
            await connection.send_chunk(b"data: word\n\n")

    async with vendor(endless) as fake, client(fake.url, max_concurrency=1) as upstream:
        for _ in range(2):
            async with upstream.stream("/chat", json={}, idle_timeout=10) as events:
                assert await anext(events)

        async with asyncio.timeout(30):
            while fake.busy:
                await asyncio.sleep(0.01)
