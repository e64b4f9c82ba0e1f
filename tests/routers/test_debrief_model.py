"""A debrief's requests to the language model, and its handling of unusable answers."""

import json

import pytest

from tests.routers.debrief_calls import debrief, reading
from tests.support.interviews import (
    COMPLETIONS,
    TRANSCRIPT,
    completion,
    open_briefed_room,
    sent_to,
)

pytestmark = pytest.mark.usefixtures("daily")


MALFORMED = {
    "prose": "She was great. Strong Hire!",
    "truncated": json.dumps(reading())[:-40],
    "two that differ": f"{json.dumps(reading())}\n{json.dumps(reading(claims=[]))}",
    "nothing inside": "{}",
    "null": "null",
    "nothing readable": json.dumps({"claims": "Strong Hire", "ratings": [{"competency": 9, "rating": "best"}]}),
}


@pytest.mark.parametrize("content", MALFORMED.values(), ids=MALFORMED)
def test_second_unusable_answer_is_a_problem_without_a_verdict(client, model, vendors, content):
    model(content)

    answer = debrief(client, open_briefed_room(client))

    assert (answer.status_code, answer.json()["code"]) == (502, "provider_bad_answer")
    assert len(sent_to(vendors, COMPLETIONS)) == 2
    assert "Hire" not in answer.text


def test_repair_request_names_the_error_and_adds_no_data(client, model, vendors):
    model("Here you are: great!", reading())

    answer = debrief(client, open_briefed_room(client))

    first, second = sent_to(vendors, COMPLETIONS)
    assert answer.status_code == 200
    assert answer.json()["usage"]["total_tokens"] == 300
    assert second["messages"][:2] == first["messages"]
    assert second["messages"][2] == {"role": "assistant", "content": "Here you are: great!"}
    assert "could not be used" in second["messages"][3]["content"]


def test_model_refusal_is_a_problem_without_a_second_request(client, vendors):
    refusal = completion("")
    refusal["choices"][0]["message"] = {"role": "assistant", "content": None, "refusal": "I can't help with that."}
    route = vendors.post(COMPLETIONS).respond(json=refusal)

    answer = debrief(client, open_briefed_room(client))

    assert (answer.status_code, answer.json()["code"]) == (502, "provider_refused")
    assert route.call_count == 1


def test_the_request_asks_for_a_strict_schema(client, model, vendors):
    model(reading())

    debrief(client, open_briefed_room(client))

    body = sent_to(vendors, COMPLETIONS)[0]
    schema = body["response_format"]["json_schema"]
    assert (schema["name"], schema["strict"]) == ("debrief", True)
    assert "recommendation" not in json.dumps(schema)
    assert 0 < body["max_completion_tokens"] <= 16_000


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"transcript": "Interviewer: Why?\nCandidate: I led the migration of the payroll programs."},
        {"transcript": "Interviewer: Why?\nInterviewer: I led the migration of the payroll programs. " * 9},
        {"transcript": ""},
        {"transcript": None, "notes": "  "},
        {"transcript": []},
        {"transcript": "WEBVTT\n\nNOTE nothing was said\n"},
        {"chat_history": [{"role": "user", "content": " "}]},
    ],
)
def test_nothing_to_analyse_gives_a_debrief_without_a_model_call(client, vendors, body):
    name = open_briefed_room(client)

    answer = client.post(f"/api/rooms/{name}/debrief", json=body)

    assert answer.status_code == 200
    assert answer.json()["recommendation"] == "N/A"
    assert answer.json()["basis"] == "none"
    assert answer.json()["summary"].startswith("There was ")
    assert answer.json()["strengths"] == []
    assert answer.json()["original_briefing"]["candidate_name"] == "Grace Hopper"
    assert sent_to(vendors, COMPLETIONS) == []


def test_long_transcript_is_read_in_parts(client, model, vendors):
    model(reading())
    filler = "\n".join(
        f"Interviewer: question {n}?\nCandidate: a longer answer, number {n}, and more." for n in range(7000)
    )

    answer = debrief(client, open_briefed_room(client), transcript=f"{TRANSCRIPT}\n{filler}").json()

    asked = sent_to(vendors, COMPLETIONS)
    prompts = "".join(body["messages"][1]["content"] for body in asked)
    assert len(asked) >= 3
    assert answer["turns_read"] == 4 + 14_000
    assert all(f"number {n}," in prompts for n in (0, 3500, 6999))
    assert any("parts" in warning for warning in answer["warnings"])
    assert answer["strengths"] == ["Led a migration"]
