"""Vapi at the wire: requests, responses, errors, and that no call is placed twice."""

import asyncio
import json
import logging
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import httpx
import pytest
import respx

from config import Settings
from services.errors import (
    InvalidInput,
    ProviderBadAnswer,
    ProviderNotConfigured,
    ProviderTimeout,
    ProviderUnavailable,
    ServiceError,
)
from services.prompts.phone import PHONE_SYSTEM_PROMPT
from services.upstream.client import VendorClient
from services.vapi import CallRefused, PhoneCall, Vapi, map_error
from tests.support.vendor_client import vendor_client
from tests.support.vendor_specs import WITHOUT, SpecChecker

pytestmark = pytest.mark.anyio

BASE = "https://api.vapi.ai"
KEY = "vapi-private-key"
DATA = Path(__file__).parent.parent / "data/vapi"
QUEUED = json.loads((DATA / "call_queued.json").read_text())
ENDED = json.loads((DATA / "call_ended.json").read_text())
NOT_E164 = json.loads((DATA / "error_400_not_e164.json").read_text())
CALL_ID = QUEUED["id"]
VENDOR_TEXT = "vendor text that quotes +14155550100"
NONCE = "5eed5eed5eed5eed5eed5eed5eed5eed"


def settings_with(**changes: object) -> Settings:
    given = {"vapi_api_key": KEY, "vapi_phone_number_id": "number-1", "vapi_base_url": BASE}
    return Settings(_env_file=None, **given | changes)


def refusal(status: int, message: object = VENDOR_TEXT, **headers: str) -> httpx.Response:
    body = {"message": message, "error": "Some Error", "statusCode": status}
    return httpx.Response(status, json=body, headers={"retry-after": "0"} | headers)


@pytest.fixture
def vendor():
    with respx.mock(using="httpx", base_url=BASE, assert_all_called=False) as router:
        yield router


@pytest.fixture
async def upstream():
    async with vendor_client("Vapi", BASE, map_error, key=KEY, keep_alive=False) as upstream:
        yield upstream


@pytest.fixture
def vapi(upstream: VendorClient) -> Vapi:
    return Vapi(upstream, settings_with())


async def call_up(vapi: Vapi, **changes: object) -> PhoneCall:
    asked = {
        "phone_number": "+14155550100",
        "interviewer_name": "Ada",
        "room_name": "room-1",
        "variables": {"briefing": "Name: Grace"},
        "nonce": NONCE,
    }
    return await vapi.place_briefing_call(**asked | changes)


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


def sent_body(route: respx.Route) -> dict:
    return json.loads(route.calls.last.request.content)


async def call_failure(vapi: Vapi) -> ServiceError:
    with pytest.raises(ServiceError) as caught:
        await call_up(vapi)
    assert VENDOR_TEXT not in str(caught.value)
    return caught.value


async def test_call_is_placed_with_its_own_assistant(vendor, vapi):
    route = vendor.post("/call").respond(201, json=QUEUED)

    await call_up(vapi)

    body = sent_body(route)
    assert {key: body[key] for key in ("phoneNumberId", "customer", "name", "assistantOverrides")} == {
        "phoneNumberId": "number-1",
        "customer": {"number": "+14155550100", "name": "Ada"},
        "name": "Briefing room-1",
        "assistantOverrides": {"variableValues": {"briefing": "Name: Grace"}, "maxDurationSeconds": 900},
    }
    assert body["assistant"]["voicemailDetection"] == {"provider": "vapi"}
    assert body["assistant"]["endCallPhrases"] == ["goodbye for now"]
    assert body["assistant"]["artifactPlan"]["recordingEnabled"] is False
    assert "assistantId" not in body


async def test_assistant_contains_nothing_of_the_briefing(vendor, vapi):
    route = vendor.post("/call").respond(201, json=QUEUED)

    await call_up(vapi, variables={"briefing": "Name: Grace Hopper"})

    assistant = sent_body(route)["assistant"]
    assert assistant["model"]["messages"][0] == {"role": "system", "content": PHONE_SYSTEM_PROMPT}
    assert "Grace" not in json.dumps(assistant)


async def test_saved_assistant_gets_the_variables_and_the_time_limit(vendor, upstream):
    route = vendor.post("/call").respond(201, json=QUEUED)
    vapi = Vapi(upstream, settings_with(vapi_assistant_id="assistant-1"))

    await call_up(vapi, variables={"briefing": "Name: Grace", "role": "Engineer"})

    body = sent_body(route)
    assert body["assistantId"] == "assistant-1"
    assert body["assistantOverrides"] == {
        "variableValues": {"briefing": "Name: Grace", "role": "Engineer"},
        "maxDurationSeconds": 900,
    }
    assert "assistant" not in body


