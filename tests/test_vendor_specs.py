"""The check of requests against the vendors' OpenAPI documents."""

import json
from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from config import Settings
from tests.support.vendor_specs import BASE_URLS, WITHOUT, SpecChecker

ROOM = {"name": "iv-1", "privacy": "private", "properties": {"exp": 1795435200, "eject_at_room_exp": True}}
TOKEN = {"properties": {"room_name": "iv-1", "exp": 1795435200, "is_owner": False, "user_name": "Ada", "user_id": "u"}}
CHAT = {
    "model": "openai/gpt-4o-mini",
    "models": ["openai/gpt-4o-mini"],
    "messages": [{"role": "system", "content": "Help."}, {"role": "user", "content": "Hello"}],
    "max_completion_tokens": 100,
    "provider": {"data_collection": "deny"},
    "plugins": [{"id": "context-compression", "enabled": False}],
    "response_format": {"type": "json_schema", "json_schema": {"name": "debrief", "strict": True, "schema": {}}},
    "stream": True,
}
SESSION = {
    "type": "realtime",
    "model": "gpt-realtime-2.1-mini",
    "output_modalities": ["audio"],
    "audio": {
        "input": {"transcription": {"model": "gpt-transcribe"}, "turn_detection": {"type": "semantic_vad"}},
        "output": {"voice": "marin"},
    },
}
SECRET = {"expires_after": {"anchor": "created_at", "seconds": 60}, "session": SESSION}
CALL = {
    "assistantId": "5b0a4a08-133c-4146-9315-0984f8c6be80",
    "assistantOverrides": {"variableValues": {"briefing": "Hello"}, "maxDurationSeconds": 900},
    "phoneNumberId": "42b4b25d-031e-4786-857f-63b346c9580f",
    "customer": {"number": "+14155550100", "name": "Ada"},
}

DAILY, OPENROUTER, OPENAI, VAPI = (
    "https://api.daily.co/v1",
    "https://openrouter.ai/api/v1",
    "https://api.openai.com/v1",
    "https://api.vapi.ai",
)

Json = Mapping[str, Any]


@pytest.fixture
def checker() -> SpecChecker:
    checker = SpecChecker.from_environment({"http://localhost:9/daily": "daily"})
    if checker is None:
        pytest.skip(WITHOUT)
    return checker


def post(url: str, body: Json) -> httpx.Request:
    return httpx.Request("POST", url, json=body, headers={"Authorization": "Bearer key"})


def without(body: Json, key: str) -> Json:
    return {name: value for name, value in body.items() if name != key}


@pytest.mark.parametrize(
    ("url", "body"),
    [
        (f"{DAILY}/rooms", ROOM),
        (f"{DAILY}/meeting-tokens", TOKEN),
        (f"{OPENROUTER}/chat/completions", CHAT),
        (f"{OPENAI}/realtime/client_secrets", SECRET),
        (f"{VAPI}/call", CALL),
        (f"{VAPI}/call", without(CALL, "assistantId") | {"assistant": {"firstMessage": "Hello", "name": "Briefing"}}),
    ],
)
def test_valid_body_is_accepted(checker: SpecChecker, url: str, body: Json) -> None:
    checker.check(post(url, body))


@pytest.mark.parametrize(
    ("method", "url"),
    [("GET", f"{DAILY}/rooms/iv-1"), ("DELETE", f"{DAILY}/rooms/iv-1"), ("GET", f"{VAPI}/call/some-call")],
)
def test_call_without_a_body_is_accepted(checker: SpecChecker, method: str, url: str) -> None:
    checker.check(httpx.Request(method, url, headers={"Authorization": "Bearer key"}))


@pytest.mark.parametrize(
    ("url", "body", "complaint"),
    [
        (f"{DAILY}/rooms", ROOM | {"exp": 1}, "'exp' was unexpected"),
        (f"{DAILY}/rooms", ROOM | {"properties": {"exp": "soon"}}, r"\$\.properties\.exp: 'soon' is not of type"),
        (f"{DAILY}/meeting-tokens", {"properties": {"room": "iv-1"}}, "'room' was unexpected"),
        (f"{OPENROUTER}/chat/completions", without(CHAT, "messages"), "'messages' is a required property"),
        (f"{OPENROUTER}/chat/completions", CHAT | {"provider": {"collect": False}}, "'collect' was unexpected"),
        (f"{OPENROUTER}/chat/completions", CHAT | {"messages": [{"role": "owner", "content": ""}]}, r"messages\[0\]"),
        (f"{OPENAI}/realtime/client_secrets", SECRET | {"model": "x"}, "'model' was unexpected"),
        (
            f"{OPENAI}/realtime/client_secrets",
            {"session": SESSION | {"temperature": 1}},
            "'temperature' was unexpected",
        ),
        (f"{OPENAI}/realtime/client_secrets", SECRET | {"expires_after": {"seconds": 5}}, "less than the minimum"),
        (
            f"{OPENAI}/realtime/client_secrets",
            {"session": SESSION | {"audio": {"input": {"format": "pcm16"}}}},
            "pcm16",
        ),
        (f"{VAPI}/call", CALL | {"customer": {"number": "1"}}, "'1' is too short"),
        (f"{VAPI}/call", CALL | {"assistant": {"tools": []}}, "'tools' was unexpected"),
        (f"{VAPI}/call", CALL | {"briefing": "Hello"}, "'briefing' was unexpected"),
    ],
)
def test_invalid_body_is_refused_with_its_path(checker: SpecChecker, url: str, body: Json, complaint: str) -> None:
    with pytest.raises(AssertionError, match=complaint):
        checker.check(post(url, body))


def test_unknown_path_is_refused(checker: SpecChecker) -> None:
    with pytest.raises(AssertionError, match="POST /room "):
        checker.check(post(f"{DAILY}/room", ROOM))


def test_unknown_method_is_refused(checker: SpecChecker) -> None:
    request = httpx.Request("PATCH", f"{DAILY}/rooms/iv-1", json=ROOM)

    with pytest.raises(AssertionError, match="PATCH /rooms/iv-1 "):
        checker.check(request)


def test_additional_base_url_is_checked(checker: SpecChecker) -> None:
    with pytest.raises(AssertionError, match="'exp' was unexpected"):
        checker.check(post("http://localhost:9/daily/rooms", ROOM | {"exp": 1}))


def test_request_to_an_unknown_server_is_an_error(checker: SpecChecker) -> None:
    request = post("https://daily.example/rooms", ROOM)

    assert not checker.knows(request)
    with pytest.raises(AssertionError, match="belongs to no vendor"):
        checker.check(request)


def test_complaint_does_not_repeat_the_whole_body(checker: SpecChecker) -> None:
    body = CHAT | {"messages": [{"role": "owner", "content": "x" * 10_000}]}

    with pytest.raises(AssertionError) as caught:
        checker.check(post(f"{OPENROUTER}/chat/completions", body))

    assert len(str(caught.value)) < 1000
    assert len(json.dumps(body)) > 10_000


def test_there_is_no_checker_without_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VENDOR_SPECS", raising=False)

    assert SpecChecker.from_environment() is None


def test_default_base_urls_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DAILY_API_URL", "OPENROUTER_BASE_URL", "OPENAI_BASE_URL", "VAPI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    settings = Settings(_env_file=None)

    assert {
        settings.daily_api_url,
        settings.openrouter_base_url,
        settings.openai_base_url,
        settings.vapi_base_url,
    } <= BASE_URLS.keys()
