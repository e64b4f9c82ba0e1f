"""Two services with two workers each on one PostgreSQL agree about every room.

One of the two reaches it directly, the other through PgBouncer.
"""

from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from itertools import count, cycle
from threading import Event
from typing import NamedTuple

import httpx
import pytest

from services.access.idempotency import LEASE
from tests.storage_over_http.conftest import UNLIMITED
from tests.storage_over_http.databases import drop_tables, dump
from tests.support.api_server import ApiServer, starting_api
from tests.support.interviews import TRANSCRIPT, open_briefed_room, open_room
from tests.support.waiting import LIMIT_SECONDS

AT_ONCE = 8
WORKERS = 2
READS = 40
WRITES = 40


class Pair(NamedTuple):
    """Two services and the database that they share."""

    servers: list[ApiServer]
    database: str


@pytest.fixture(scope="module")
def pair(postgresql_server, pgbouncer_server, tmp_path_factory, loopback):
    """All four workers start at once on an empty database."""
    database = postgresql_server.url
    drop_tables(database)
    settings = UNLIMITED | loopback.settings()
    flags = ("--workers", str(WORKERS))
    with ExitStack() as stack:
        servers = [
            stack.enter_context(starting_api(tmp_path_factory.mktemp("server"), *flags, **settings, DATABASE_URL=url))
            for url in (database, pgbouncer_server.url)
        ]
        for server in servers:
            server.wait_until_ready(WORKERS)
        yield Pair(servers, database)


def ask(url, method, path, body=None, **headers):
    """Send a request on a new connection, which any of the workers may accept."""
    return httpx.request(
        method, f"{url}/api/rooms{path}", json=body, headers=headers, trust_env=False, timeout=LIMIT_SECONDS
    )


@pytest.fixture
def at_once(pair):
    """Sends calls to the two services in turn, all at the same time: (method, path, body, headers)."""
    with ThreadPoolExecutor(AT_ONCE) as threads:

        def ask_all(calls):
            asked: list[Future[httpx.Response]] = [
                threads.submit(ask, server.url, *call[:3], **call[3])
                for server, call in zip(cycle(pair.servers), calls, strict=False)
            ]
            return [one.result() for one in asked]

        yield ask_all


@pytest.fixture
def everywhere(at_once):
    """Sends one GET to all workers."""
    return lambda path: at_once([("GET", path, None, {})] * AT_ONCE)


@pytest.fixture
def clients(pair):
    with ExitStack() as stack:
        yield [
            stack.enter_context(httpx.Client(base_url=server.url, trust_env=False, timeout=LIMIT_SECONDS))
            for server in pair.servers
        ]


def test_four_workers_starting_at_once_migrate_an_empty_database_once(pair):
    logs = "".join(server.log for server in pair.servers)

    assert logs.count("Application startup complete") == 2 * WORKERS
    assert "ERROR" not in logs
    assert "died" not in logs


def test_room_opened_at_one_worker_is_found_by_all(clients, everywhere):
    name = open_room(clients[0])

    assert {answer.json()["room_name"] for answer in everywhere(f"/{name}")} == {name}


def test_acknowledged_briefing_is_read_by_all_workers(pair, clients):
    """A writer counts up, at one service and the other; no reader gets less than was acknowledged before it asked."""
    name, acknowledged, seen, is_over = open_briefed_room(clients[0], notes="0"), [0], [], Event()

    def read(url):
        while not is_over.is_set():
            before = acknowledged[0]
            seen.append((before, int(ask(url, "GET", f"/{name}/briefing").json()["notes"])))

    with ThreadPoolExecutor(4) as threads:
        reading = [threads.submit(read, server.url) for server in pair.servers * 2]
        try:
            for number in count(1):
                body = {"candidate_name": "Grace", "notes": str(number)}
                assert clients[number % 2].post(f"/api/rooms/{name}/briefing", json=body).is_success
                acknowledged[0] = number
                if number >= WRITES and len(seen) >= READS:
                    break
        finally:
            is_over.set()
    for done in reading:
        done.result()

    assert all(read >= before for before, read in seen)


def test_simultaneous_briefings_leave_one_whole_briefing(clients, at_once, everywhere):
    name = open_briefed_room(clients[0])
    texts = [f"text-{number}" for number in range(AT_ONCE)]
    bodies = [{"candidate_name": text, "role": text, "notes": text, "focus_areas": [text]} for text in texts]

    saved = at_once([("POST", f"/{name}/briefing", body, {}) for body in bodies])
    briefings = [answer.json() for answer in everywhere(f"/{name}/briefing")]

    assert [answer.status_code for answer in saved] == [200] * AT_ONCE
    assert all(briefing == briefings[0] for briefing in briefings)
    assert briefings[0] in [answer.json() for answer in saved]


def test_identical_debriefs_requested_at_the_same_time_are_made_once(clients, at_once, loopback):
    name = open_briefed_room(clients[0])
    before = loopback.count("POST", "/chat/completions")

    made = at_once([("POST", f"/{name}/debrief", {"transcript": TRANSCRIPT}, {})] * AT_ONCE)

    assert {answer.status_code for answer in made} == {200}
    assert {answer.content for answer in made} == {made[0].content}
    assert made[0].json()["version"] == 1
    assert loopback.count("POST", "/chat/completions") == before + 1


