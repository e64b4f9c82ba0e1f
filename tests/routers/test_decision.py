"""A person's decision over HTTP: never filled in by code, the latest counts, and shown apart from the model."""

import pytest

from tests.routers.debrief_calls import debrief, reading
from tests.routers.review_calls import decide, rate, read_decision
from tests.support.interviews import open_briefed_room
from tests.support.problems import assert_problem

pytestmark = pytest.mark.usefixtures("daily")


def test_there_is_no_decision_until_a_person_makes_one(client, model):
    model(reading())
    name = open_briefed_room(client)
    debrief(client, name)
    rate(client, name)

    assert_problem(read_decision(client, name), 404, "decision_not_found")


def test_a_decision_is_read_as_it_was_made_and_the_latest_counts(client, clock):
    name = open_briefed_room(client)
    decide(client, name, decision="hold")
    clock.advance(minutes=1)

    latest = decide(client, name, rater="ada").json()

    assert latest["decision"] == "advance"
    assert latest["rater"] == "ada"
    assert latest["reasons"] == "Compilers are what the job needs."
    assert not latest["sealed"]
    assert read_decision(client, name).json() == latest


def test_the_same_decision_again_is_the_same_one(client, clock):
    name = open_briefed_room(client)
    first = decide(client, name).json()

    clock.advance(minutes=1)

    assert decide(client, name).json() == first
    assert client.delete(f"/api/rooms/{name}").json()["deleted"]["decisions"] == 1


REFUSED = {
    "an unknown decision": ({"decision": "hire"}, "decision"),
    "no decision": ({"decision": None}, "decision"),
    "no reasons": ({"reasons": " "}, "reasons"),
    "long reasons": ({"reasons": "x" * 5001}, "reasons"),
    "a long rater": ({"rater": "x" * 81}, "rater"),
}


@pytest.mark.parametrize(("changes", "field"), REFUSED.values(), ids=REFUSED)
def test_an_invalid_decision_is_refused_by_field(client, changes, field):
    name = open_briefed_room(client)

    problem = assert_problem(decide(client, name, **changes), 422, "invalid_input")

    assert problem["errors"][0]["field"] == field
    assert_problem(read_decision(client, name), 404, "decision_not_found")


@pytest.mark.parametrize("form", ["text/html", "text/markdown"])
def test_the_report_shows_the_decision_apart_and_who_rated_before_seeing(client, model, form):
    model(reading())
    name = open_briefed_room(client)
    rate(client, name, "ada")
    debrief(client, name)
    rate(client, name, "bob")
    decide(client, name, decision="decline", rater="ada")

    report = client.get(f"/api/rooms/{name}/debrief?rater=ada", headers={"accept": form}).text.replace("\\", "")

    assert "Strong Hire" in report
    assert "decline" in report.lower()
    assert "Compilers are what the job needs." in report
    assert "Decided by ada" in report
    assert "before the model’s ratings were shown" in report
    assert "when the model’s ratings could be seen" in report
    assert "to discuss" in report


@pytest.mark.parametrize("form", ["text/html", "text/markdown"])
def test_the_report_shows_ratings_of_people_only_to_people_who_have_rated(client, model, form):
    model(reading())
    name = open_briefed_room(client)
    debrief(client, name)
    rate(client, name, "ada")

    report = client.get(f"/api/rooms/{name}/debrief", headers={"accept": form}).text

    assert "ada rated on" in report
    assert "to discuss" not in report
