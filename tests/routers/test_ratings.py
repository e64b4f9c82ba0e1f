"""People's ratings over HTTP: sealed on first submission, and shown to people who have rated."""

from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import pytest

from tests.routers.debrief_calls import LED, debrief, reading
from tests.routers.plan_calls import JOB, answer, make_plan, question, scale
from tests.routers.review_calls import RATINGS, rate, read_ratings
from tests.support.interviews import DAILY, open_briefed_room, open_room
from tests.support.problems import assert_problem

pytestmark = pytest.mark.usefixtures("daily")


def test_the_first_submission_is_kept_and_a_later_one_beside_it(client, clock):
    name = open_briefed_room(client)

    first = rate(client, name, recommendation="Hire").json()
    clock.advance(minutes=5)
    second = rate(client, name, ratings=[{"competency": "Compilers", "rating": 5}]).json()

    assert (first["number"], first["after_reveal"], first["recommendation"]) == (1, False, "Hire")
    assert first["ratings"] == [RATINGS[0], RATINGS[1] | {"note": ""}]
    assert (second["number"], second["after_reveal"], second["submitted_at"]) == (
        2,
        True,
        clock().isoformat()[:-6] + "Z",
    )
    assert read_ratings(client, name, "ada").json()["ratings"] == [first, second]


def test_the_same_ratings_again_are_the_same_submission(client, clock):
    name = open_briefed_room(client)
    first = rate(client, name).json()

    clock.advance(minutes=1)

    assert rate(client, name).json() == first
    assert read_ratings(client, name, "ada").json()["raters"][0]["submissions"] == 1


def test_who_has_rated_is_shown_to_everyone_and_what_they_said_to_those_who_have(client, model):
    model(reading())
    name = open_briefed_room(client)
    debrief(client, name)
    rate(client, name, "ada")

    for reader in (None, "bob", "Ada"):
        seen = read_ratings(client, name, reader).json()
        assert [rater["rater"] for rater in seen["raters"]] == ["ada"]
        assert seen["sealed"]
        assert seen["ratings"] is seen["agreement"] is seen["debrief_version"] is None
    own = read_ratings(client, name, "ada").json()
    assert not own["sealed"]
    assert own["ratings"][0]["rater"] == "ada"


def test_agreement_sets_people_beside_the_model_with_the_quotes(client, model):
    model(reading())
    name = open_briefed_room(client)
    rate(client, name, "ada")
    rate(client, name, "bob", [{"competency": "compilers ", "rating": 5}, {"competency": "Mentoring", "rating": None}])
    debrief(client, name)

    seen = read_ratings(client, name, "bob").json()

    compilers, mentoring = seen["agreement"]
    assert compilers["people"] == [{"rater": "ada", "rating": 4}, {"rater": "bob", "rating": 5}]
    assert (compilers["mean"], compilers["model"], compilers["difference"], compilers["spread"]) == (4.5, 5, -0.5, 1)
    assert LED in compilers["quotes"][0]["text"]
    assert (mentoring["mean"], mentoring["model"], mentoring["difference"]) == (2.0, 4, -2.0)
    assert mentoring["to_discuss"]
    assert seen["debrief_version"] == 1


def test_ratings_before_the_debrief_are_independent_and_after_it_not(client, model):
    model(reading())
    name = open_briefed_room(client)
    before = rate(client, name, "ada").json()
    debrief(client, name)

    after = rate(client, name, "bob").json()

    assert (before["independent"], after["independent"]) == (True, False)


@pytest.fixture(params=["memory", "sqlite"])
def stored(start, request, tmp_path):
    """A client of a service with this storage."""
    return start(database_url=f"sqlite:///{tmp_path}/rooms.db" if request.param == "sqlite" else None)


def test_two_people_at_once_each_have_one_sealed_submission(stored):
    name = open_briefed_room(stored)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda number: rate(stored, name, "ada" if number % 2 else "bob"), range(8)))

    assert {answer.status_code for answer in answers} == {200}
    seen = read_ratings(stored, name, "ada").json()
    assert [(rater["rater"], rater["submissions"]) for rater in seen["raters"]] == [("ada", 1), ("bob", 1)]


def test_different_ratings_of_one_person_at_once_are_numbered_and_one_is_sealed(stored):
    name = open_briefed_room(stored)

    with ThreadPoolExecutor(5) as pool:
        sent = [[{"competency": "Compilers", "rating": rating}] for rating in range(1, 6)]
        numbers = [one.json()["number"] for one in pool.map(lambda ratings: rate(stored, name, "ada", ratings), sent)]

    kept = read_ratings(stored, name, "ada").json()["ratings"]
    assert sorted(numbers) == [1, 2, 3, 4, 5]
    assert [one["after_reveal"] for one in kept] == [False, True, True, True, True]


def test_without_a_briefing_the_default_competencies_are_rated(client):
    name = open_room(client)

    assert read_ratings(client, name).json()["competencies"][0] == "Role-related knowledge"
    assert rate(client, name, ratings=[{"competency": "Problem solving", "rating": 3}]).status_code == 200


def test_the_focus_areas_that_a_plan_proposed_are_rated(client, model):
    because = {"source": "job", "text": "You will teach the newcomers of the team to write passes."}
    areas = [{"name": "Teaching", "because": because}]
    model(answer(focus_areas=areas, questions=[question("How do you teach?")], scales=[scale()]))
    name = open_briefed_room(client, focus_areas=[], notes=JOB)
    make_plan(client, name)

    assert read_ratings(client, name).json()["competencies"] == ["Teaching"]
    assert rate(client, name, ratings=[{"competency": "Teaching", "rating": 3}]).status_code == 200
    assert_problem(rate(client, name, ratings=[{"competency": "Problem solving", "rating": 3}]), 422)


