"""The database is lost while the service runs: calls get 503 in time, and the service recovers by itself."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.storage_over_http.conftest import UNLIMITED
from tests.support.api_server import running_api
from tests.support.interviews import open_briefed_room
from tests.support.waiting import LIMIT_SECONDS, wait_until

CALLERS = 8


@pytest.fixture(scope="module")
def service(own_server, loopback, tmp_path_factory):
    """One service for all tests here: it has to survive every loss."""
    settings = UNLIMITED | loopback.settings() | {"DATABASE_URL": own_server.url}
    with running_api(tmp_path_factory.mktemp("server"), **settings) as server:
        yield server


@pytest.fixture
def client(service, connect):
    return connect(service)


@pytest.fixture
def database(own_server):
    """A database that is up again after each test, whatever happened in it."""
    yield own_server
    own_server.thaw()
    if own_server.process is None:
        own_server.start()


def until_ready(client):
    wait_until(lambda: client.get("/health/ready").status_code == 200, "the service is ready again")


def until_not_ready(client):
    wait_until(lambda: client.get("/health/ready").status_code == 503, "the service is not ready")


def assert_lost(answer):
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "storage_unavailable"
    assert 1 <= int(answer.headers["retry-after"]) <= 10


def assert_is_alive_but_not_ready(client):
    assert client.get("/health").json()["status"] == "healthy"
    until_not_ready(client)  # readiness is cached for a second
    assert client.get("/health/ready").json()["dependencies"]["storage"] == "unavailable"


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_database_that_ends_is_used_again_when_it_is_back(client, database, end):
    name = open_briefed_room(client)
    before = client.get(f"/api/rooms/{name}/briefing").json()

    getattr(database, end)()

    for path in ("", "/briefing", "/chat", "/debrief"):
        assert_lost(client.get(f"/api/rooms/{name}{path}"))
    assert_lost(client.post(f"/api/rooms/{name}/chat", json={"message": "Why?"}))
    assert_lost(client.delete(f"/api/rooms/{name}"))
    assert_is_alive_but_not_ready(client)

    database.start()
    until_ready(client)
    assert client.get(f"/api/rooms/{name}/briefing").json() == before


def test_every_call_under_load_succeeds_or_gets_503(client, database):
    name, lost, is_over = open_briefed_room(client), [], []

    def read():
        while not is_over:
            answer = client.get(f"/api/rooms/{name}/briefing")
            if not answer.is_success:
                lost.append(answer)

    with ThreadPoolExecutor(CALLERS) as threads:
        reading = [threads.submit(read) for _ in range(CALLERS)]
        try:
            database.kill()
            wait_until(lambda: lost, "a call fails")
            database.start()
            until_ready(client)
        finally:
            is_over.append(True)
    for done in reading:
        done.result()

    for answer in lost:
        assert_lost(answer)
    assert client.get(f"/api/rooms/{name}/briefing").is_success


def test_calls_to_a_frozen_database_get_503(client, database):
    name = open_briefed_room(client)
    database.freeze()

    with ThreadPoolExecutor(CALLERS) as threads:
        asked = [threads.submit(client.get, f"/api/rooms/{name}") for _ in range(CALLERS)]
        assert client.get("/health").is_success
        until_not_ready(client)
        answers = [one.result() for one in asked]
    database.thaw()

    for answer in answers:
        assert_lost(answer)
    until_ready(client)
    assert client.get(f"/api/rooms/{name}").is_success


def ask_and_lose(client, database, loopback, path, body, *, is_back=False):
    """The response to a call whose vendor answers after the database was killed. `is_back`: it is started again."""
    loopback.hold()
    with ThreadPoolExecutor(1) as thread:
        asked = thread.submit(client.post, path, json=body)
        assert loopback.asked.wait(LIMIT_SECONDS)
        database.kill()
        loopback.released.set()
        if is_back:
            database.start()
        return asked.result()


def test_chat_answer_that_cannot_be_recorded_has_a_warning(client, database, loopback):
    name = open_briefed_room(client)

    answer = ask_and_lose(client, database, loopback, f"/api/rooms/{name}/chat", {"message": "What about compilers?"})

    assert answer.status_code == 200
    assert answer.json()["response"]
    assert ["could not be recorded" in warning for warning in answer.json()["warnings"]] == [True]
    database.start()
    until_ready(client)
    assert client.get(f"/api/rooms/{name}/chat").json()["turns"] == []


def test_a_debrief_is_stored_when_the_database_is_back_within_seconds(client, database, loopback):
    path = f"/api/rooms/{open_briefed_room(client)}/debrief"

    answer = ask_and_lose(client, database, loopback, path, {"notes": "She knows compilers."}, is_back=True)

    assert answer.status_code == 200
    assert client.get(path).json() == answer.json()


def test_debrief_that_can_not_be_stored_is_a_503(client, database, loopback):
    name = open_briefed_room(client)

    answer = ask_and_lose(client, database, loopback, f"/api/rooms/{name}/debrief", {"notes": "She knows compilers."})

    assert_lost(answer)
    database.start()
    until_ready(client)
    assert client.get(f"/api/rooms/{name}/debrief").status_code == 404


@pytest.mark.parametrize("is_back", [True, False], ids=["back in time", "away for long"])
def test_placed_phone_call_is_recorded_as_soon_as_the_database_is_back(client, database, loopback, is_back):
    path = f"/api/rooms/{open_briefed_room(client)}/briefing/call"

    answer = ask_and_lose(client, database, loopback, path, {"phone_number": "+14155550100"}, is_back=is_back)

    assert answer.status_code == 202
    assert ["could not be recorded" in warning for warning in answer.json()["warnings"]] == [True] * (not is_back)
    assert ("location" in answer.headers) is is_back
    if is_back:
        assert client.get(answer.headers["location"]).json()["call_id"] == answer.json()["call_id"]
