"""Rooms over HTTP, Daily mocked at the wire."""

import json
import re
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from tests.support.interviews import DAILY, mock_daily, open_room, sample, sent_to

UNKNOWN = "interview-" + "0" * 26


@pytest.fixture(autouse=True)
def daily(vendors):
    mock_daily(vendors)


def parse(moment):
    return datetime.fromisoformat(moment)


def test_opening_a_room_returns_its_url_a_token_and_a_location(client):
    answer = client.post("/api/rooms", json={"interviewer_name": "Ada", "candidate_name": "Grace"})

    room = answer.json()
    assert answer.status_code == 201
    assert answer.headers["location"] == f"/api/rooms/{room['room_name']}"
    assert room["room_url"] == f"https://team.daily.co/{room['room_name']}"
    assert room["interviewer_token"] == "daily-token"
    assert room["created_by"] == "Ada"
    assert room["created_at"].endswith("Z")


def test_a_room_is_private_unguessable_and_ejects_at_its_end(client, vendors, clock):
    names = {open_room(client, expires_in_minutes=30) for _ in range(5)}

    bodies = sent_to(vendors, f"{DAILY}/rooms")
    assert len(names) == 5
    assert all(re.fullmatch(r"[A-Za-z0-9-]{30,41}", name) for name in names)
    assert {body["privacy"] for body in bodies} == {"private"}
    assert all(body["properties"]["eject_at_room_exp"] is True for body in bodies)
    assert all(body["properties"]["exp"] == int((clock() + timedelta(minutes=30)).timestamp()) for body in bodies)


def test_a_room_lasts_two_hours_by_default(client, clock):
    room = client.post("/api/rooms", json={"interviewer_name": "Ada"}).json()

    assert parse(room["expires_at"]) == (clock() + timedelta(hours=2)).replace(microsecond=0)


def test_every_token_is_for_one_room_and_its_time_with_a_short_user_id(client, vendors):
    name = open_room(client)
    room = client.get(f"/api/rooms/{name}").json()

    client.post(f"/api/rooms/{name}/join", json={"participant_name": "G" * 80, "participant_type": "candidate"})

    for body in sent_to(vendors, f"{DAILY}/meeting-tokens"):
        assert body["properties"]["room_name"] == name
        assert body["properties"]["exp"] == int(parse(room["expires_at"]).timestamp())
        assert 0 < len(body["properties"]["user_id"]) <= 36


@pytest.mark.parametrize(("kind", "is_owner"), [("interviewer", True), ("candidate", False)])
def test_only_an_interviewer_gets_an_owners_token(client, vendors, kind, is_owner):
    name = open_room(client)

    answer = client.post(f"/api/rooms/{name}/join", json={"participant_name": "Grace", "participant_type": kind})

    assert answer.status_code == 200
    assert answer.json()["token"] == "daily-token"
    assert sent_to(vendors, f"{DAILY}/meeting-tokens")[-1]["properties"]["is_owner"] is is_owner


def test_a_room_without_a_token_is_deleted_again(client, vendors):
    vendors.post(f"{DAILY}/meeting-tokens").respond(400, json={"error": "invalid-request-error"})

    answer = client.post("/api/rooms", json={"interviewer_name": "Ada"})

    made = sent_to(vendors, f"{DAILY}/rooms")[0]["name"]
    assert answer.status_code == 502
    assert [str(call.request.url) for call in vendors.calls if call.request.method == "DELETE"] == [
        f"{DAILY}/rooms/{made}"
    ]


def test_room_that_exists_only_at_daily_is_found_after_a_restart(start, vendors, clock):
    name = open_room(start())
    exp = int((clock() + timedelta(hours=1)).timestamp())
    room = sample("daily/room.json") | {"name": name, "config": {"exp": exp}}
    vendors.get(url__startswith=f"{DAILY}/rooms/").respond(json=room)

    restarted = start()
    answer = restarted.get(f"/api/rooms/{name}")
    briefing = restarted.post(f"/api/rooms/{name}/briefing", json={"candidate_name": "Grace"})

    assert answer.status_code == 200
    assert parse(answer.json()["expires_at"]) == datetime.fromtimestamp(exp, UTC)
    assert answer.json()["created_by"] == "unknown"
    assert briefing.status_code == 200


