"""OpenAI Realtime at the wire: requests, responses, errors."""

import json
import logging
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path

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
from services.openai_realtime import VOICES, ClientSecret, OpenAIRealtime, map_error, warnings_about
from services.upstream.client import VendorClient
from tests.support.vendor_client import vendor_client
from tests.support.vendor_specs import WITHOUT, SpecChecker

pytestmark = pytest.mark.anyio

BASE = "https://api.openai.com/v1"
URL = f"{BASE}/realtime/client_secrets"
KEY = "sk-test-0123456789"
DATA = Path(__file__).parent.parent / "data/openai"
ANSWER = json.loads((DATA / "client_secret.json").read_text())
SECRET_TEXT = "vendor text with sk-live-key and a resume"


def settings_with(**changes: object) -> Settings:
    return Settings(_env_file=None, **{"openai_api_key": KEY, "openai_base_url": BASE} | changes)


def refusal(status: int, headers: dict[str, str] | None = None, **error: object) -> httpx.Response:
    body = {"error": {"message": SECRET_TEXT, "type": "invalid_request_error", "param": None, "code": None} | error}
    return httpx.Response(status, json=body, headers={"retry-after": "0"} | (headers or {}))


@pytest.fixture
def openai():
    with respx.mock(using="httpx", assert_all_called=False) as router:
        yield router


@pytest.fixture
async def upstream():
    async with vendor_client("OpenAI", BASE, map_error, key=KEY) as upstream:
        yield upstream


@pytest.fixture
def realtime(upstream: VendorClient) -> OpenAIRealtime:
    return OpenAIRealtime(upstream, settings_with())


async def mint(realtime: OpenAIRealtime, **changes: object) -> ClientSecret:
    asked = {"instructions": "Be Ada.", "voice": None, "expires_in_seconds": 60, "safety_identifier": "room-1"}
    return await realtime.create_client_secret(**asked | changes)


async def failure(realtime: OpenAIRealtime) -> ServiceError:
    with pytest.raises(ServiceError) as caught:
        await mint(realtime)
    assert SECRET_TEXT not in str(caught.value)
    return caught.value


async def test_request_describes_a_complete_session(openai, realtime):
    route = openai.post(URL).respond(200, json=ANSWER)

    await mint(realtime, instructions="Be Ada.", expires_in_seconds=60)

    assert json.loads(route.calls.last.request.content) == {
        "expires_after": {"anchor": "created_at", "seconds": 60},
        "session": {
            "type": "realtime",
            "model": "gpt-realtime-2.1-mini",
            "instructions": "Be Ada.",
            "output_modalities": ["audio"],
            "max_output_tokens": 4096,
            "audio": {
                "input": {
                    "transcription": {"model": "gpt-transcribe"},
                    "noise_reduction": {"type": "near_field"},
                    "turn_detection": {"type": "semantic_vad", "eagerness": "auto"},
                },
                "output": {"voice": "marin"},
            },
        },
    }


@pytest.mark.parametrize("voice", ["cedar", "voice_1234"])
async def test_request_matches_the_published_schema(openai, upstream, voice):
    route = openai.post(URL).respond(200, json=ANSWER)
    checker = SpecChecker.from_environment()
    if checker is None:
        pytest.skip(WITHOUT)

    await mint(OpenAIRealtime(upstream, settings_with(openai_realtime_voice=voice)))

    checker.check(route.calls.last.request)


async def test_key_is_sent_as_bearer_and_the_room_as_a_hash(openai, realtime):
    route = openai.post(URL).respond(200, json=ANSWER)

    await mint(realtime, safety_identifier="room-1")

    headers = route.calls.last.request.headers
    assert headers["authorization"] == f"Bearer {KEY}"
    assert headers["openai-safety-identifier"] == sha256(b"room-1").hexdigest()


async def test_response_gives_the_secret_and_the_url_to_use_it_at(openai, realtime):
    openai.post(URL).respond(200, json=ANSWER)

    secret = await mint(realtime)

    assert secret == ClientSecret(
        value="ek_68af296e8e408191a1120ab6383263c2",
        expires_at=datetime(2026, 9, 21, 14, 14, 20, tzinfo=UTC),
        session_id="sess_C9CiUVUzUzYIssh3ELY1d",
        model="gpt-realtime-2.1-mini-2026-07-01",
        modalities=["audio"],
        calls_url=f"{BASE}/realtime/calls",
    )


