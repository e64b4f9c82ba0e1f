"""What a model server accepts: schemas, caps, roles. A refused request is changed, repeated and remembered."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.routers.model_calls import DEBRIEF, chat, debrief, formats, prompt, refuses, stream
from tests.support.interviews import open_briefed_room
from tests.support.model_server import deltas


def test_schema_is_strict_bounded_and_made_for_this_interview(serve):
    client, model = serve(DEBRIEF)

    assert debrief(client, notes="She was calm.").status_code == 200

    wanted = model.requests[0]["response_format"]["json_schema"]
    assert (wanted["name"], wanted["strict"]) == ("debrief", True)
    quote = wanted["schema"]["$defs"]["evidence"]["items"]["properties"]
    assert quote["turn"]["enum"] == [2, 4, None]
    assert quote["source"]["enum"] == ["transcript", "notes"]
    assert list(wanted["schema"]["properties"]["ratings"]["properties"]) == ["1", "2"]


def test_schema_without_notes_allows_no_quotes_from_notes(serve):
    client, model = serve(DEBRIEF)

    debrief(client)

    quote = model.requests[0]["response_format"]["json_schema"]["schema"]["$defs"]["evidence"]["items"]["properties"]
    assert quote["source"]["enum"] == ["transcript"]
    assert quote["turn"] == {"type": "integer", "enum": [2, 4]}


def test_refused_schema_steps_down_to_a_json_object_and_is_remembered(serve):
    client, model = serve(refuses("response_format.type", "json_schema"), DEBRIEF)

    first, second = debrief(client), debrief(client)

    assert (first.status_code, second.status_code) == (200, 200)
    assert formats(model) == ["json_schema", "json_object", "json_object"]
    assert "ratings" in prompt(model.requests[1])


def test_refused_bounds_step_down_to_a_schema_without_them(serve):
    message = "Invalid schema for response_format 'debrief': 'maxLength' is not permitted."
    refused = {"times": 1, "status": 400, "json": {"error": {"message": message}}}
    client, model = serve(refused, DEBRIEF)

    assert debrief(client).status_code == 200
    assert formats(model) == ["json_schema", "json_schema"]
    assert "maxLength" not in json.dumps(model.requests[1]["response_format"])


def test_server_without_structured_output_gets_the_form_only_in_the_prompt(serve):
    client, model = serve(
        refuses("response_format.type", "json_schema"), refuses("response_format.type", "json_object"), DEBRIEF
    )

    assert debrief(client).status_code == 200
    assert formats(model) == ["json_schema", "json_object", None]


@pytest.mark.parametrize("first", ["max_tokens", "max_completion_tokens"])
def test_refused_cap_parameter_is_replaced_by_the_other(serve, first):
    refused = {"times": 1, "status": 400, "json": {"error": {"message": f"Unsupported parameter: '{first}'"}}}
    client, model = serve(refused, {"content": "Hello."})

    assert chat(client).json()["response"] == "Hello."
    assert chat(client).json()["response"] == "Hello."
    assert "max_tokens" in model.requests[0]
    assert all("max_completion_tokens" in request and "max_tokens" not in request for request in model.requests[1:])


def test_server_that_takes_no_cap_at_all_gets_none(serve):
    refused = {
        "times": 2,
        "status": 400,
        "json": {"error": {"message": "max_tokens or max_completion_tokens: unknown"}},
    }
    client, model = serve(refused, {"content": "Hello."})

    assert chat(client).status_code == 200
    assert not model.requests[2].keys() & {"max_tokens", "max_completion_tokens"}


def test_stream_works_without_usage_where_that_is_refused(serve):
    refused = {"times": 1, "status": 400, "json": {"error": {"message": "unknown argument: stream_options"}}}
    usage = {"prompt_tokens": 900, "completion_tokens": 5, "total_tokens": 905}
    client, model = serve(refused, {"sse": deltas("Hello.", usage=usage)})

    *_, (last, done) = stream(client)

    assert (last, done["usage"]["total_tokens"]) == ("done", 905)
    assert model.requests[0]["stream_options"] == {"include_usage": True}
    assert "stream_options" not in model.requests[1]


def test_model_without_a_system_role_gets_the_instructions_in_the_first_message(serve):
    refused = {"times": 1, "status": 400, "json": {"error": {"message": "System role not supported"}}}
    client, model = serve(refused, {"content": "Hello."})

    assert chat(client).status_code == 200
    assert [message["role"] for message in model.requests[1]["messages"]] == ["user"]
    assert "You help an interviewer" in model.requests[1]["messages"][0]["content"]


def test_error_without_a_parameter_name_does_not_change_the_request(serve):
    client, model = serve({"status": 400, "json": {"error": {"message": "Invalid argument"}}})

    answer = debrief(client)

    assert (answer.status_code, answer.json()["code"]) == (502, "provider_bad_answer")
    assert len(model.requests) == 1


def test_server_that_refuses_everything_ends_in_a_problem(serve):
    client, model = serve({"status": 400, "json": {"error": {"message": "response_format max_tokens: unknown"}}})

    answer = debrief(client)

    assert answer.status_code == 502
    assert len(model.requests) < 10


def test_calls_at_the_same_time_step_down_once(serve):
    client, model = serve(refuses("response_format.type", "json_schema"), DEBRIEF)
    rooms = [open_briefed_room(client) for _ in range(6)]

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda name: debrief(client, name), rooms))

    assert {answer.status_code for answer in answers} == {200}
    assert None not in formats(model)


def test_refusals_do_not_count_as_failures_of_the_server(serve):
    grammar = {
        "if": {"response_format.type": "json_schema"},
        "status": 500,
        "json": {"error": {"message": "failed to parse grammar"}},
    }
    broken = {
        "if": {"response_format.type": "json_object"},
        "times": 30,
        "status": 500,
        "json": {"error": {"message": "json_object"}},
    }
    client, _ = serve(grammar, broken, DEBRIEF)

    answers = [debrief(client).status_code for _ in range(12)]

    assert answers == [200] * 12
