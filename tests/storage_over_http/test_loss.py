"""The database goes away while the service runs: callers are told so in time, and service returns by itself."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.storage_over_http.conftest import NO_LIMITS
from tests.support.api_server import running, start_api
from tests.support.interviews import open_briefed_room

MOST_SECONDS = 15
"""A call to the database is given up after 10 seconds; the rest is for a slow machine."""
CALLERS = 8


@pytest.fixture(scope="module")
def service(own_server, loopback, tmp_path_factory):
    """One service for all tests here: it has to outlive every loss."""
    settings = NO_LIMITS | loopback.settings() | {"DATABASE_URL": own_server.url}
    with running(start_api(tmp_path_factory.mktemp("server"), **settings)) as server:
        yield server


@pytest.fixture
def client(service, connect):
    return connect(service)


@pytest.fixture
def database(own_server):
    """Up before and after each test, whatever happens in it."""
    yield own_server
    if own_server.process is None:
        own_server.start()


def until_ready(client):
    ends = time.monotonic() + 30
    while client.get("/health/ready").status_code != 200:
        assert time.monotonic() < ends, "service did not return"
        time.sleep(0.05)


def timed(call):
    begun = time.monotonic()
    return call(), time.monotonic() - begun


def assert_lost(answer):
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "storage_unavailable"
    assert 1 <= int(answer.headers["retry-after"]) <= 10


def assert_is_alive_but_not_ready(client):
    ready = client.get("/health/ready")
    assert client.get("/health").json()["status"] == "healthy"
    assert ready.status_code == 503
    assert ready.json()["dependencies"]["storage"] == "unavailable"


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_a_database_that_ends_is_told_of_and_used_again_when_it_is_back(client, database, end):
    name = open_briefed_room(client)
    before = client.get(f"/api/rooms/{name}/briefing").json()

    getattr(database, end)()

    for path in ("", "/briefing", "/chat", "/debrief"):
        answer, seconds = timed(lambda path=path: client.get(f"/api/rooms/{name}{path}"))
        assert_lost(answer)
        assert seconds < MOST_SECONDS
    assert_lost(client.post(f"/api/rooms/{name}/chat", json={"message": "Why?"}))
    assert_lost(client.delete(f"/api/rooms/{name}"))
    assert_is_alive_but_not_ready(client)

    database.start()
    until_ready(client)
    assert client.get(f"/api/rooms/{name}/briefing").json() == before


def test_under_load_every_call_is_answered_or_told_to_come_again(client, database):
    name, is_over = open_briefed_room(client), []

    def read():
        answers = []
        while not is_over:
            answers.append(client.get(f"/api/rooms/{name}/briefing"))
        return answers

    with ThreadPoolExecutor(CALLERS) as threads:
        reading = [threads.submit(read) for _ in range(CALLERS)]
        database.kill()
        time.sleep(0.3)
        database.start()
        until_ready(client)
        is_over.append(True)
        answers = [answer for done in reading for answer in done.result(MOST_SECONDS)]

    lost = [answer for answer in answers if not answer.is_success]
    assert lost
    for answer in lost:
        assert_lost(answer)
    assert client.get(f"/api/rooms/{name}/briefing").is_success


def test_a_database_that_answers_nothing_is_waited_for_no_longer_than_told(client, database):
    name = open_briefed_room(client)
    database.freeze()

    with ThreadPoolExecutor(CALLERS) as threads:
        asked = [threads.submit(timed, lambda: client.get(f"/api/rooms/{name}")) for _ in range(CALLERS - 1)]
        ready = threads.submit(timed, lambda: client.get("/health/ready"))
        alive, seconds_alive = timed(lambda: client.get("/health"))
        answers = [one.result(2 * MOST_SECONDS) for one in asked]
        not_ready, seconds_ready = ready.result(MOST_SECONDS)
    database.thaw()

    assert (alive.status_code, not_ready.status_code) == (200, 503)
    assert seconds_alive < 5
    assert max(seconds for _, seconds in [*answers, (None, seconds_ready)]) < MOST_SECONDS
    for answer, _ in answers:
        assert_lost(answer)
    until_ready(client)
    assert client.get(f"/api/rooms/{name}").is_success


def ask_and_lose(client, database, loopback, path, body, *, is_back=False):
    """The answer to a call whose vendor answers when the database is gone, and back at once or not."""
    loopback.hold()
    with ThreadPoolExecutor(1) as thread:
        asked = thread.submit(client.post, path, json=body)
        assert loopback.asked.wait(10)
        database.kill()
        loopback.released.set()
        if is_back:
            database.start()
        return asked.result(2 * MOST_SECONDS)


def test_an_answer_of_the_sidebar_that_can_not_be_recorded_is_given_all_the_same(client, database, loopback):
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


def test_a_debrief_that_can_not_be_kept_is_not_given_as_if_it_were(client, database, loopback):
    name = open_briefed_room(client)

    answer = ask_and_lose(client, database, loopback, f"/api/rooms/{name}/debrief", {"notes": "She knows compilers."})

    assert_lost(answer)
    database.start()
    until_ready(client)
    assert client.get(f"/api/rooms/{name}/debrief").status_code == 404


@pytest.mark.parametrize("is_back", [True, False], ids=["back in time", "away for long"])
def test_a_phone_call_that_was_placed_is_recorded_as_soon_as_it_can_be(client, database, loopback, is_back):
    path = f"/api/rooms/{open_briefed_room(client)}/briefing/call"

    answer = ask_and_lose(client, database, loopback, path, {"phone_number": "+14155550100"}, is_back=is_back)

    assert answer.status_code == 202
    assert ["could not be recorded" in warning for warning in answer.json()["warnings"]] == [True] * (not is_back)
    assert ("location" in answer.headers) is is_back
    if is_back:
        assert client.get(answer.headers["location"]).json()["call_id"] == answer.json()["call_id"]