async def test_secret_is_not_in_the_repr(openai, realtime):
    openai.post(URL).respond(200, json=ANSWER)

    secret = await mint(realtime)

    assert secret.value not in repr(secret)


async def test_fields_missing_from_the_echo_are_taken_from_the_request(openai, realtime):
    echo = {"type": "realtime", "object": "realtime.session", "id": "sess_1"}
    openai.post(URL).respond(200, json=ANSWER | {"session": echo})

    secret = await mint(realtime)

    assert (secret.model, secret.modalities) == ("gpt-realtime-2.1-mini", ["audio"])


@pytest.mark.parametrize("odd", [{"model": ""}, {"output_modalities": "audio"}, {"output_modalities": [None]}], ids=str)
async def test_invalid_optional_field_of_the_session_does_not_lose_the_secret(openai, realtime, odd):
    openai.post(URL).respond(200, json=ANSWER | {"session": ANSWER["session"] | odd})

    secret = await mint(realtime)

    assert (secret.value, secret.modalities) == (ANSWER["value"], ["audio"])


@pytest.mark.parametrize("voice", VOICES)
async def test_known_voice_is_sent(openai, realtime, voice):
    route = openai.post(URL).respond(200, json=ANSWER)

    await mint(realtime, voice=voice)

    assert json.loads(route.calls.last.request.content)["session"]["audio"]["output"] == {"voice": voice}


@pytest.mark.parametrize("voice", ["onyx", "", "Marin", "voice_1234"])
async def test_unknown_voice_is_refused_without_a_request(openai, realtime, voice):
    route = openai.post(URL)

    with pytest.raises(InvalidInput, match="marin") as caught:
        await mint(realtime, voice=voice)

    assert caught.value.errors[0].field == "voice"
    assert not route.called


async def test_custom_voice_is_sent_by_its_id(openai, upstream):
    route = openai.post(URL).respond(200, json=ANSWER)
    realtime = OpenAIRealtime(upstream, settings_with(openai_realtime_voice="voice_1234"))

    await mint(realtime)

    assert json.loads(route.calls.last.request.content)["session"]["audio"]["output"] == {"voice": {"id": "voice_1234"}}


async def test_nothing_is_sent_without_a_key(openai, upstream):
    route = openai.post(URL)

    with pytest.raises(ProviderNotConfigured, match="OPENAI_API_KEY"):
        await mint(OpenAIRealtime(upstream, settings_with(openai_api_key=None)))

    assert not route.called


MALFORMED = {
    "empty": b"",
    "no JSON": b"<html>",
    "a list": b"[]",
    "null": b"null",
    "deep": b"[" * 100_000,
    "beta shape": json.dumps({"client_secret": {"value": "ek_1", "expires_at": 1}, "id": "sess_1"}).encode(),
    "no value": json.dumps({key: ANSWER[key] for key in ("expires_at", "session")}).encode(),
    "empty value": json.dumps(ANSWER | {"value": ""}).encode(),
    "value with a line break": json.dumps(ANSWER | {"value": "ek_1\r\nX: 1"}).encode(),
    "value of another type": json.dumps(ANSWER | {"value": {"value": "ek_1"}}).encode(),
    "no expiry": json.dumps(ANSWER | {"expires_at": None}).encode(),
    "an expiry beyond all calendars": json.dumps(ANSWER | {"expires_at": 10**18}).encode(),
    "no session": json.dumps(ANSWER | {"session": None}).encode(),
    "a session without id": json.dumps(ANSWER | {"session": {"type": "realtime"}}).encode(),
}


@pytest.mark.parametrize("content", MALFORMED.values(), ids=MALFORMED.keys())
async def test_malformed_response_is_a_bad_answer(openai, realtime, content):
    openai.post(URL).respond(200, content=content)

    error = await failure(realtime)

    assert isinstance(error, ProviderBadAnswer)


