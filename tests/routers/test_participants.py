"""Who may join a room, and under which name, over HTTP."""

import pytest

from services.interview.participants import MAX_CANDIDATE_TOKENS
from tests.support.interviews import DAILY, open_room, sent_to
from tests.support.problems import assert_problem

pytestmark = pytest.mark.usefixtures("daily")


def join(client, room, name, kind="candidate"):
    return client.post(f"/api/rooms/{room}/join", json={"participant_name": name, "participant_type": kind})


def roles(client, room, text):
    answer = client.put(f"/api/rooms/{room}/transcript", json={"transcript": text})
    return {speaker["label"]: (speaker["role"], speaker["because"]) for speaker in answer.json()["speakers"]}


@pytest.fixture
def room(client):
    return open_room(client, interviewer_name="Nora Kim")


@pytest.mark.parametrize("name", ["Nora Kim", "nora  kim", "Nora Kim (she/her)", "Kim, Nora"])
def test_candidate_under_the_interviewers_name_is_refused_before_daily_is_asked(client, vendors, room, name):
    tokens = len(sent_to(vendors, f"{DAILY}/meeting-tokens"))

    problem = assert_problem(join(client, room, name), 422, "invalid_input")

    assert problem["errors"][0]["field"] == "participant_name"
    assert len(sent_to(vendors, f"{DAILY}/meeting-tokens")) == tokens


def test_candidate_under_the_name_of_a_second_interviewer_is_refused(client, room):
    assert join(client, room, "Uma Roth", "interviewer").status_code == 200

    assert_problem(join(client, room, "Uma Roth"), 422, "invalid_input")


@pytest.mark.parametrize("name", ["Nora", "Nora Kimball"])
def test_candidate_who_shares_a_part_of_the_interviewers_name_may_join(client, room, name):
    assert join(client, room, name).status_code == 200


def test_names_of_tokens_tell_the_speakers_of_a_transcript_apart(client, room):
    join(client, room, "Tom Reed")
    join(client, room, "Uma Roth", "interviewer")

    assert roles(client, room, "Uma Roth: Why?\nTom Reed: Because.\nNora Kim: I see.") == {
        "Uma Roth": ("interviewer", "it is the interviewer's full name"),
        "Tom Reed": ("candidate", "a candidate's meeting token was issued for this name"),
        "Nora Kim": ("interviewer", "it is the interviewer's full name"),
    }


def test_tokens_of_candidates_are_limited_for_each_room(client, room):
    for number in range(MAX_CANDIDATE_TOKENS):
        assert join(client, room, f"Tom {number}").status_code == 200

    assert_problem(join(client, room, "Tom Reed"), 429, "rate_limited")
    assert join(client, room, "Nora Kim", "interviewer").status_code == 200
    assert join(client, open_room(client), "Tom Reed").status_code == 200


def test_refused_token_is_not_recorded(client, vendors, room):
    vendors.post(f"{DAILY}/meeting-tokens").respond(403, json={"error": "forbidden"})

    assert join(client, room, "Tom Reed").status_code == 503

    receipt = client.delete(f"/api/rooms/{room}").json()
    assert receipt["deleted"]["participants"] == 0


def test_person_may_join_a_room_whose_owner_has_no_storage_left(start):
    client = start(storage_budget="5 rooms;2 kB")
    room = open_room(client, interviewer_name="Nora Kim")
    names = [f"Tom {number}" for number in range(20)]

    assert {join(client, room, name).status_code for name in names} == {200}
    assert 0 < client.delete(f"/api/rooms/{room}").json()["deleted"]["participants"] < len(names)
