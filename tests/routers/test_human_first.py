"""HUMAN_FIRST: a reader who has not rated learns no rating from a debrief, in any form."""

import json
import re
import sqlite3
from contextlib import closing

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from main import create_app
from tests.routers.debrief_calls import LED, TAUGHT, debrief, quote, reading
from tests.routers.review_calls import decide, rate, read_decision
from tests.support.event_streams import events
from tests.support.interviews import TRANSCRIPT, open_briefed_room
from tests.support.problems import assert_problem

pytestmark = pytest.mark.usefixtures("daily")

REASON = "Zebra grade of this reason"
KEY = {"Idempotency-Key": "debrief-1"}


@pytest.fixture
def human_first(start):
    return start(human_first=True, rate_limit_llm="100000/minute")


def rated(first, second):
    """The model's answer with these ratings, which its reasons repeat."""
    return reading(
        ratings=[
            {"competency": 1, "rating": first, "rationale": f"{REASON}: {first}.", "evidence": [quote(LED)]},
            {"competency": 2, "rating": second, "rationale": f"{REASON}: {second}.", "evidence": [quote(TAUGHT, 4)]},
        ],
        claims=[
            {"claim": f"Rates {first} of 5 on compilers", "kind": "strength", "evidence": [quote(LED)]},
            {"claim": f"Compilers: a solid {first}", "kind": "strength", "evidence": [quote(LED)]},
            {"claim": "Taught little beyond classes", "kind": "improvement", "evidence": [quote(TAUGHT, 4)]},
        ],
    )


def post(client, name, rater="", accept="application/json", **headers):
    query = f"?rater={rater}" if rater else ""
    return client.post(
        f"/api/rooms/{name}/debrief{query}", json={"transcript": TRANSCRIPT}, headers={"accept": accept} | headers
    )


def every_form(client, name, rater=""):
    """A debrief in each form in which the service gives it away."""
    query = f"?rater={rater}" if rater else ""
    path = f"/api/rooms/{name}/debrief{query}"
    return {
        "POST with a key": post(client, name, rater, **KEY).text,
        "replay": post(client, name, rater, **KEY).text,
        "stored within the hour": post(client, name, rater).text,
        "stream": json.dumps(events(post(client, name, rater, "text/event-stream"))[-1][1]),
        "replayed stream": json.dumps(events(post(client, name, rater, "text/event-stream", **KEY))[-1][1]),
        "GET": client.get(path).text,
        "HTML": client.get(path, headers={"accept": "text/html"}).text,
        "Markdown": client.get(path, headers={"accept": "text/markdown"}).text,
        "ratings": client.get(f"/api/rooms/{name}/ratings{query}").text,
    }


def without_names(text):
    """The text without what is random in it: the room's name and the nonce of its briefing prompt."""
    return re.sub(r"interview-[0-9a-f]{26}|data-[0-9a-f]{16}", "name", text)


SIGNS = [
    REASON,
    "Strong Hire",
    "Leaning",
    "No Hire",
    '"Hire"',
    ">Hire<",
    "Mean of",
    "mean 4",
    'class="on"',
    "●",
    " of 5 on",
    '"rating":5',
    '"rating": 5',
    '"assessed"',
    "hinges_on",
]


def test_no_form_of_a_debrief_shows_a_rating_before_the_reader_has_rated(human_first, model):
    model(rated(5, 4))
    name = open_briefed_room(human_first)
    rate(human_first, name, "ada")

    for reader in ("", "bob"):
        for form, text in every_form(human_first, name, reader).items():
            assert not [sign for sign in SIGNS if sign in text], form
            assert form == "ratings" or LED in text, form


def test_every_form_is_whole_for_a_reader_who_has_rated(human_first, model):
    route = model(rated(5, 4))
    name = open_briefed_room(human_first)
    sealed = every_form(human_first, name)
    rate(human_first, name, "ada")

    shown = every_form(human_first, name, "ada")

    assert sealed.keys() == shown.keys()
    for form, text in shown.items():
        assert form == "ratings" or "Strong Hire" in text, form
    assert route.call_count == 1


@hypothesis_settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ratings=st.tuples(st.integers(1, 5), st.integers(1, 5)))
def test_what_is_read_before_rating_is_the_same_whatever_the_ratings_are(human_first, model, ratings):
    seen = []
    for one in ((3, 3), ratings):
        model(rated(*one))
        name = open_briefed_room(human_first)
        seen.append({form: without_names(text) for form, text in every_form(human_first, name).items()})

    assert seen[0] == seen[1]


