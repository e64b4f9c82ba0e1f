"""`Idempotency-Key` over HTTP: one response for one key, also when the client disconnects in between."""

import json
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from urllib.parse import urlsplit

import httpx
import pytest
from fastapi.testclient import TestClient

from main import create_app
from tests.routers.callers import OTHER_CALLER, OWNER, TWO_KEYS
from tests.routers.slow_daily import SlowDaily, slow_daily
from tests.support.api_server import api_server
from tests.support.interviews import DAILY, mock_daily, open_briefed_room, open_room, sent_to

ROOM = {"interviewer_name": "Ada"}
KEY = {"Idempotency-Key": "5a2c9f0e-first-try"}
NUMBER = {"phone_number": "+14155550100"}

CALLS = {
    "room": ("/api/rooms", ROOM, {"interviewer_name": "Bob"}),
    "debrief": ("/api/rooms/{name}/debrief?regenerate=true", {"notes": "She knows compilers."}, {"notes": "Other."}),
    "realtime token": ("/api/rooms/{name}/realtime/token", {}, {"voice": "cedar"}),
    "realtime session": ("/api/realtime/session", {"candidate_name": "Grace"}, {"candidate_name": "Ada"}),
    "phone call": ("/api/rooms/{name}/briefing/call", NUMBER, {"phone_number": "+14155550101"}),
}
EVERY_CALL = pytest.mark.parametrize("call", CALLS)
STORED_IN = pytest.mark.parametrize("database", [None, "sqlite:///{}/rooms.db"], ids=["memory", "sqlite"])


@pytest.fixture
def begin(start, tmp_path):
    """Start an app in the sandbox over this storage, with a briefed room."""

    def begin_app(database=None, **settings):
        client = start(sandbox=True, database_url=database and database.format(tmp_path), **settings)
        return client, open_briefed_room(client)

    return begin_app


def ask(client, call, name, *, body=None, headers=KEY):
    path, first, _ = CALLS[call]
    return client.post(path.format(name=name), json=first if body is None else body, headers=headers)


def is_replayed(answer):
    return answer.headers.get("idempotency-replayed") == "true"


def test_without_authentication_a_key_belongs_to_the_address(settings, vendors, tmp_path):
    mock_daily(vendors)
    app = create_app(settings(database_url=f"sqlite:///{tmp_path}/rooms.db"))
    with TestClient(app, client=("192.0.2.1", 1)) as one, TestClient(app, client=("192.0.2.2", 1)) as other:
        first, again, another = (client.post("/api/rooms", json=ROOM, headers=KEY) for client in (one, one, other))

    assert again.json() == first.json()
    assert not is_replayed(another)
    assert another.json()["room_name"] != first.json()["room_name"]


@STORED_IN
@EVERY_CALL
def test_the_same_request_replays_the_first_response(begin, call, database):
    client, name = begin(database)

    first, second = ask(client, call, name), ask(client, call, name)

    assert first.is_success, first.text
    assert (is_replayed(first), is_replayed(second)) == (False, True)
    assert (second.status_code, second.content) == (first.status_code, first.content)
    for header in ("location", "content-type"):
        assert second.headers.get(header) == first.headers.get(header)


@pytest.mark.parametrize("call", ["room", "debrief", "phone call"])
def test_without_a_key_the_work_is_repeated(begin, call):
    client, name = begin()

    first, second = (ask(client, call, name, headers={}) for _ in range(2))

    assert second.is_success
    assert first.content != second.content
    assert not is_replayed(second)


@STORED_IN
@EVERY_CALL
def test_another_body_under_the_same_key_is_refused(begin, call, database):
    client, name = begin(database)
    ask(client, call, name)

    answer = ask(client, call, name, body=CALLS[call][2])

    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
    assert "new key" in answer.json()["detail"]


def test_a_body_with_the_same_meaning_is_the_same_request(begin):
    client, name = begin()
    first = ask(client, "room", name)

    spelled_out = {"expires_in_minutes": 120, "candidate_name": None, "interviewer_name": "Ada", "newer": 1}
    second = ask(client, "room", name, body=spelled_out)

    assert is_replayed(second)
    assert second.content == first.content


@EVERY_CALL
@pytest.mark.parametrize("key", ["", "two words", "x" * 256, "tab\there", "caf\u00e9".encode("latin-1")])
def test_an_invalid_key_is_refused_before_the_work(begin, call, key):
    client, name = begin()

    answer = ask(client, call, name, headers={"Idempotency-Key": key})

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")
    assert answer.json()["errors"][0]["field"] == "Idempotency-Key"


def test_a_key_is_not_replayed_on_another_route(begin):
    client, name = begin()
    ask(client, "debrief", name)

    answers = [ask(client, call, name) for call in ("realtime token", "realtime session", "phone call")]
    other_room = ask(client, "debrief", open_room(client))

    assert not any(is_replayed(answer) for answer in [*answers, other_room])
    assert all(answer.is_success for answer in [*answers, other_room])


def test_a_key_is_not_replayed_to_another_caller(start):
    client = start(sandbox=True, api_keys=TWO_KEYS)

    first = client.post("/api/rooms", json=ROOM, headers=KEY | OWNER)
    second = client.post("/api/rooms", json=ROOM, headers=KEY | OTHER_CALLER)

    assert not is_replayed(second)
    assert second.json()["room_name"] != first.json()["room_name"]


