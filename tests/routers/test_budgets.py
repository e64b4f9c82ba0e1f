"""Budgets of phone calls and storage, over HTTP."""

import pytest
from fastapi.testclient import TestClient

from main import create_app
from tests.routers.callers import OTHER_CALLER, OWNER, TWO_KEYS
from tests.routers.voice_calls import CALLS, call_up, mint
from tests.support.interviews import BRIEFING, DAILY, open_briefed_room, open_room
from tests.support.problems import assert_problem

WITH_DAILY = pytest.mark.usefixtures("daily")
STORED_IN = pytest.mark.parametrize("database", [None, "sqlite:///{}/rooms.db"], ids=["memory", "sqlite"])


@pytest.fixture
def start_stored(start, tmp_path):
    def start_app(database=None, **settings):
        return start(database_url=database and database.format(tmp_path), **settings)

    return start_app


def assert_exhausted(answer, *words):
    assert_problem(answer, 429, "budget_exhausted")
    assert all(word in answer.json()["detail"] for word in words), answer.json()["detail"]


@WITH_DAILY
@STORED_IN
def test_fresh_rooms_do_not_give_more_calls_to_one_number(start_stored, vapi, database):
    client = start_stored(database)

    answers = [call_up(client, open_briefed_room(client)) for _ in range(6)]

    assert [answer.status_code for answer in answers] == [202] * 5 + [429]
    assert_exhausted(answers[-1], "This number was called 5 times, of 5 an hour", "try again in 1 h")
    assert int(answers[-1].headers["retry-after"]) > 3500
    assert vapi.call_count == 5


@WITH_DAILY
@STORED_IN
def test_a_caller_places_as_many_calls_as_the_setting_says(start_stored, vapi, database):
    client = start_stored(database, phone_budget="3/day", api_keys=TWO_KEYS)
    numbers = [f"+1415555010{at}" for at in range(5)]

    client.headers |= OWNER
    answers = [call_up(client, open_briefed_room(client), number) for number in numbers[:4]]
    client.headers |= OTHER_CALLER
    other = call_up(client, open_briefed_room(client), numbers[4])

    assert [answer.status_code for answer in answers] == [202, 202, 202, 429]
    assert_exhausted(answers[-1], "You have placed 3 of your 3 phone calls a day")
    assert other.status_code == 202


@WITH_DAILY
def test_repeated_key_of_a_placed_call_uses_no_budget(start, vapi):
    client = start(phone_budget="2/day")
    name = open_briefed_room(client)

    answers = [call_up(client, name, **{"Idempotency-Key": "once"}) for _ in range(4)]

    assert {answer.status_code for answer in answers} == {202}
    assert call_up(client, name).status_code == 202
    assert call_up(client, name).status_code == 429


@WITH_DAILY
def test_a_budget_of_0_leaves_the_limit_of_the_room(start, vapi):
    client = start(phone_budget="0")

    statuses = [call_up(client, open_briefed_room(client)).status_code for _ in range(25)]
    name = open_briefed_room(client)

    assert set(statuses) == {202}
    assert [call_up(client, name).status_code for _ in range(4)] == [202, 202, 202, 429]


@WITH_DAILY
@STORED_IN
def test_a_caller_opens_as_many_rooms_as_the_setting_says(start_stored, vendors, database):
    client = start_stored(database, storage_budget="2 rooms")
    names = [open_room(client) for _ in range(2)]
    opened = sum(call.request.url == f"{DAILY}/rooms" for call in vendors.calls)

    refused = client.post("/api/rooms", json={"interviewer_name": "Ada"})

    assert_exhausted(refused, "You have 2 rooms stored, and 2 is the most", "delete rooms")
    assert sum(call.request.url == f"{DAILY}/rooms" for call in vendors.calls) == opened
    client.delete(f"/api/rooms/{names[0]}")
    open_room(client)


@WITH_DAILY
def test_ended_room_in_memory_is_evicted_for_a_new_one(start, clock):
    client = start(storage_budget="1 room")
    open_room(client, expires_in_minutes=15)
    refused = client.post("/api/rooms", json={"interviewer_name": "Ada"})

    clock.advance(seconds=int(refused.headers["retry-after"]) + 1)

    open_room(client)


@WITH_DAILY
@STORED_IN
def test_stored_data_counts_for_the_owner_of_the_room(start_stored, database):
    client = start_stored(database, storage_budget="60 kB", api_keys=TWO_KEYS)
    client.headers |= OWNER
    open_briefed_room(client, notes="n" * 20_000)

    refused = client.post(f"/api/rooms/{open_room(client)}/briefing", json=BRIEFING | {"notes": "n" * 20_000})
    client.headers |= OTHER_CALLER

    assert_exhausted(refused, "of at most 58.6 KiB stored")
    open_briefed_room(client, notes="n" * 20_000)


@WITH_DAILY
def test_without_authentication_each_address_has_a_budget(settings, daily, tmp_path):
    app = create_app(settings(storage_budget="1 room", database_url=f"sqlite:///{tmp_path}/rooms.db"))
    with TestClient(app, client=("192.0.2.1", 1)) as one, TestClient(app, client=("192.0.2.2", 1)) as other:
        open_room(one)
        open_room(other)
        refused = one.post("/api/rooms", json={"interviewer_name": "Ada"})

    assert_exhausted(refused, "You have 1 rooms stored")


@STORED_IN
def test_replays_of_a_debrief_under_new_keys_do_not_fill_the_storage(start_stored, database):
    client = start_stored(database, sandbox=True, storage_budget="100 kB")
    name = open_briefed_room(client)
    body = {"notes": "She led the migration of the payroll programs. " * 100}

    statuses = [
        client.post(f"/api/rooms/{name}/debrief", json=body, headers={"Idempotency-Key": str(number)}).status_code
        for number in range(40)
    ]

    assert statuses[0] == 200
    assert statuses[-1] == 429


@WITH_DAILY
def test_voice_sessions_of_a_room_are_limited_across_a_restart(start_stored, openai):
    url = "sqlite:///{}/rooms.db"
    first = start_stored(url, rate_limit_llm="1000/minute")
    name = open_briefed_room(first)
    assert {mint(first, name).status_code for _ in range(30)} == {201}

    assert_problem(mint(start_stored(url), name), 429, "rate_limited")


@WITH_DAILY
def test_phone_number_is_not_stored(start_stored, vapi, tmp_path):
    client = start_stored("sqlite:///{}/rooms.db")

    call_up(client, open_briefed_room(client), **{"Idempotency-Key": "once"})

    files = b"".join(path.read_bytes() for path in tmp_path.glob("rooms.db*"))
    assert vapi.called
    assert b"4155550100" not in files
    assert CALLS.encode() not in files
