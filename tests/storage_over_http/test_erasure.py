"""Deleted rooms, and rooms after their retention, are in no response and in no file or table."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.storage_over_http.databases import dump
from tests.support.interviews import BRIEFING, DAILY, mock_daily, open_briefed_room
from tests.support.sqlite_files import files_with
from tests.support.waiting import LIMIT_SECONDS, wait_until

STORED = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)
CANARY = "canary-7f3a"
PARTS = ("", "/briefing", "/transcript", "/chat", "/debrief", "/plan", "/ratings", "/decision")
KEY = {"Idempotency-Key": f"{CANARY}-key"}


def canary(field):
    return f"{CANARY} in the {field}"


def plant(client) -> str:
    """Hold an interview with the canary in every field of every request; returns the name of its room."""
    people = {"interviewer_name": canary("interviewer"), "candidate_name": canary("candidate")}
    name = client.post("/api/rooms", json=people, headers=KEY).json()["room_name"]
    turns = [{"role": "user", "content": canary("question")}, {"role": "assistant", "content": canary("answer")}]
    transcript = [{"speaker": canary("speaker"), "text": canary("turn") * 100, "at": CANARY}]
    calls = {
        "join": {"participant_name": canary("participant"), "participant_type": "candidate"},
        "briefing": {
            "candidate_name": canary("briefed"),
            "role": canary("role"),
            "resume_summary": canary("resume") * 1000,
            "notes": canary("job") * 1000,
            "focus_areas": [canary("area")],
        },
        "transcript/segments": {"segments": [{"id": CANARY, "speaker": canary("line's speaker"), "text": CANARY}]},
        "chat": {
            "message": canary("message"),
            "context": canary("context"),
            "history": turns,
            "transcript": f"Candidate: {canary('line')}",
        },
        "debrief": {"chat_history": turns, "notes": canary("notes"), "transcript": transcript},
        "debrief?regenerate=true": {"notes": canary("other notes"), "transcript": f"Candidate: {canary('line')}"},
    }
    for path, body in calls.items():
        answer = client.post(f"/api/rooms/{name}/{path}", json=body, headers=KEY)
        assert answer.is_success, answer.text
    plant_review(client, name)
    return name


def plant_review(client, name):
    """Write the canary into the plan, the ratings and the decision."""
    asked = {"focus_area": canary("area"), "text": canary("planned question"), "kind": "behaviour"}
    because = {"source": "job", "text": canary("job")}
    rating = {"competency": canary("area"), "rating": 3, "note": canary("note")}
    calls = {
        "plan": {"questions": [asked | {"because": because, "listen_for": canary("good answer")}]},
        f"ratings/{canary('rater')}": {"ratings": [rating]},
        "decision": {"decision": "hold", "reasons": canary("reasons"), "rater": canary("rater")},
    }
    for path, body in calls.items():
        answer = client.put(f"/api/rooms/{name}/{path}", json=body)
        assert answer.is_success, answer.text


@pytest.fixture
def stored(database, tmp_path):
    """Counts a word in the files or tables of the database."""
    if database.startswith("postgresql"):
        return lambda word: dump(database).count(word)
    return lambda word: sum(files_with(word, tmp_path).values())


@STORED
def test_deletion_leaves_no_stored_data(serve, connect, stored, database):
    server = serve(database)
    client = connect(server)
    other, name = open_briefed_room(client), plant(client)
    assert stored(CANARY) > 10

    receipt = client.delete(f"/api/rooms/{name}").json()

    counts = {kind: count for kind, count in receipt["deleted"].items() if count}
    assert counts == {
        "room": 1,
        "participants": 1,
        "briefing": 1,
        "segments": 1,
        "debriefs": 2,
        "chat_turns": 2,
        "idempotency_keys": 3,
        "plans": 1,
        "ratings": 1,
        "decisions": 1,
    }
    assert (stored(CANARY), stored(name)) == (0, 0)
    for room in (name, other):
        assert all(CANARY not in client.get(f"/api/rooms/{room}{part}").text for part in PARTS)
    assert CANARY not in client.post("/api/rooms", json={"interviewer_name": "Ada"}, headers=KEY).text
    assert CANARY not in server.log


@STORED
def test_room_is_erased_after_its_retention_and_not_before(start, clock, stored, database):
    client = start(sandbox=True, database_url=database, retention_days=7)
    old = plant(client)
    clock.advance(days=6)
    young = open_briefed_room(client)
    clock.advance(days=1.5)

    # rooms are looked for at start and every ten minutes
    client = start(sandbox=True, database_url=database, retention_days=7)

    wait_until(lambda: stored(old) == 0, "the old room is erased")
    assert client.get(f"/api/rooms/{old}/briefing").status_code == 404
    assert client.get(f"/api/rooms/{young}/briefing").json()["notes"] == BRIEFING["notes"]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_receipt_names_text_left_in_the_files_and_a_restart_removes_it(serve, connect, stored, database, tmp_path):
    server = serve(database)
    client = connect(server)
    name = plant(client)
    reader = sqlite3.connect(tmp_path / "rooms.db", isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM rooms").fetchall()

    receipt = client.delete(f"/api/rooms/{name}").json()

    assert receipt["deleted"]["room"] == 1
    assert ["database's files" in line for line in receipt["remaining"]] == [True]
    assert client.get(f"/api/rooms/{name}").status_code == 404
    assert stored(CANARY) > 0
    server.kill()
    restarted = connect(serve(database))
    reader.close()
    wait_until(lambda: restarted.delete(f"/api/rooms/{name}").json()["remaining"] == [], "the files are written anew")
    assert stored(CANARY) == 0


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer web-key-0123456789abcdef0123456789"}])
def test_deletion_while_daily_is_down_can_be_completed_by_repeating_it(start, vendors, stored, database, headers):
    mock_daily(vendors)
    keys = {"api_keys": headers["Authorization"].replace("Bearer ", "web:")} if headers else {}
    client = start(database_url=database, **keys)
    client.headers |= headers
    name = open_briefed_room(client)
    at_daily = vendors.delete(url__startswith=f"{DAILY}/rooms/").respond(503)

    first = client.delete(f"/api/rooms/{name}")
    assert (stored(name), client.get(f"/api/rooms/{name}").status_code) == (0, 404)
    at_daily.respond(json={"deleted": True, "name": name})
    second = client.delete(f"/api/rooms/{name}")

    assert (first.status_code, second.status_code) == (200, 200)
    assert (first.json()["deleted"]["room"], second.json()["deleted"]["room"]) == (1, 0)
    assert ["repeat this call" in line for line in first.json()["remaining"]] == [True]
    assert second.json()["remaining"] == []


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_simultaneous_deletions_by_several_workers_leave_nothing_stored(serve, connect, stored, database):
    client = connect(serve(database, workers=2))
    marks = [f"{CANARY}-{number}" for number in range(16)]
    names = [open_briefed_room(client, notes=mark) for mark in marks]

    def delete(name):
        return httpx.delete(f"{client.base_url}/api/rooms/{name}", trust_env=False, timeout=LIMIT_SECONDS).json()[
            "remaining"
        ]

    with ThreadPoolExecutor(8) as threads:
        remaining = list(threads.map(delete, names))

    assert remaining == [[]] * len(names)
    assert stored(CANARY) == 0
