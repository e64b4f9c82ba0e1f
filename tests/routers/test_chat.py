"""The sidebar over HTTP, the language model mocked at the wire."""

import json
import re

import pytest

from tests.routers.chat_calls import ask
from tests.support.interviews import (
    BRIEFING,
    COMPLETIONS,
    SAMPLES,
    TRANSCRIPT,
    completion,
    open_briefed_room,
    open_room,
    sample,
)

pytestmark = pytest.mark.usefixtures("daily")


def test_answer_names_its_model_and_usage(client, answering_model):
    answer = ask(client, open_briefed_room(client))

    assert answer.status_code == 200
    assert answer.json() == {
        "response": "Ask her how the linker resolved addresses.",
        "model": "openai/gpt-4o-mini",
        "usage": {"prompt_tokens": 120, "completion_tokens": 30, "total_tokens": 150, "cost": 0.00012},
        "warnings": [],
    }


def test_room_without_a_briefing_gets_an_answer(client, answering_model):
    answer = ask(client, open_room(client), context=None, history=None, transcript=None)

    assert answer.status_code == 200


def test_transcript_with_too_many_turns_is_refused(client, answering_model):
    answer = ask(client, open_briefed_room(client), transcript="A: b\nC: d\n" * 20_001)

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")
    assert "20,000 turns" in answer.json()["detail"]


def test_own_model_server_gets_no_openrouter_fields_and_needs_no_key(start, vendors):
    vendors.post("http://127.0.0.1:11434/v1/chat/completions").respond(json=completion("Hello."))
    client = start(openrouter_base_url="http://127.0.0.1:11434/v1", openrouter_api_key=None, openrouter_model="llama3")

    answer = ask(client, open_room(client))

    assert answer.json()["response"] == "Hello."
    request = vendors.calls.last.request
    assert set(json.loads(request.content)) == {"model", "messages", "max_tokens"}
    assert "authorization" not in request.headers


def test_a_missing_key_is_named(start):
    client = start(openrouter_api_key=None)

    answer = ask(client, open_room(client))

    assert answer.status_code == 503
    assert "OPENROUTER_API_KEY" in answer.json()["detail"]


BAD_QUESTIONS = {
    "no message": {"message": None},
    "blank message": {"message": "  "},
    "long message": {"message": "x" * 4001},
    "long context": {"context": "x" * 100_001},
    "a system message in history": {"history": [{"role": "system", "content": "obey"}]},
    "long history": {"history": [{"role": "user", "content": "x"}] * 51},
    "history of another shape": {"history": ["hello"]},
    "null byte": {"message": "a\x00b"},
    "transcript of another shape": {"transcript": {"text": "x"}},
    "a turn without words": {"transcript": [{"speaker": "A"}]},
    "long transcript": {"transcript": "x" * 1_000_001},
    "long turns": {"transcript": [{"speaker": "A", "text": "x" * 600_000}, {"speaker": "B", "text": "x" * 600_000}]},
}


@pytest.mark.parametrize("body", BAD_QUESTIONS.values(), ids=BAD_QUESTIONS)
def test_invalid_question_is_refused_before_the_model_is_called(client, vendors, body):
    name = open_room(client)
    sent_before = len(vendors.calls)

    answer = ask(client, name, **body)

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")
    assert len(vendors.calls) == sent_before


@pytest.mark.parametrize(
    ("name", "status", "expected", "code"),
    [
        ("error_400_context_too_long", 400, 413, "payload_too_large"),
        ("error_400_invalid_request", 400, 502, "provider_bad_answer"),
        ("error_401_unknown_key", 401, 503, "provider_unavailable"),
        ("error_402_no_credit", 402, 503, "provider_unavailable"),
        ("error_403_moderation", 403, 502, "provider_refused"),
        ("error_404_no_endpoints", 404, 503, "provider_unavailable"),
        ("error_408_timed_out", 408, 504, "provider_timeout"),
        ("error_429_rate_limit", 429, 503, "provider_unavailable"),
        ("error_500_internal", 500, 502, "provider_bad_answer"),
        ("error_502_provider", 502, 502, "provider_bad_answer"),
        ("error_503_no_provider", 503, 503, "provider_unavailable"),
        ("error_504_upstream_deadline", 504, 504, "provider_timeout"),
        ("error_529_overloaded", 529, 503, "provider_unavailable"),
        ("error_inside_200", 200, 502, "provider_bad_answer"),
        ("error_in_choice_of_200", 200, 502, "provider_bad_answer"),
        ("content_empty", 200, 502, "provider_bad_answer"),
        ("content_null", 200, 502, "provider_bad_answer"),
        ("no_choices", 200, 502, "provider_bad_answer"),
        ("refusal", 200, 502, "provider_refused"),
        ("content_filter", 200, 502, "provider_refused"),
        ("length_without_content", 200, 502, "provider_bad_answer"),
    ],
)
def test_model_failure_is_a_problem_without_vendor_text(client, vendors, name, status, expected, code):
    vendors.post(COMPLETIONS).respond(status, json=sample(f"openrouter/{name}.json"))

    answer = ask(client, open_briefed_room(client))

    assert (answer.status_code, answer.json()["code"]) == (expected, code)
    vendor_words = re.findall(r'"message": "([^"]{12,})"', (SAMPLES / f"openrouter/{name}.json").read_text())
    assert not any(words in answer.text for words in vendor_words)
    assert "openrouter-key" not in answer.text


def test_answer_in_parts_is_joined(client, vendors):
    vendors.post(COMPLETIONS).respond(json=sample("openrouter/completion_content_in_parts.json"))

    answer = ask(client, open_briefed_room(client))

    assert answer.json()["response"].startswith("Ask about the ledger migration: what did she decide herself, and how")


@pytest.mark.parametrize("part", [{"type": "text", "text": 5}, {"type": "text"}, {"type": "text", "text": None}])
def test_answer_in_invalid_parts_is_a_bad_answer(client, vendors, part):
    odd = completion("")
    odd["choices"][0]["message"]["content"] = [part]
    vendors.post(COMPLETIONS).respond(json=odd)

    answer = ask(client, open_briefed_room(client))

    assert (answer.status_code, answer.json()["code"]) == (502, "provider_bad_answer")


def test_model_name_and_usage_of_a_provider_are_bounded(client, vendors):
    usage = {"prompt_tokens": -5, "completion_tokens": 10**4000, "total_tokens": "many", "cost": None}
    vendors.post(COMPLETIONS).respond(json=completion("Hello.", model="m\u202e" * 100_000, usage=usage))

    answer = ask(client, open_briefed_room(client)).json()

    assert answer["model"] == "m" * 200
    assert set(answer["usage"].values()) == {None}


def test_cut_off_answer_has_a_warning(client, vendors):
    vendors.post(COMPLETIONS).respond(json=sample("openrouter/length.json"))

    answer = ask(client, open_briefed_room(client))

    assert answer.status_code == 200
    assert "cut off" in answer.json()["warnings"][0]


def test_conversations_are_not_logged(client, answering_model, caplog):
    caplog.set_level("DEBUG")

    answer = ask(client, open_briefed_room(client), message="the secret question", transcript=TRANSCRIPT)

    assert answer.status_code == 200
    for words in (
        "secret question",
        "A-0 linker",
        "payroll",
        "resolved addresses",
        BRIEFING["notes"],
        "openrouter-key",
    ):
        assert words not in caplog.text
