"""The list of a caller's own rooms: in pages that stay stable while rooms are added, and only with authentication."""

import pytest

from tests.routers.callers import OWNER, OWNER_KEY, STRANGER, STRANGER_KEY
from tests.routers.debrief_calls import reading
from tests.routers.review_calls import RATINGS
from tests.routers.test_conventions import assert_problem
from tests.support.interviews import BRIEFING, TRANSCRIPT

pytestmark = pytest.mark.usefixtures("daily")


@pytest.fixture(params=["memory", "sqlite"])
def guarded(start, request, tmp_path):
    url = f"sqlite:///{tmp_path}/rooms.db" if request.param == "sqlite" else None
    return start(api_keys=f"owner:{OWNER_KEY},stranger:{STRANGER_KEY}", database_url=url)


def open_room(client, caller=OWNER, **body):
    answer = client.post("/api/rooms", json={"interviewer_name": "Ada"} | body, headers=caller)
    return answer.json()["room_name"]


def list_rooms(client, caller=OWNER, **query):
    return client.get("/api/rooms", params=query, headers=caller)


def names(answer):
    return [room["room_name"] for room in answer.json()["data"]]


def test_own_rooms_come_newest_first_and_those_of_others_do_not(guarded, clock):
    opened = []
    for _ in range(3):
        opened.append(open_room(guarded))
        open_room(guarded, STRANGER)
        clock.advance(seconds=1)

    answer = list_rooms(guarded)

    assert names(answer) == opened[::-1]
    assert not answer.json()["has_more"]


def test_pages_hold_every_room_once_while_rooms_are_added(guarded, clock):
    opened = []
    for _ in range(7):
        opened.append(open_room(guarded))
        clock.advance(seconds=1)

    seen, cursor = [], {}
    while True:
        page = list_rooms(guarded, limit=3, **cursor)
        seen += names(page)
        open_room(guarded)
        clock.advance(seconds=1)
        if not page.json()["has_more"]:
            break
        cursor = {"starting_after": seen[-1]}

    assert seen == opened[::-1]


def test_rooms_of_the_same_moment_are_not_lost_between_pages(guarded):
    opened = {open_room(guarded) for _ in range(5)}

    first = names(list_rooms(guarded, limit=2))
    second = names(list_rooms(guarded, limit=2, starting_after=first[-1]))
    third = names(list_rooms(guarded, limit=2, starting_after=second[-1]))

    assert len(first + second + third) == 5
    assert set(first + second + third) == opened


def test_rooms_are_selected_by_status(guarded, clock):
    short, long = open_room(guarded, expires_in_minutes=15), open_room(guarded, expires_in_minutes=720)
    clock.advance(minutes=16)

    assert names(list_rooms(guarded, status="active")) == [long]
    assert names(list_rooms(guarded, status="ended")) == [short]
    assert {room["room_name"]: room["status"] for room in list_rooms(guarded).json()["data"]} == {
        short: "ended",
        long: "active",
    }


def test_a_room_says_what_is_stored_under_it(guarded, model):
    model(reading())
    name = open_room(guarded)
    [before] = list_rooms(guarded).json()["data"]
    calls = {
        ("POST", "briefing"): BRIEFING,
        ("POST", "debrief"): {"transcript": TRANSCRIPT},
        ("PUT", "ratings/ada"): {"ratings": RATINGS},
        ("PUT", "decision"): {"decision": "hold", "reasons": "Ask again."},
    }
    for (method, path), body in calls.items():
        guarded.request(method, f"/api/rooms/{name}/{path}", json=body, headers=OWNER).raise_for_status()

    [after] = list_rooms(guarded).json()["data"]

    parts = ("has_briefing", "has_debrief", "has_decision")
    assert [before[part] for part in parts] == [False, False, False]
    assert [after[part] for part in parts] == [True, True, True]
    assert after["created_by"] == "Ada"
    assert after["room_url"].endswith(name)


def test_without_authentication_rooms_are_not_listed(client):
    open_room(client, {})

    assert_problem(client.get("/api/rooms"), 403, "listing_needs_authentication")


def test_without_credentials_rooms_are_not_listed(guarded):
    assert_problem(list_rooms(guarded, {}), 401, "unauthorized")


def test_a_cursor_that_is_no_room_is_404(guarded):
    open_room(guarded)

    assert_problem(list_rooms(guarded, starting_after="interview-unknown"), 404, "room_not_found")


def test_a_newer_room_of_another_caller_is_no_cursor(guarded, clock):
    open_room(guarded)
    clock.advance(seconds=1)

    assert_problem(list_rooms(guarded, starting_after=open_room(guarded, STRANGER)), 404, "room_not_found")


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
def test_an_invalid_query_is_refused_by_field(guarded, query, field):
    problem = assert_problem(list_rooms(guarded, **query), 422, "invalid_input")

    assert problem["errors"][0]["field"] == field