@pytest.mark.parametrize(
    ("answer", "kind", "attempts"),
    [
        (refusal(400, param="session.audio.output.voice", code="invalid_value"), ProviderBadAnswer, 1),
        (refusal(401, code="invalid_api_key"), ProviderUnavailable, 1),
        (refusal(403, code="unsupported_country_region_territory"), ProviderUnavailable, 1),
        (refusal(404, code="model_not_found"), ProviderBadAnswer, 1),
        (refusal(408), ProviderTimeout, 2),
        (refusal(429, code="rate_limit_exceeded"), ProviderUnavailable, 3),
        (refusal(429, code="slow_down"), ProviderUnavailable, 3),
        (refusal(429, type="insufficient_quota", code="insufficient_quota"), ProviderUnavailable, 1),
        (refusal(429, code="credit_balance_exhausted"), ProviderUnavailable, 1),
        (refusal(429, type="insufficient_quota", code=1.5, param=["x"]), ProviderUnavailable, 1),
        (refusal(500), ProviderBadAnswer, 2),
        (refusal(502), ProviderBadAnswer, 2),
        (refusal(503), ProviderUnavailable, 3),
        (refusal(504), ProviderTimeout, 2),
        (httpx.Response(302, headers={"location": "https://elsewhere.example"}), ProviderBadAnswer, 1),
        (httpx.Response(429, content=b"\xff\xfe", headers={"retry-after": "0"}), ProviderUnavailable, 3),
        (httpx.Response(429, json={"error": "slow down"}, headers={"retry-after": "0"}), ProviderUnavailable, 3),
        (httpx.Response(400, json=[]), ProviderBadAnswer, 1),
        (httpx.Response(400, json={"error": {"type": ["x"], "code": {}}}), ProviderBadAnswer, 1),
    ],
    ids=lambda value: str(value.status_code) if isinstance(value, httpx.Response) else None,
)
async def test_each_error_response_has_its_error_and_its_number_of_attempts(openai, realtime, answer, kind, attempts):
    route = openai.post(URL).mock(
        side_effect=lambda _: httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)
    )

    error = await failure(realtime)

    assert type(error) is kind
    assert route.call_count == attempts


BLAMED = [
    ("error_400_unsupported_voice.json", ProviderBadAnswer, "check OPENAI_REALTIME_VOICE."),
    ("error_400_unknown_model.json", ProviderBadAnswer, "check OPENAI_REALTIME_MODEL."),
    ("error_400_unknown_transcription_model.json", ProviderBadAnswer, "check OPENAI_TRANSCRIPTION_MODEL."),
    ("error_400_unknown_parameter.json", ProviderBadAnswer, "check OPENAI_BASE_URL, "),
    ("error_401_invalid_key.json", ProviderUnavailable, "check OPENAI_API_KEY."),
    ("error_401_ip_not_authorized.json", ProviderUnavailable, "IP address"),
    ("error_403_country.json", ProviderUnavailable, "country"),
    ("error_403_model.json", ProviderUnavailable, "OPENAI_REALTIME_MODEL"),
    ("error_429_insufficient_quota.json", ProviderUnavailable, "credit or spending limit"),
    ("error_429_project_spend_limit.json", ProviderUnavailable, "credit or spending limit"),
]


@pytest.mark.parametrize(("name", "kind", "cause"), BLAMED)
async def test_refusal_names_its_cause_to_the_caller_and_to_the_log(openai, realtime, caplog, name, kind, cause):
    status, sample = int(name.split("_")[1]), json.loads((DATA / name).read_text())
    openai.post(URL).respond(status, json=sample)

    error = await failure(realtime)

    assert isinstance(error, kind)
    assert cause in error.detail
    [line] = caplog.messages
    assert f"OpenAI refused: status={status} code={sample['error']['code'] or sample['error']['type']}" in line
    assert "203.0.113.7" not in line
    assert "abcd" not in line


CAUSES = {
    "hard limit": (400, {"code": "billing_hard_limit_reached"}, ProviderUnavailable, "billing at OpenAI"),
    "billing off": (429, {"code": "billing_not_active"}, ProviderUnavailable, "billing at OpenAI"),
    "region": (
        401,
        {"code": "incorrect_hostname", "message": "Incorrect regional hostname. Please use eu.api.openai.com"},
        ProviderUnavailable,
        "set OPENAI_BASE_URL to that region's address",
    ),
    "permission": (
        401,
        {"message": "You have insufficient permissions for this operation. Missing scopes: api.model.request."},
        ProviderUnavailable,
        "permission at OpenAI",
    ),
    "deactivated account": (
        403,
        {"message": "The OpenAI account of this API key has been deactivated"},
        ProviderUnavailable,
        "check OPENAI_API_KEY.",
    ),
    "unpaid": (402, {"message": "Payment required"}, ProviderUnavailable, "billing of this server's account"),
    "redirect": (301, {}, ProviderBadAnswer, "check OPENAI_BASE_URL."),
}