@pytest.mark.parametrize(
    "text", ["{{ customer.number }}", "{% raw %}{{", "{{{{x}}}}", "%{%}", "{{%{", "{" * 5 + "}" * 5]
)
async def test_values_contain_nothing_that_liquid_would_evaluate(vendor, vapi, text):
    route = vendor.post("/call").respond(201, json=QUEUED)

    await call_up(vapi, variables={"briefing": text}, interviewer_name=text)

    body = sent_body(route)
    said = body["assistantOverrides"]["variableValues"]["briefing"] + body["customer"]["name"]
    assert not set("{}") & set(said)


@pytest.fixture
def published() -> SpecChecker:
    checker = SpecChecker.from_environment()
    if checker is None:
        pytest.skip(WITHOUT)
    return checker


@pytest.mark.parametrize("assistant_id", [None, "assistant-1"])
async def test_requests_match_the_published_schema(vendor, upstream, published, assistant_id):
    placing = vendor.post("/call").respond(201, json=QUEUED)
    looking_up = vendor.get(f"/call/{CALL_ID}").respond(200, json=ENDED)
    vapi = Vapi(upstream, settings_with(vapi_assistant_id=assistant_id))

    await call_up(vapi)
    await vapi.get_call(CALL_ID)

    published.check(placing.calls.last.request)
    published.check(looking_up.calls.last.request)


async def test_deprecated_web_call_matches_the_published_schema(vendor, vapi, published):
    route = vendor.post("/call/web").respond(201, json=QUEUED | {"webCallUrl": "https://vapi.example.daily.co/abc"})

    with pytest.warns(DeprecationWarning, match="create_client_secret"):
        await vapi.create_web_call(instructions="You are Grace.")

    published.check(route.calls.last.request)


async def test_long_names_are_cut_to_forty_characters(vendor, vapi):
    route = vendor.post("/call").respond(201, json=QUEUED)

    await call_up(vapi, interviewer_name="A" * 80, room_name="r" * 128)

    body = sent_body(route)
    assert (len(body["customer"]["name"]), len(body["name"])) == (40, 40)


async def test_response_gives_the_call(vendor, vapi):
    vendor.post("/call").respond(201, json=QUEUED)

    assert await call_up(vapi) == PhoneCall(CALL_ID, "queued")


async def test_missing_status_is_none(vendor, vapi):
    vendor.post("/call").respond(201, json={key: QUEUED[key] for key in ("id", "orgId", "createdAt", "updatedAt")})

    assert await call_up(vapi) == PhoneCall(CALL_ID, None)


@pytest.mark.parametrize(
    "odd",
    [
        {"status": VENDOR_TEXT},
        {"status": ["queued"]},
        {"startedAt": "yesterday"},
        {"endedReason": ""},
        {"webCallUrl": "wss://x"},
    ],
    ids=str,
)
async def test_invalid_optional_field_does_not_lose_the_call(vendor, vapi, odd):
    vendor.post("/call").respond(201, json=QUEUED | odd)

    assert await call_up(vapi) == PhoneCall(CALL_ID, None if "status" in odd else "queued")


@pytest.mark.parametrize(
    ("missing", "named"), [("vapi_api_key", "VAPI_API_KEY"), ("vapi_phone_number_id", "VAPI_PHONE_NUMBER_ID")]
)
async def test_missing_setting_is_named_and_no_call_is_placed(vendor, upstream, missing, named):
    route = vendor.post("/call")

    with pytest.raises(ProviderNotConfigured, match=named):
        await call_up(Vapi(upstream, settings_with(**{missing: None})))

    assert not route.called


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


async def test_state_of_an_ended_call(vendor, vapi):
    vendor.get(f"/call/{CALL_ID}").respond(200, json=ENDED)

    state = await vapi.get_call(CALL_ID)

    assert state.started_at == datetime(2026, 11, 23, 10, 0, 9, tzinfo=UTC)
    assert (state.call_id, state.status, state.ended_reason) == (CALL_ID, "ended", "customer-ended-call")
    assert state.duration_seconds == 282
    assert state.outcome == "The person who was called hung up."


@pytest.mark.parametrize(
    ("sample", "outcome"),
    [
        ("call_ended_unanswered.json", "The call was not answered."),
        ("call_ended_without_credit.json", "Vapi's credit is used up; top it up there."),
    ],
)
async def test_unsuccessful_call_says_why(vendor, vapi, sample, outcome):
    vendor.get(f"/call/{CALL_ID}").respond(200, content=(DATA / sample).read_bytes())

    state = await vapi.get_call(CALL_ID)

    assert (state.outcome, state.duration_seconds) == (outcome, None)


