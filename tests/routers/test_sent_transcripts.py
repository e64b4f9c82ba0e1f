"""Transcripts in requests: who is who, and what is refused before a model is asked."""

import json

import pytest

from tests.routers.chat_calls import ask
from tests.support.interviews import COMPLETIONS, completion, mock_daily, open_room, sent_to

EMPTY_DEBRIEF = {"summary": "Spoke.", "claims": [], "ratings": [], "follow_up_questions": []}


@pytest.fixture(autouse=True)
def model(vendors):
    mock_daily(vendors)
    return vendors.post(COMPLETIONS).respond(json=completion(json.dumps(EMPTY_DEBRIEF)))


def debrief(client, **body):
    return client.post(f"/api/rooms/{open_room(client)}/debrief", json=body)


def test_speakers_of_a_request_reach_the_sidebar(client, vendors):
    ask(
        client, open_room(client), transcript="AI: Why?\nUser: So.", speakers={"AI": "interviewer", "User": "candidate"}
    )

    prompt = sent_to(vendors, COMPLETIONS)[0]["messages"][-1]["content"]
    assert "[T1 interviewer] Why?\n[T2 candidate] So." in prompt


def test_speakers_of_a_request_reach_the_debrief(client, vendors):
    debrief(client, transcript=f"AI: Why?\nUser: {'I built it. ' * 9}", speakers={"User": "candidate"})

    assert "[T2 candidate] I built it." in sent_to(vendors, COMPLETIONS)[0]["messages"][-1]["content"]


def test_same_transcript_with_other_speakers_is_another_debrief(client, model):
    name = open_room(client)
    body = {"transcript": f"Uma: {'You built it. ' * 9}\nTom: {'I built it. ' * 9}"}

    for candidate in ("Uma", "Tom", "Tom"):
        client.post(f"/api/rooms/{name}/debrief", json=body | {"speakers": {candidate: "candidate"}})

    assert model.call_count == 2


@pytest.mark.parametrize(
    "speakers",
    [
        {"AI": "boss"},
        {"AI": None},
        {"x" * 201: "other"},
        {"a\x00": "other"},
        ["AI"],
        "AI",
        {f"{n}": "other" for n in range(201)},
    ],
)
@pytest.mark.parametrize("route", ["chat", "debrief"])
def test_speakers_that_cannot_be_used_are_refused_by_field(client, model, speakers, route):
    body = {"message": "Well?", "transcript": "AI: Why?", "speakers": speakers}

    response = client.post(f"/api/rooms/{open_room(client)}/{route}", json=body)

    assert response.status_code == 422
    assert response.json()["errors"][0]["field"].startswith("speakers")
    assert not model.called


@pytest.mark.parametrize("speakers", [None, {}])
def test_no_speakers_is_none(client, speakers):
    assert debrief(client, transcript="", speakers=speakers).status_code == 200


@pytest.mark.parametrize(
    ("transcript", "named"),
    [
        ('[{"speaker": "A", "te', "JSON"),
        ("WEBVTT\n\n00:0x.000 --> 00:04.000\nB: c", "line 3"),
        ("<html><p>A: b", "HTML"),
        ("A: b\n" * 20_001, "20,000 turns"),
        ("".join(f"Guest {number}: b\n" for number in range(201)), "200 different labels"),
    ],
)
@pytest.mark.parametrize("route", ["chat", "debrief"])
def test_transcript_that_cannot_be_read_is_a_problem_that_says_why(client, model, transcript, named, route):
    body = {"message": "Well?", "transcript": transcript}

    response = client.post(f"/api/rooms/{open_room(client)}/{route}", json=body)

    assert (response.status_code, response.json()["code"]) == (422, "invalid_input")
    assert named in response.json()["detail"]
    assert not model.called
