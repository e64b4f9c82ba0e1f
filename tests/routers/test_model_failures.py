"""Failures of model servers: the setting that a problem names, and the time limits."""

import json

import pytest

from tests.routers.model_calls import chat, stream
from tests.support.event_streams import events
from tests.support.interviews import mock_daily
from tests.support.model_server import deltas
from tests.support.ports import free_port


def test_wrong_base_url_is_named_even_with_status_200(serve):
    client, _ = serve({"json": {"error": "Unexpected endpoint or method. (POST /chat/completions)"}})

    answer = chat(client)

    assert answer.status_code == 503
    assert "OPENROUTER_BASE_URL" in answer.json()["detail"]


@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
def test_web_page_instead_of_an_answer_names_the_base_url(serve, accept):
    client, _ = serve({"text": "<!doctype html><title>Log in</title>", "headers": {"Content-Type": "text/html"}})

    answer = chat(client, accept=accept)

    assert answer.status_code == 502
    assert "OPENROUTER_BASE_URL" in answer.json()["detail"]


def test_error_that_is_the_whole_event_ends_the_stream(serve):
    error = {"object": "error", "message": "The maximum context length is 4096 tokens", "code": 400}
    client, _ = serve({"content": "Hello.", "times": 1}, {"sse": [deltas("Ask")[0], f"data: {json.dumps(error)}\n\n"]})
    chat(client)

    *_, (kind, problem) = stream(client)

    assert (kind, problem["status"]) == ("error", 413)


@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
def test_server_that_is_not_running_is_named(start, vendors, accept):
    mock_daily(vendors)
    vendors.route(host="127.0.0.1").pass_through()
    client = start(openrouter_base_url=f"http://127.0.0.1:{free_port()}/v1", openrouter_api_key=None)

    answer = chat(client, accept=accept)

    assert (answer.status_code, answer.json()["code"]) == (503, "provider_unavailable")
    assert "OPENROUTER_BASE_URL" in answer.json()["detail"]
    assert int(answer.headers["retry-after"]) > 0


def test_quota_of_the_day_is_not_retried(serve):
    client, model = serve(
        {"status": 429, "json": {"error": {"message": "free-models-per-day"}}, "headers": {"Retry-After": "30000"}}
    )

    answer = chat(client)

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "30000")
    assert "quota" in answer.json()["detail"]
    assert len(model.requests) == 1


def test_reason_of_a_refusal_is_logged_in_one_line_without_the_text_that_was_sent(serve, caplog):
    reason = "Bad\nthing: What should I ask? for anna@example.com with sk-abcdef0123456789abcdef"
    client, _ = serve({"status": 400, "json": {"error": {"message": reason, "code": "bad_thing"}}})

    chat(client)

    (line,) = [record.getMessage() for record in caplog.records if "refused" in record.getMessage()]
    assert "400" in line
    assert "bad_thing" in line
    assert "\n" not in line
    assert not any(text in line for text in ("anna@example.com", "sk-abcdef"))


TIMES = {
    "whole answer": ({"hangs_after": 0}, False, {"llm_timeout_seconds": 0.4}, "LLM_TIMEOUT_SECONDS"),
    "first piece": (
        {"hangs_after": 0},
        True,
        {"llm_first_token_timeout_seconds": 0.4, "llm_timeout_seconds": 60},
        "LLM_FIRST_TOKEN_TIMEOUT_SECONDS",
    ),
    "first piece, by default": ({"hangs_after": 0}, True, {"llm_timeout_seconds": 0.4}, "LLM_TIMEOUT_SECONDS"),
    "next piece": (
        {"hangs_after": 1, "sse": deltas("Hello", " there")},
        True,
        {"llm_idle_timeout_seconds": 0.4, "llm_timeout_seconds": 60},
        "LLM_IDLE_TIMEOUT_SECONDS",
    ),
}


@pytest.mark.parametrize(("rule", "is_streamed", "limits", "named"), TIMES.values(), ids=TIMES)
def test_time_limit_that_passed_is_named(serve, rule, is_streamed, limits, named):
    client, _ = serve(rule, **limits)

    answer = chat(client, accept="text/event-stream" if is_streamed else "application/json")

    problem = events(answer)[-1][1] if "event-stream" in answer.headers["content-type"] else answer.json()
    assert (problem["status"], problem["code"]) == (504, "provider_timeout")
    assert named in problem["detail"]


def test_first_piece_may_take_longer_than_a_pause(serve):
    client, model = serve({"sse": deltas("Hello.")}, llm_idle_timeout_seconds=0.05, llm_timeout_seconds=60)

    assert stream(client)[-1][0] == "done"
    assert len(model.requests) == 1