@pytest.mark.parametrize("odd", ["", "yesterday, more or less", ["x"], "2026-11-25T10:00:00"], ids=str)
async def test_invalid_fields_of_a_state_are_none_and_the_rest_is_kept(vendor, vapi, odd):
    side = dict.fromkeys(("startedAt", "endedAt", "endedReason", "webCallUrl"), odd)
    vendor.get(f"/call/{CALL_ID}").respond(200, json=QUEUED | side)

    state = await vapi.get_call(CALL_ID)

    assert (state.status, state.started_at, state.ended_at) == ("queued", None, None)


async def test_state_of_another_call_is_a_bad_answer(vendor, vapi):
    vendor.get("/call/another-call").respond(200, json=QUEUED)

    with pytest.raises(ProviderBadAnswer, match="another call"):
        await vapi.get_call("another-call")


@pytest.mark.parametrize("status", [400, 409, 422])
async def test_refused_look_up_names_no_setting_for_placing_calls(vendor, vapi, status):
    vendor.get(f"/call/{CALL_ID}").mock(return_value=refusal(status))

    with pytest.raises(ProviderBadAnswer, match="refused to give the state"):
        await vapi.get_call(CALL_ID)


async def test_ringing_call_has_no_duration(vendor, vapi):
    vendor.get(f"/call/{CALL_ID}").respond(200, content=(DATA / "call_ringing.json").read_bytes())

    state = await vapi.get_call(CALL_ID)

    assert (state.status, state.duration_seconds, state.outcome) == ("ringing", None, None)


async def test_unknown_status_is_passed_on(vendor, vapi):
    vendor.get(f"/call/{CALL_ID}").respond(200, content=(DATA / "call_of_an_unknown_status.json").read_bytes())

    state = await vapi.get_call(CALL_ID)

    assert (state.status, state.outcome) == ("parked-on-hold", None)


async def test_unknown_reason_is_passed_on_without_an_outcome(vendor, vapi):
    vendor.get(f"/call/{CALL_ID}").respond(
        200, json=ENDED | {"status": "over", "endedReason": "pipeline-error-new.2027"}
    )

    state = await vapi.get_call(CALL_ID)

    assert (state.status, state.ended_reason, state.outcome) == ("over", "pipeline-error-new.2027", None)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"null",
        json.dumps(ENDED | {"id": 7}).encode(),
        json.dumps({"status": "ended"}).encode(),
    ],
)
async def test_malformed_state_is_a_bad_answer(vendor, vapi, content):
    vendor.get(f"/call/{CALL_ID}").respond(200, content=content)

    with pytest.raises(ProviderBadAnswer):
        await vapi.get_call(CALL_ID)


async def test_look_up_is_retried(vendor, vapi):
    vendor.get(f"/call/{CALL_ID}").mock(side_effect=[refusal(503), refusal(503), httpx.Response(200, json=ENDED)])

    state = await vapi.get_call(CALL_ID)

    assert state.status == "ended"


async def test_nothing_is_looked_up_without_a_key(vendor, upstream):
    route = vendor.get(f"/call/{CALL_ID}")

    with pytest.raises(ProviderNotConfigured, match="VAPI_API_KEY"):
        await Vapi(upstream, settings_with(vapi_api_key=None)).get_call(CALL_ID)

    assert not route.called


async def test_log_contains_neither_number_nor_key(vendor, vapi, caplog):
    caplog.set_level(logging.DEBUG)
    vendor.post("/call").mock(return_value=refusal(400, f"customer.number {VENDOR_TEXT}"))

    await call_failure(vapi)

    assert "+14155550100" not in caplog.text
    assert KEY not in caplog.text


async def test_web_call_warns_that_it_is_deprecated(vendor, vapi):
    route = vendor.post("/call/web").respond(201, json=QUEUED | {"webCallUrl": "https://vapi.example.daily.co/abc"})

    with pytest.warns(DeprecationWarning, match="create_client_secret"):
        call = await vapi.create_web_call(instructions="You are {{ Grace }}.")

    assert call.url == "https://vapi.example.daily.co/abc"
    assert sent_body(route)["assistantOverrides"] == {"variableValues": {"instructions": "You are (( Grace ))."}}


async def test_web_call_without_a_url_is_a_bad_answer(vendor, vapi):
    vendor.post("/call/web").respond(201, json=QUEUED)

    with pytest.warns(DeprecationWarning, match="create_client_secret"), pytest.raises(ProviderBadAnswer):
        await vapi.create_web_call(instructions="You are Grace.")
