"""Calls that Vapi does not place or may have placed: the error names its cause, and no call is placed twice."""

import asyncio
import json
import logging
from contextlib import asynccontextmanager

import aiohttp
import httpx
import pytest

from services.errors import (
    InvalidInput,
    ProviderBadAnswer,
    ProviderTimeout,
    ProviderUnavailable,
    ServiceError,
)
from services.vapi import CallRefused, Vapi, map_error
from tests.services.vapi.calls import DATA, KEY, QUEUED, VENDOR_TEXT, call_up, refusal, settings_with
from tests.support.vendor_client import vendor_client

pytestmark = pytest.mark.anyio

NOT_E164 = json.loads((DATA / "error_400_not_e164.json").read_text())


@asynccontextmanager
async def line(answer: bytes | None, deadline: float = 5, *, hangs: bool = False):
    """Vapi on a real socket that reads a request, sends `answer` if there is one, and then disconnects or hangs."""
    requests: list[bytes] = []
    is_over = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requests.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(answer or b"")
        if answer is None or hangs:
            await is_over.wait()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        url = f"http://127.0.0.1:{port}"
        async with vendor_client("Vapi", url, map_error, deadline=deadline, keep_alive=False) as upstream:
            yield Vapi(upstream, settings_with()), requests
        is_over.set()


async def call_failure(vapi: Vapi) -> ServiceError:
    with pytest.raises(ServiceError) as caught:
        await call_up(vapi)
    assert VENDOR_TEXT not in str(caught.value)
    return caught.value


PLACING_FAILURES = [
    (refusal(400), ProviderBadAnswer, False),
    (refusal(400, ["assistant.property tools should not exist"]), ProviderBadAnswer, False),
    (refusal(401), ProviderUnavailable, False),
    (refusal(403), ProviderUnavailable, False),
    (httpx.Response(403, text="error code: 1010"), ProviderUnavailable, False),
    (refusal(404), ProviderBadAnswer, False),
    (httpx.Response(307, headers={"location": "https://elsewhere.example/call"}), ProviderBadAnswer, False),
    (httpx.Response(303, headers={"location": "https://elsewhere.example/call"}), ProviderBadAnswer, True),
    (refusal(402), ProviderUnavailable, False),
    (refusal(409), ProviderBadAnswer, False),
    (refusal(413), ProviderBadAnswer, False),
    (refusal(422), ProviderBadAnswer, False),
    (refusal(429), ProviderUnavailable, False),
    (refusal(408), ProviderTimeout, True),
    (refusal(500), ProviderBadAnswer, True),
    (refusal(502), ProviderBadAnswer, True),
    (refusal(503), ProviderBadAnswer, True),
    (refusal(504), ProviderTimeout, True),
    (refusal(524), ProviderTimeout, True),
    (httpx.Response(500, content=b"\xff"), ProviderBadAnswer, True),
    (httpx.Response(201, content=b""), ProviderBadAnswer, True),
    (httpx.Response(201, content=b"<html>"), ProviderBadAnswer, True),
    (httpx.Response(201, json=[]), ProviderBadAnswer, True),
    (httpx.Response(201, json={"results": [], "errors": []}), ProviderBadAnswer, True),
    (httpx.Response(201, json=QUEUED | {"id": "../assistant"}), ProviderBadAnswer, True),
    (httpx.Response(201, json=QUEUED | {"id": 7}), ProviderBadAnswer, True),
]


@pytest.mark.parametrize(("answer", "kind", "may_ring"), PLACING_FAILURES)
async def test_failed_call_is_never_placed_again(vendor, vapi, answer, kind, may_ring):
    route = vendor.post("/call").mock(return_value=answer)

    error = await call_failure(vapi)

    assert isinstance(error, kind)
    assert ("the phone may still ring" in error.detail) is may_ring
    assert route.call_count == 1


HANG_UPS = {
    "no answer": b"",
    "half an answer": b"HTTP/1.1 201 Created\r\nContent-Length: 5000\r\n\r\n{",
    "no HTTP": b"SSH-2.0-OpenSSH\r\n\r\n",
    "a reason that is not in UTF-8": b"HTTP/1.1 201 Cr\xe9\xe9\r\nContent-Length: 2\r\n\r\n{}",
}


@pytest.mark.parametrize("answer", HANG_UPS.values(), ids=HANG_UPS.keys())
async def test_connection_lost_after_the_request_does_not_place_the_call_again(answer):
    async with line(answer) as (vapi, requests):
        error = await call_failure(vapi)

    assert isinstance(error, ProviderBadAnswer)
    assert "the phone may still ring" in error.detail
    assert len(requests) == 1