REFUSED = {
    "no ratings": ({"ratings": []}, "ratings"),
    "ratings left out": ({}, "ratings"),
    "an unknown competency": ({"ratings": [{"competency": "Astrology", "rating": 3}]}, "ratings.0.competency"),
    "a competency twice": ({"ratings": [RATINGS[0], {"competency": "COMPILERS"}]}, "ratings.1.competency"),
    "no competency": ({"ratings": [{"rating": 3}]}, "ratings.0.competency"),
    "a blank competency": ({"ratings": [{"competency": " ", "rating": 3}]}, "ratings.0.competency"),
    "a rating of 0": ({"ratings": [{"competency": "Compilers", "rating": 0}]}, "ratings.0.rating"),
    "a rating of 6": ({"ratings": [{"competency": "Compilers", "rating": 6}]}, "ratings.0.rating"),
    "half a point": ({"ratings": [{"competency": "Compilers", "rating": 3.5}]}, "ratings.0.rating"),
    "a rating as text": ({"ratings": [{"competency": "Compilers", "rating": "4"}]}, "ratings.0.rating"),
    "a rating of true": ({"ratings": [{"competency": "Compilers", "rating": True}]}, "ratings.0.rating"),
    "a long note": ({"ratings": [{"competency": "Compilers", "note": "x" * 1001}]}, "ratings.0.note"),
    "an unknown recommendation": ({"ratings": RATINGS, "recommendation": "Maybe"}, "recommendation"),
    "too many ratings": ({"ratings": [RATINGS[0]] * 21}, "ratings"),
}


@pytest.mark.parametrize(("body", "field"), REFUSED.values(), ids=REFUSED)
def test_invalid_ratings_are_refused_by_field_and_seal_nothing(client, body, field):
    name = open_briefed_room(client)

    problem = assert_problem(client.put(f"/api/rooms/{name}/ratings/ada", json=body), 422, "invalid_input")

    assert [entry["field"] for entry in problem["errors"]] == [field]
    assert read_ratings(client, name).json()["raters"] == []


def test_a_focus_area_in_two_spellings_is_rated_once(client):
    name = open_briefed_room(client, focus_areas=["Go", "GO", "go ", "C", "C++"])

    assert read_ratings(client, name).json()["competencies"] == ["Go", "C", "C++"]
    assert rate(client, name, ratings=[{"competency": "GO", "rating": 4}]).json()["ratings"][0]["competency"] == "Go"


@pytest.mark.parametrize("rater", ["auth0/5f0c", "team/ada", "ada@x.example", "ада"])
def test_a_rater_is_any_id_of_the_client_s_users(client, rater):
    name = open_briefed_room(client)

    submitted = client.put(f"/api/rooms/{name}/ratings/{quote(rater, safe='')}", json={"ratings": RATINGS})

    assert (submitted.status_code, submitted.json()["rater"]) == (200, rater)
    assert not read_ratings(client, name, rater).json()["sealed"]


def test_a_rater_is_the_same_person_however_accents_are_encoded(client):
    name = open_briefed_room(client)
    composed, decomposed = "Zo\u00eb", "Zoe\u0308"

    first, second = (rate(client, name, rater, RATINGS) for rater in (decomposed, composed))

    assert first.json() == second.json()
    assert not read_ratings(client, name, decomposed).json()["sealed"]


@pytest.mark.parametrize("rater", ["x" * 81, "%20", "/", "ada/", "a%00b", "a%09b", "%E2%80%AEada"])
def test_a_rater_without_a_plain_name_is_refused(client, rater):
    name = open_briefed_room(client)

    assert_problem(rate(client, name, rater), 422, "invalid_input")
    assert_problem(client.get(f"/api/rooms/{name}/ratings?rater={rater}"), 422, "invalid_input")


@pytest.mark.parametrize("rater", ["auth0|5f7c", "ada@example.com", "Zoë Ødegård", "王芳", "a b"])
def test_ids_of_other_systems_are_raters(client, rater):
    name = open_briefed_room(client)

    assert rate(client, name, rater).json()["rater"] == rater
    assert not read_ratings(client, name, rater).json()["sealed"]


def test_ratings_of_an_unknown_room_are_404(client, vendors):
    vendors.get(url__startswith=f"{DAILY}/rooms/").respond(404, json={"error": "not-found"})

    assert_problem(rate(client, "interview-unknown"), 404, "room_not_found")
    assert_problem(read_ratings(client, "interview-unknown"), 404, "room_not_found")


def test_ratings_of_the_largest_size_in_any_script_are_taken(client):
    areas = [f"{'質' * 110}{number}" for number in range(20)]
    name = open_briefed_room(client, focus_areas=areas)

    sent = [{"competency": area, "rating": 3, "note": "聴" * 1000} for area in areas]

    assert rate(client, name, ratings=sent).status_code == 200


def test_ratings_and_decisions_are_deleted_with_the_room_and_counted(client, vendors):
    name = open_briefed_room(client)
    rate(client, name, "ada")
    rate(client, name, "bob")
    client.put(f"/api/rooms/{name}/decision", json={"decision": "hold", "reasons": "Ask again."})

    deleted = client.delete(f"/api/rooms/{name}").json()["deleted"]

    assert (deleted["ratings"], deleted["decisions"]) == (2, 1)
    vendors.get(url__startswith=f"{DAILY}/rooms/").respond(404, json={"error": "not-found"})
    assert_problem(read_ratings(client, name, "ada"), 404, "room_not_found")