def test_a_sealed_debrief_says_so_and_keeps_the_contract(human_first, model):
    model(rated(5, 4))
    name = open_briefed_room(human_first)

    sealed = debrief(human_first, name).json()

    assert sealed["sealed"] is True
    assert sealed["recommendation"] is sealed["score"] is None
    assert [row["rating"] for row in sealed["scorecard"]] == [None, None]
    assert [row["competency"] for row in sealed["scorecard"]] == ["Compilers", "Mentoring"]
    assert sealed["improvements"] == ["Taught little beyond classes"]
    assert LED in sealed["evidence"][0]["quotes"][0]["text"]


def test_a_stored_debrief_stays_whole_and_is_shown_where_human_first_is_off(settings, model, tmp_path):
    model(rated(5, 4))
    url = f"sqlite:///{tmp_path}/rooms.db"
    with TestClient(create_app(settings(human_first=True, database_url=url))) as client:
        name = open_briefed_room(client)
        debrief(client, name)

    with TestClient(create_app(settings(database_url=url))) as client:
        later = client.get(f"/api/rooms/{name}/debrief").json()

    assert (later["recommendation"], later["sealed"]) == ("Strong Hire", False)


def make_older(path):
    """Turn the stored debrief into one of version 1.0, which lacks the fields that came later."""
    with closing(sqlite3.connect(path)) as database, database:
        [(document,)] = database.execute("SELECT document FROM debriefs").fetchall()
        older = json.loads(document)
        for field in ("sealed", "scales", "speakers", "interview", "emulated"):
            del older[field]
        older["score"] = {field: older["score"][field] for field in ("mean", "assessed", "total", "rule")}
        database.execute("UPDATE debriefs SET document = ?", [json.dumps(older)])


def test_a_debrief_of_version_1_is_sealed_too(start, model, tmp_path):
    model(rated(5, 4))
    client = start(human_first=True, database_url=f"sqlite:///{tmp_path}/rooms.db")
    name = open_briefed_room(client)
    debrief(client, name)
    make_older(tmp_path / "rooms.db")

    for accept in ("application/json", "text/html", "text/markdown"):
        sealed = client.get(f"/api/rooms/{name}/debrief", headers={"accept": accept}).text
        assert not [sign for sign in SIGNS if sign in sealed], accept
    rate(client, name, "ada")
    assert client.get(f"/api/rooms/{name}/debrief?rater=ada").json()["recommendation"] == "Strong Hire"


def test_a_debrief_is_open_by_default(client, model):
    model(rated(5, 4))

    made = debrief(client, open_briefed_room(client)).json()

    assert (made["recommendation"], made["sealed"]) == ("Strong Hire", False)


def test_a_rater_without_a_plain_name_is_refused_before_a_model_is_asked(human_first, model):
    route = model(rated(5, 4))

    assert_problem(post(human_first, open_briefed_room(human_first), "x" * 81), 422, "invalid_input")
    assert not route.called


@pytest.mark.parametrize("rater", [None, "bob"])
def test_a_decision_by_a_person_who_has_not_rated_is_409(human_first, rater):
    name = open_briefed_room(human_first)
    rate(human_first, name, "ada")

    assert_problem(decide(human_first, name, rater=rater), 409, "decision_before_rating")
    assert_problem(read_decision(human_first, name), 404, "decision_not_found")


def test_the_reasons_of_a_decision_are_for_people_who_have_rated(human_first, model):
    model(rated(5, 4))
    name = open_briefed_room(human_first)
    rate(human_first, name, "ada")
    debrief(human_first, name)
    made = decide(human_first, name, rater="ada", reasons="I gave compilers a 5.").json()

    for_others = read_decision(human_first, name).json()

    assert (for_others["decision"], for_others["reasons"], for_others["sealed"]) == ("advance", None, True)
    assert read_decision(human_first, name, "ada").json() == made
    for form in ("text/html", "text/markdown"):
        page = human_first.get(f"/api/rooms/{name}/debrief", headers={"accept": form}).text
        assert "I gave compilers" not in page


def test_ratings_under_human_first_are_independent_also_after_the_debrief(human_first, model):
    model(rated(5, 4))
    name = open_briefed_room(human_first)
    debrief(human_first, name)

    assert rate(human_first, name).json()["independent"]