def test_a_room_at_daily_without_an_end_is_not_found(client, vendors):
    asked = vendors.get(url__startswith=f"{DAILY}/rooms/").respond(
        json=sample("daily/room.json") | {"name": UNKNOWN, "config": {}}
    )

    answer = client.get(f"/api/rooms/{UNKNOWN}")

    assert answer.status_code == 404
    assert asked.called


@pytest.mark.parametrize("path", ["", "/briefing", "/debrief", "/chat"])
def test_an_unknown_room_is_not_found(client, vendors, path):
    vendors.get(f"{DAILY}/rooms/{UNKNOWN}").respond(404, json={"error": "not-found"})

    answer = client.get(f"/api/rooms/{UNKNOWN}{path}")

    assert answer.status_code == 404
    assert answer.json()["code"] == "room_not_found"


CALLS_TO_A_ROOM = {
    "read": ("GET", "", None),
    "join": ("POST", "/join", {"participant_name": "Mallory", "participant_type": "interviewer"}),
    "brief": ("POST", "/briefing", {"candidate_name": "Grace"}),
    "chat": ("POST", "/chat", {"message": "Who is there?"}),
    "debrief": ("POST", "/debrief", {"notes": "She knows compilers."}),
    "voice": ("POST", "/realtime/token", {}),
    "call": ("POST", "/briefing/call", {"phone_number": "+14155550100"}),
}


@pytest.mark.parametrize("name", ["team-standup", "interview-1", f"{UNKNOWN}a", UNKNOWN.upper(), f"my-{UNKNOWN}"])
@pytest.mark.parametrize("call", CALLS_TO_A_ROOM)
def test_a_room_that_this_service_did_not_name_is_not_found_and_daily_is_not_asked(client, vendors, call, name):
    at_daily = vendors.get(url__startswith=f"{DAILY}/rooms/").respond(
        json=sample("daily/room.json") | {"name": name, "config": {"exp": 4102444800}}
    )
    method, path, body = CALLS_TO_A_ROOM[call]

    answer = client.request(method, f"/api/rooms/{name}{path}", json=body)

    assert (answer.status_code, answer.json()["code"]) == (404, "room_not_found")
    assert not at_daily.called


def test_an_ended_room_is_410_for_readers_and_participants(client, clock):
    name = open_room(client, expires_in_minutes=15)
    clock.advance(minutes=16)

    seen = client.get(f"/api/rooms/{name}")
    joined = client.post(f"/api/rooms/{name}/join", json={"participant_name": "G", "participant_type": "candidate"})

    assert (seen.status_code, seen.json()["code"]) == (410, "room_expired")
    assert joined.status_code == 410


def test_the_briefing_of_an_ended_room_can_be_read(client, clock):
    name = open_room(client, expires_in_minutes=15)
    client.post(f"/api/rooms/{name}/briefing", json={"candidate_name": "Grace"})
    clock.advance(minutes=16)

    answer = client.get(f"/api/rooms/{name}/briefing")

    assert answer.status_code == 200


@pytest.mark.parametrize("database", [None, "sqlite"])
def test_a_room_at_daily_that_this_service_did_not_name_is_not_deleted(start, vendors, tmp_path, database):
    client = start(database_url=database and f"sqlite:///{tmp_path}/rooms.db")
    at_daily = vendors.delete(url__startswith=f"{DAILY}/rooms/").respond(json={"deleted": True, "name": "team-standup"})

    receipt = client.delete("/api/rooms/team-standup")

    assert receipt.status_code == 200
    assert receipt.json()["remaining"] == []
    assert not at_daily.called


def test_deleting_a_room_erases_it_and_returns_a_receipt(client, vendors):
    vendors.get(url__startswith=f"{DAILY}/rooms/").respond(404, json={"error": "not-found"})
    name = open_room(client)
    client.post(f"/api/rooms/{name}/briefing", json={"candidate_name": "Grace"})

    receipt = client.delete(f"/api/rooms/{name}").json()

    assert (receipt["deleted"]["room"], receipt["deleted"]["briefing"], receipt["remaining"]) == (1, 1, [])
    assert client.get(f"/api/rooms/{name}").status_code == 404
    assert client.get(f"/api/rooms/{name}/briefing").status_code == 404