@STORED_IN
def test_a_failed_request_is_not_stored(start, vendors, database, tmp_path):
    mock_daily(vendors)
    client = start(database_url=database and database.format(tmp_path))
    vendors.post(f"{DAILY}/rooms").respond(401, json={})
    failed = client.post("/api/rooms", json=ROOM, headers=KEY)
    mock_daily(vendors)

    answer = client.post("/api/rooms", json=ROOM, headers=KEY)

    assert failed.status_code == 503
    assert answer.status_code == 201
    assert not is_replayed(answer)


def test_a_refused_request_may_be_corrected_under_its_key(begin):
    client, name = begin()
    refused = ask(client, "phone call", name, body={"phone_number": "12"})

    answer = ask(client, "phone call", name)

    assert refused.status_code == 422
    assert answer.status_code == 202


@pytest.mark.parametrize(
    ("call", "life"),
    [
        ("room", timedelta(hours=24)),
        ("realtime session", timedelta(minutes=1)),
        ("realtime token", timedelta(minutes=1)),
    ],
)
def test_response_is_kept_for_a_day_or_until_its_secret_expires(begin, clock, call, life):
    client, name = begin()
    first = ask(client, call, name)

    clock.now += life - timedelta(seconds=2)
    within = ask(client, call, name)
    clock.now += timedelta(seconds=2)
    after = ask(client, call, name)

    assert within.content == first.content
    assert after.content != first.content


@STORED_IN
def test_a_response_is_deleted_with_its_room(begin, database):
    client, _ = begin(database)
    room = client.post("/api/rooms", json=ROOM, headers=KEY).json()

    receipt = client.delete(f"/api/rooms/{room['room_name']}").json()
    again = client.post("/api/rooms", json=ROOM, headers=KEY)

    assert receipt["deleted"]["idempotency_keys"] == 1
    assert again.json()["room_name"] != room["room_name"]


def test_a_response_in_a_database_survives_a_restart(settings, clock, tmp_path):
    stored = settings(sandbox=True, database_url=f"sqlite:///{tmp_path}/rooms.db")
    with TestClient(create_app(stored, clock=clock)) as client:
        first = client.post("/api/rooms", json=ROOM, headers=KEY)

    with TestClient(create_app(stored, clock=clock)) as client:
        second = client.post("/api/rooms", json=ROOM, headers=KEY)

    assert is_replayed(second)
    assert second.content == first.content


def test_a_streamed_debrief_replays_the_stored_one(begin):
    client, name = begin()
    first = ask(client, "debrief", name)

    streamed = ask(client, "debrief", name, headers=KEY | {"Accept": "text/event-stream"})

    last = streamed.text.strip().split("\n\n")[-1]
    assert last.startswith("event: done")
    assert json.loads(last.partition("data: ")[2]) == first.json()


def test_the_key_is_not_sent_to_the_vendor(start, vendors):
    mock_daily(vendors)
    client = start()

    client.post("/api/rooms", json=ROOM, headers=KEY)

    assert KEY["Idempotency-Key"] not in json.dumps(sent_to(vendors, f"{DAILY}/rooms"))
    assert not any(KEY["Idempotency-Key"] in str(call.request.headers) for call in vendors.calls)


@pytest.fixture
def daily():
    with slow_daily() as server:
        yield server


@pytest.fixture(params=["", "sqlite:///./rooms.db"], ids=["memory", "sqlite"])
def url(request, daily: SlowDaily, tmp_path):
    """A running service whose Daily is slow."""
    settings = {"DAILY_API_KEY": "daily-key-0123456789", "DAILY_API_URL": daily.url, "DATABASE_URL": request.param}
    with api_server(tmp_path, **settings) as address:
        yield address


def open_at(url):
    return httpx.post(f"{url}/api/rooms", json=ROOM, headers=KEY, timeout=30, trust_env=False)


def test_same_request_during_the_first_is_a_conflict(url, daily):
    with ThreadPoolExecutor() as callers:
        first = callers.submit(open_at, url)
        assert daily.asked.wait(30)

        second = open_at(url)
        daily.released.set()

    assert (second.status_code, second.json()["code"]) == (409, "request_in_progress")
    assert int(second.headers["retry-after"]) >= 1
    assert first.result().status_code == 201
    assert daily.rooms == [first.result().json()["room_name"]]


def test_many_identical_requests_at_once_make_one_room(url, daily):
    daily.released.set()
    with ThreadPoolExecutor(8) as callers:
        answers = list(callers.map(open_at, [url] * 8))

    late = open_at(url)

    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len(daily.rooms) == 1
    assert late.json()["room_name"] == daily.rooms[0]


def disconnect_during(url, daily):
    """Ask for a room and disconnect while it is being made."""
    body = json.dumps(ROOM).encode()
    address = urlsplit(url)
    with closing(socket.create_connection((address.hostname, address.port))) as caller:
        head = f"POST /api/rooms HTTP/1.1\r\nHost: {address.netloc}\r\nContent-Type: application/json\r\n"
        head += f"Idempotency-Key: {KEY['Idempotency-Key']}\r\nContent-Length: {len(body)}\r\n\r\n"
        caller.sendall(head.encode() + body)
        assert daily.asked.wait(30)


def test_a_room_whose_client_disconnected_is_replayed_and_not_made_again(url, daily):
    disconnect_during(url, daily)
    for _ in range(3):
        httpx.get(f"{url}/health", trust_env=False)  # its response shows that the disconnect was seen
    daily.released.set()

    answer = open_at(url)
    while answer.status_code == 409:
        answer = open_at(url)

    assert answer.status_code == 201
    assert is_replayed(answer)
    assert answer.headers["location"] == f"/api/rooms/{answer.json()['room_name']}"
    assert daily.rooms == [answer.json()["room_name"]]