@pytest.mark.parametrize(("status", "error", "kind", "cause"), CAUSES.values(), ids=CAUSES)
async def test_refusal_names_its_cause(openai, realtime, status, error, kind, cause):
    openai.post(URL).respond(status, json={"error": error})

    raised = await failure(realtime)

    assert type(raised) is kind
    assert cause in raised.detail


async def test_response_without_a_secret_is_logged_without_its_content(openai, realtime, caplog):
    openai.post(URL).respond(200, html="<html>Sign in to the Wi-Fi</html>")

    await failure(realtime)

    [line] = caplog.messages
    assert line.startswith("OpenAI sent a response that can't be read: status=200 type=text/html body: Invalid JSON")
    assert "Wi-Fi" not in line


async def test_successful_retry_gives_the_secret(openai, realtime):
    openai.post(URL).mock(side_effect=[refusal(503), httpx.Response(200, json=ANSWER)])

    secret = await mint(realtime)

    assert secret.session_id == "sess_C9CiUVUzUzYIssh3ELY1d"


async def test_retry_after_beyond_the_deadline_is_passed_to_the_caller(openai, realtime):
    route = openai.post(URL).mock(return_value=refusal(429, {"retry-after": "37"}, code="rate_limit_exceeded"))

    error = await failure(realtime)

    assert (error.retry_after, route.call_count) == (37, 1)


async def test_no_retry_after_when_the_credit_is_used_up(openai, realtime):
    openai.post(URL).mock(return_value=refusal(429, {"retry-after": "37"}, type="insufficient_quota"))

    error = await failure(realtime)

    assert error.retry_after is None
    assert "credit" in error.detail


async def test_failed_connection_means_unavailable(openai, realtime):
    openai.post(URL).mock(side_effect=httpx.ConnectTimeout("no route"))

    error = await failure(realtime)

    assert isinstance(error, ProviderUnavailable)


async def test_log_names_the_refused_parameter_without_keys(openai, realtime, caplog):
    caplog.set_level(logging.DEBUG)
    openai.post(URL).mock(
        return_value=refusal(
            400, {"x-request-id": "req_1"}, param="session.audio.output.voice", code=f"bad {SECRET_TEXT}"
        )
    )

    await failure(realtime)

    assert "param=session.audio.output.voice" in caplog.text
    assert "request=req_1" in caplog.text
    assert SECRET_TEXT not in caplog.text


async def test_log_contains_neither_secret_nor_instructions(openai, realtime, caplog):
    caplog.set_level(logging.DEBUG)
    openai.post(URL).respond(200, json=ANSWER)

    await mint(realtime, instructions="Be Ada Lovelace.")

    assert ANSWER["value"] not in caplog.text
    assert "Lovelace" not in caplog.text
    assert KEY not in caplog.text


TODAY = date(2026, 11, 23)


def test_default_settings_give_no_warning():
    assert warnings_about(settings_with(), TODAY) == []


@pytest.mark.parametrize(
    ("setting", "value", "named"),
    [
        ("openai_realtime_model", "gpt-realtime", ["OPENAI_REALTIME_MODEL", "2027-01-20", "gpt-realtime-2.1"]),
        ("openai_transcription_model", "whisper-1", ["OPENAI_TRANSCRIPTION_MODEL", "2027-02-26", "gpt-transcribe"]),
    ],
)
def test_model_with_a_shutdown_date_is_warned_about_with_its_successor(setting, value, named):
    [warning] = warnings_about(settings_with(**{setting: value}), TODAY)

    assert all(word in warning for word in [*named, "will be shut down"])


def test_model_that_was_shut_down_is_warned_about_in_the_past_tense():
    [warning] = warnings_about(settings_with(openai_realtime_model="gpt-realtime-mini"), date(2027, 1, 20))

    assert "was shut down by OpenAI on 2027-01-20" in warning


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("openai_realtime_model", "gpt-live-1"),
        ("openai_realtime_model", "gpt-transcribe"),
        ("openai_transcription_model", "gpt-realtime-2.1"),
        ("openai_realtime_voice", "onyx"),
    ],
)
def test_unknown_model_or_voice_is_warned_about(setting, value):
    [warning] = warnings_about(settings_with(**{setting: value}), TODAY)

    assert f"{setting.upper()}={value}" in warning


def test_custom_voice_gives_no_warning():
    assert warnings_about(settings_with(openai_realtime_voice="voice_1234"), TODAY) == []
