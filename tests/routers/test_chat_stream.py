"""Streamed answers of the sidebar."""

import httpx
import pytest

from tests.support.event_streams import events
from tests.support.interviews import (
    COMPLETIONS,
    SAMPLES,
    completion,
    open_briefed_room,
)

pytestmark = pytest.mark.usefixtures("daily")


def stream(client, name, **body):
    headers = {"accept": "text/event-stream"}
    return client.post(f"/api/rooms/{name}/chat", json={"message": "What should I ask?"} | body, headers=headers)


def recorded_stream(vendors, name):
    content = (SAMPLES / f"openrouter/{name}.txt").read_bytes()
    vendors.post(COMPLETIONS).respond(200, content=content, headers={"content-type": "text/event-stream"})


@pytest.mark.parametrize(
    "name",
    [
        "stream",
        "stream_crlf",
        "stream_without_done",
        "stream_without_usage",
        "stream_finish_reason_twice",
        "stream_with_other_fields",
    ],
)
def test_streamed_answer_ends_with_the_whole_answer(client, vendors, name):
    recorded_stream(vendors, name)

    answer = stream(client, open_briefed_room(client))

    *pieces, (last, done) = events(answer)
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert {kind for kind, _ in pieces} == {"delta"}
    assert last == "done"
    assert "".join(piece["text"] for _, piece in pieces) == done["response"]
    assert done["response"].endswith("how was it measured?")
    assert done["finish_reason"] == "stop"


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("stream_cut", "provider_bad_answer"),
        ("stream_cut_inside_an_event", "provider_bad_answer"),
        ("stream_error_midway", "provider_bad_answer"),
        ("stream_error_midway_without_choices", "provider_bad_answer"),
    ],
)
def test_broken_stream_ends_with_one_error(client, vendors, name, code):
    recorded_stream(vendors, name)

    answer = stream(client, open_briefed_room(client))

    *pieces, (last, problem) = events(answer)
    assert pieces
    assert {kind for kind, _ in pieces} == {"delta"}
    assert last == "error"
    assert problem["request_id"] == answer.headers["x-request-id"]
    assert problem["detail"].endswith(".")
    assert problem["code"] == code


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("stream_empty", "provider_bad_answer"),
        ("stream_comments_only", "provider_bad_answer"),
        ("stream_refusal", "provider_refused"),
    ],
)
def test_stream_without_an_answer_is_a_problem(client, vendors, name, code):
    recorded_stream(vendors, name)

    answer = stream(client, open_briefed_room(client))

    assert (answer.status_code, answer.json()["code"]) == (502, code)


def test_stream_that_a_content_filter_stops_ends_with_an_error(client, vendors):
    recorded_stream(vendors, "stream_content_filter")

    answer = stream(client, open_briefed_room(client))

    last, problem = events(answer)[-1]
    assert (answer.status_code, last, problem["code"]) == (200, "error", "provider_refused")


def test_unstreamed_model_response_is_streamed_to_the_client(client, vendors):
    vendors.post(COMPLETIONS).respond(json=completion("Hello."))

    answer = stream(client, open_briefed_room(client))

    assert [kind for kind, _ in events(answer)] == ["delta", "done"]
    assert events(answer)[-1][1]["response"] == "Hello."


def test_unstreamed_error_with_status_200_is_a_problem(client, vendors):
    vendors.post(COMPLETIONS).respond(json={"error": {"code": 429, "message": "slow down"}})

    answer = stream(client, open_briefed_room(client))

    assert (answer.status_code, answer.json()["code"]) == (503, "provider_unavailable")


def test_failure_before_the_first_event_is_a_plain_problem(client, vendors):
    vendors.post(COMPLETIONS).mock(side_effect=httpx.ConnectError("down"))

    answer = stream(client, open_briefed_room(client))

    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"


def test_accept_header_with_a_wildcard_gets_json(client, answering_model):
    name = open_briefed_room(client)

    answer = client.post(f"/api/rooms/{name}/chat", json={"message": "Hi"}, headers={"accept": "application/json, */*"})

    assert answer.headers["content-type"] == "application/json"