async def test_missing_response_does_not_place_the_call_again():
    async with line(None, deadline=0.3) as (vapi, requests):
        error = await call_failure(vapi)

    assert isinstance(error, ProviderTimeout)
    assert "the phone may still ring" in error.detail
    assert len(requests) == 1


async def test_error_without_its_body_is_judged_by_its_status():
    async with line(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 100\r\n\r\n{", deadline=1, hangs=True) as (
        vapi,
        requests,
    ):
        error = await call_failure(vapi)

    assert isinstance(error, ProviderUnavailable)
    assert "VAPI_API_KEY" in error.detail
    assert len(requests) == 1


async def test_failed_connection_certainly_placed_no_call(vendor, vapi):
    route = vendor.post("/call").mock(side_effect=httpx.ConnectTimeout("no route"))

    error = await call_failure(vapi)

    assert isinstance(error, ProviderUnavailable)
    assert "ring" not in error.detail
    assert route.call_count == 1


@pytest.mark.parametrize(
    "loss",
    [httpx.WriteError("reset"), httpx.NetworkError("?"), aiohttp.ClientConnectionResetError("closing transport")],
    ids=lambda loss: type(loss).__name__,
)
async def test_phone_may_ring_after_an_unclear_connection_error(vendor, vapi, loss):
    route = vendor.post("/call").mock(side_effect=loss)

    error = await call_failure(vapi)

    assert isinstance(error, ProviderBadAnswer)
    assert "the phone may still ring" in error.detail
    assert route.call_count == 1


async def test_no_retry_after_where_the_phone_may_ring(vendor, vapi):
    vendor.post("/call").mock(return_value=refusal(503, **{"retry-after": "30"}))

    error = await call_failure(vapi)

    assert error.retry_after is None


async def test_rate_limit_gives_retry_after(vendor, vapi):
    vendor.post("/call").mock(return_value=refusal(429, **{"retry-after": "30"}))

    error = await call_failure(vapi)

    assert error.retry_after == 30


BLAMED = [
    ("error_400_daily_limit.json", ProviderUnavailable, "daily limit"),
    ("error_400_concurrency_limit.json", ProviderUnavailable, "Too many calls"),
    ("error_400_international.json", ProviderUnavailable, "can't call abroad; set VAPI_PHONE_NUMBER_ID"),
    ("error_402_no_credit.json", ProviderUnavailable, "credit is used up"),
    ("error_400_no_number_to_call_from.json", CallRefused, "check VAPI_PHONE_NUMBER_ID."),
    ("error_400_unknown_assistant.json", CallRefused, "check VAPI_ASSISTANT_ID."),
    ("error_400_unknown_property.json", CallRefused, "VAPI_PHONE_NUMBER_ID and VAPI_ASSISTANT_ID"),
    ("error_401_invalid_key.json", ProviderUnavailable, "VAPI_API_KEY is a private key"),
    ("error_403_assistant_not_allowed.json", ProviderUnavailable, "VAPI_ASSISTANT_ID"),
    ("error_403_without_user_agent.txt", ProviderUnavailable, "firewall"),
]


@pytest.mark.parametrize(("name", "kind", "cause"), BLAMED)
async def test_refusal_names_its_cause_to_the_caller_and_to_the_log(vendor, vapi, caplog, name, kind, cause):
    status = int(name.split("_")[1])
    vendor.post("/call").respond(status, content=(DATA / name).read_bytes())

    error = await call_failure(vapi)

    assert isinstance(error, kind)
    assert cause in error.detail
    assert "ring" not in error.detail
    assert f"Vapi refused: status={status}" in caplog.text


async def test_concurrency_limit_gives_retry_after(vendor, vapi):
    vendor.post("/call").respond(400, content=(DATA / "error_400_concurrency_limit.json").read_bytes())

    assert (await call_failure(vapi)).retry_after == 60


@pytest.mark.parametrize("as_list", [True, False])
async def test_refused_number_is_invalid_input(vendor, vapi, as_list):
    [message] = NOT_E164["message"]
    vendor.post("/call").respond(400, json=NOT_E164 | {"message": [message] if as_list else message})

    error = await call_failure(vapi)

    assert isinstance(error, InvalidInput)
    assert error.errors[0].field == "phone_number"
    assert message not in error.detail


async def test_log_contains_neither_number_nor_key(vendor, vapi, caplog):
    caplog.set_level(logging.DEBUG)
    vendor.post("/call").mock(return_value=refusal(400, f"customer.number {VENDOR_TEXT}"))

    await call_failure(vapi)

    assert "+14155550100" not in caplog.text
    assert KEY not in caplog.text