def test_debriefs_made_at_the_same_time_are_numbered_without_gaps(clients, at_once, everywhere):
    name = open_briefed_room(clients[0])

    made = at_once([("POST", f"/{name}/debrief", {"notes": f"Note {n}"}, {}) for n in range(AT_ONCE)])

    versions = [answer.json()["version"] for answer in made]
    assert sorted(versions) == list(range(1, AT_ONCE + 1))
    latest = made[versions.index(AT_ONCE)].json()
    assert all(answer.json() == latest for answer in everywhere(f"/{name}/debrief"))


def test_one_idempotency_key_sent_to_both_services_opens_one_room(at_once, loopback):
    before = loopback.count("POST", "/rooms")
    key = {"Idempotency-Key": f"one-key-{before}"}

    answers = at_once([("POST", "", {"interviewer_name": "Ada"}, key)] * AT_ONCE)
    again = at_once([("POST", "", {"interviewer_name": "Ada"}, key)] * 2)

    assert loopback.count("POST", "/rooms") == before + 1
    made = [answer for answer in answers if answer.status_code == 201]
    others = [answer for answer in answers if answer.status_code != 201]
    assert {answer.content for answer in made + again} == {again[0].content}
    assert [answer.headers.get("idempotency-replayed") for answer in made].count(None) == 1
    assert all(answer.json()["code"] == "request_in_progress" and "retry-after" in answer.headers for answer in others)


def test_every_chat_turn_is_kept(clients, at_once, everywhere):
    name = open_briefed_room(clients[0])
    questions = [f"Question {number}?" for number in range(2 * AT_ONCE)]

    answers = at_once([("POST", f"/{name}/chat", {"message": question}, {}) for question in questions])
    records = [answer.json()["turns"] for answer in everywhere(f"/{name}/chat")]

    kept = [turn["content"] for turn in records[0]]
    assert all(record == records[0] for record in records)
    assert sorted(kept) == sorted([*questions, *(answer.json()["response"] for answer in answers)])


def test_all_workers_together_place_three_calls_an_hour_for_a_room(clients, at_once, loopback):
    name = open_briefed_room(clients[0])
    before = loopback.count("POST", "/call")

    answers = at_once([("POST", f"/{name}/briefing/call", {"phone_number": "+14155550100"}, {})] * AT_ONCE)

    assert sorted(answer.status_code for answer in answers) == [202] * 3 + [429] * (AT_ONCE - 3)
    assert loopback.count("POST", "/call") == before + 3


def test_deleted_room_is_found_by_no_worker(clients, everywhere):
    name = open_briefed_room(clients[0])
    clients[0].post(f"/api/rooms/{name}/debrief", json={"transcript": TRANSCRIPT})
    assert {answer.status_code for answer in everywhere(f"/{name}/debrief")} == {200}

    receipt = clients[1].delete(f"/api/rooms/{name}").json()

    assert receipt["deleted"]["room"] == 1
    for part in ("", "/briefing", "/debrief", "/chat"):
        assert {answer.json()["code"] for answer in everywhere(f"/{name}{part}")} == {"room_not_found"}


def test_simultaneous_deletions_count_everything_once(clients, at_once):
    name = open_briefed_room(clients[0])

    receipts = [answer.json()["deleted"] for answer in at_once([("DELETE", f"/{name}", None, {})] * AT_ONCE)]

    assert sum(receipt["room"] for receipt in receipts) == 1
    assert sum(receipt["briefing"] for receipt in receipts) == 1


def test_writes_during_a_deletion_leave_nothing_stored(pair, clients, at_once):
    name = open_briefed_room(clients[0])
    calls = [
        ("POST", f"/{name}/briefing", {"candidate_name": "Grace"}, {}),
        ("POST", f"/{name}/debrief", {"transcript": TRANSCRIPT}, {"Idempotency-Key": "a-debrief"}),
        ("DELETE", f"/{name}", None, {}),
        ("POST", f"/{name}/chat", {"message": "Why?"}, {}),
        ("POST", f"/{name}/briefing", {"candidate_name": "Grace"}, {}),
    ]

    answers = at_once(calls)

    assert {answer.status_code for answer in answers} <= {200, 404}
    assert name not in dump(pair.database)


def test_debrief_of_a_killed_service_is_made_by_the_one_that_waits_for_it(serve, start, clock, pair, loopback):
    """The waiting service runs in this process, where the clock can be moved past the lease of the killed one."""
    doomed = serve(pair.database, SANDBOX="false", **loopback.settings())
    settings = {name.lower(): value for name, value in loopback.settings().items()}
    survivor = start(database_url=pair.database, **settings)
    name = open_briefed_room(survivor)
    before = loopback.count("POST", "/chat/completions")
    loopback.hold()
    with ThreadPoolExecutor(2) as threads:
        lost = threads.submit(ask, doomed.url, "POST", f"/{name}/debrief", {"transcript": TRANSCRIPT})
        assert loopback.asked.wait(LIMIT_SECONDS)

        waiting = threads.submit(survivor.post, f"/api/rooms/{name}/debrief", json={"transcript": TRANSCRIPT})
        doomed.kill()
        clock.now = datetime.now(UTC) + LEASE
        loopback.released.set()

        assert waiting.result().json()["version"] == 1
        assert isinstance(lost.exception(), httpx.TransportError)
    assert loopback.count("POST", "/chat/completions") == before + 2
