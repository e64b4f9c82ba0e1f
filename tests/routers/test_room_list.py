"""The list of a caller's own rooms: in pages that stay stable while rooms are added, and only with authentication."""

import pytest

from tests.routers.callers import OTHER_CALLER, OWNER, TWO_KEYS
from tests.routers.debrief_calls import reading
from tests.routers.review_calls import RATINGS
from tests.support.interviews import BRIEFING, TRANSCRIPT
from tests.support.problems import assert_problem

pytestmark = pytest.mark.usefixtures("daily")


@pytest.fixture(params=["memory", "sqlite"])
def authenticated(start, request, tmp_path):
    url = f"sqlite:///{tmp_path}/rooms.db" if request.param == "sqlite" else None
    return start(api_keys=TWO_KEYS, database_url=url)


def open_room(client, caller=OWNER, **body):
    answer = client.post("/api/rooms", json={"interviewer_name": "Ada"} | body, headers=caller)
    return answer.json()["room_name"]


def list_rooms(client, caller=OWNER, **query):
    return client.get("/api/rooms", params=query, headers=caller)


def names(answer):
    return [room["room_name"] for room in answer.json()["data"]]


def test_own_rooms_come_newest_first_and_those_of_others_do_not(authenticated, clock):
    opened = []
    for _ in range(3):
        opened.append(open_room(authenticated))
        open_room(authenticated, OTHER_CALLER)
        clock.advance(seconds=1)

    answer = list_rooms(authenticated)

    assert names(answer) == opened[::-1]
    assert not answer.json()["has_more"]


def test_pages_hold_every_room_once_while_rooms_are_added(authenticated, clock):
    opened = []
    for _ in range(7):
        opened.append(open_room(authenticated))
        clock.advance(seconds=1)

    seen, cursor = [], {}
    while True:
        page = list_rooms(authenticated, limit=3, **cursor)
        seen += names(page)
        open_room(authenticated)
        clock.advance(seconds=1)
        if not page.json()["has_more"]:
            break
        cursor = {"starting_after": seen[-1]}

    assert seen == opened[::-1]


def test_rooms_of_the_same_moment_are_not_lost_between_pages(authenticated):
    opened = {open_room(authenticated) for _ in range(5)}

    first = names(list_rooms(authenticated, limit=2))
    second = names(list_rooms(authenticated, limit=2, starting_after=first[-1]))
    third = names(list_rooms(authenticated, limit=2, starting_after=second[-1]))

    assert len(first + second + third) == 5
    assert set(first + second + third) == opened


def test_rooms_are_selected_by_status(authenticated, clock):
    short, long = open_room(authenticated, expires_in_minutes=15), open_room(authenticated, expires_in_minutes=720)
    clock.advance(minutes=16)

    assert names(list_rooms(authenticated, status="active")) == [long]
    assert names(list_rooms(authenticated, status="ended")) == [short]
    assert {room["room_name"]: room["status"] for room in list_rooms(authenticated).json()["data"]} == {
        short: "ended",
        long: "active",
    }


def test_a_room_says_what_is_stored_under_it(authenticated, model):
    model(reading())
    name = open_room(authenticated)
    [before] = list_rooms(authenticated).json()["data"]
    calls = {
        ("POST", "briefing"): BRIEFING,
        ("POST", "debrief"): {"transcript": TRANSCRIPT},
        ("PUT", "ratings/ada"): {"ratings": RATINGS},
        ("PUT", "decision"): {"decision": "hold", "reasons": "Ask again."},
    }
    for (method, path), body in calls.items():
        authenticated.request(method, f"/api/rooms/{name}/{path}", json=body, headers=OWNER).raise_for_status()

    [after] = list_rooms(authenticated).json()["data"]

    parts = ("has_briefing", "has_debrief", "has_decision")
    assert [before[part] for part in parts] == [False, False, False]
    assert [after[part] for part in parts] == [True, True, True]
    assert after["created_by"] == "Ada"
    assert after["room_url"].endswith(name)


def test_without_authentication_rooms_are_not_listed(client):
    open_room(client, {})

    assert_problem(client.get("/api/rooms"), 403, "listing_needs_authentication")


def test_without_credentials_rooms_are_not_listed(authenticated):
    assert_problem(list_rooms(authenticated, {}), 401, "unauthorized")


def test_a_cursor_that_is_no_room_is_404(authenticated):
    open_room(authenticated)

    assert_problem(list_rooms(authenticated, starting_after="interview-unknown"), 404, "room_not_found")


def test_a_newer_room_of_another_caller_is_no_cursor(authenticated, clock):
    open_room(authenticated)
    clock.advance(seconds=1)

    assert_problem(
        list_rooms(authenticated, starting_after=open_room(authenticated, OTHER_CALLER)), 404, "room_not_found"
    )


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": 101}, "limit"),
        ({"limit": "many"}, "limit"),
        ({"status": "open"}, "status"),
        ({"starting_after": "a room"}, "starting_after"),
    ],
)
def test_an_invalid_query_is_refused_by_field(authenticated, query, field):
    problem = assert_problem(list_rooms(authenticated, **query), 422, "invalid_input")

    assert problem["errors"][0]["field"] == field