def test_deleting_twice_is_no_error(client):
    name = open_room(client)
    client.delete(f"/api/rooms/{name}")

    again = client.delete(f"/api/rooms/{name}")

    assert again.status_code == 200
    assert set(again.json()["deleted"].values()) == {0}


def test_a_room_that_daily_no_longer_knows_counts_as_deleted(client, vendors):
    vendors.delete(url__startswith=f"{DAILY}/rooms/").respond(404, json={"error": "not-found"})
    name = open_room(client)

    receipt = client.delete(f"/api/rooms/{name}")

    assert receipt.status_code == 200
    assert receipt.json()["remaining"] == []


def test_stored_data_is_erased_while_daily_is_down_and_the_receipt_names_the_room(client, vendors):
    vendors.delete(url__startswith=f"{DAILY}/rooms/").mock(side_effect=httpx.ConnectError("down"))
    name = open_room(client)

    receipt = client.delete(f"/api/rooms/{name}").json()

    assert receipt["deleted"]["room"] == 1
    assert "repeat this call" in receipt["remaining"][0]


def test_receipt_suggests_repeating_the_call_only_where_it_helps(start, vendors):
    """Without a database and with authentication, a room that is not stored has no known owner."""
    client = start(api_keys="ada:key-of-ada-0123456789")
    client.headers["Authorization"] = "Bearer key-of-ada-0123456789"
    vendors.delete(url__startswith=f"{DAILY}/rooms/").respond(503)
    name = open_room(client)

    [remaining] = client.delete(f"/api/rooms/{name}").json()["remaining"]

    assert "ends by itself" in remaining
    assert "repeat" not in remaining


def test_retry_accepts_the_room_of_a_lost_response(client, vendors, clock):
    exp = int((clock() + timedelta(hours=2)).timestamp())
    vendors.post(f"{DAILY}/rooms").mock(
        side_effect=[httpx.ReadError("lost"), httpx.Response(400, json=sample("daily/error_400_duplicate_room.json"))]
    )
    room = sample("daily/room.json") | {"config": {"exp": exp}}
    vendors.get(url__startswith=f"{DAILY}/rooms/").respond(json=room)

    answer = client.post("/api/rooms", json={"interviewer_name": "Ada"})

    assert answer.status_code == 201
    first, second = sent_to(vendors, f"{DAILY}/rooms")
    assert first == second


def test_a_missing_daily_key_is_503_and_named(start):
    client = start(daily_api_key=None)

    answer = client.post("/api/rooms", json={"interviewer_name": "Ada"})

    assert (answer.status_code, answer.json()["code"]) == (503, "provider_not_configured")
    assert "DAILY_API_KEY" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (401, {"error": "authentication-error"}, 503),
        (400, {"error": "authorization-header-error"}, 503),
        (400, {"error": "invalid-request-error", "info": "secret vendor text"}, 502),
        (403, {"error": "forbidden-error"}, 503),
        (429, {"error": "rate-limit-error"}, 503),
        (500, {"error": "server-error", "info": "secret vendor text"}, 502),
        (503, {"error": "server-error"}, 503),
        (504, {}, 504),
    ],
)
def test_failures_of_daily_become_problems_without_vendor_text(client, vendors, status, body, expected):
    vendors.post(f"{DAILY}/rooms").respond(status, json=body)
    vendors.get(url__startswith=f"{DAILY}/rooms/").respond(404, json={"error": "not-found"})

    answer = client.post("/api/rooms", json={"interviewer_name": "Ada"})

    assert answer.status_code == expected
    assert "secret vendor text" not in answer.text
    assert "daily-key" not in answer.text


@pytest.mark.parametrize("body", ["<html>", "null", "[]", "{}", json.dumps({"id": 1, "name": [], "url": None})])
def test_an_unexpected_response_of_daily_is_502(client, vendors, body):
    vendors.post(f"{DAILY}/rooms").respond(200, text=body)

    answer = client.post("/api/rooms", json={"interviewer_name": "Ada"})

    assert (answer.status_code, answer.json()["code"]) == (502, "provider_bad_answer")
