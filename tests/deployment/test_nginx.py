"""docs/nginx.conf before two replicas that share PostgreSQL and Redis, over real sockets.

Each test is a client address of its own, so that none uses up the limits of another.
"""

import json
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import httpx
import pytest

from tests.deployment.site import HOST, serving, site
from tests.storage_over_http.databases import drop_tables
from tests.storage_over_http.vendors import loopback_vendors
from tests.support.interviews import BRIEFING, TRANSCRIPT
from tests.support.keys import PATIENT, as_environment
from tests.support.problems import assert_problem
from tests.support.servers import ServerMissing, redis_server
from tests.support.waiting import LIMIT_SECONDS, wait_until

CALLS_AN_HOUR = 60
ROOMS = 4
LIMITS = {
    "rate_limit_default": f"{CALLS_AN_HOUR}/hour",
    "rate_limit_llm": f"{CALLS_AN_HOUR}/hour",
    "storage_budget": f"{ROOMS} rooms;64 MiB",
}
IMPATIENT = {"proxy_read_timeout 600s;": "proxy_read_timeout 1s;"}
HASTY = {
    "client_header_timeout 10s;": "client_header_timeout 1s;",
    "client_body_timeout   20s;": "client_body_timeout 1s;",
}
PREFIX = {
    "location / {": "location /interviews/ {",
    "proxy_pass http://interview_room;": "proxy_pass http://interview_room/;",
}


class Deployment:
    """Two replicas on one PostgreSQL and one Redis, and what they call."""

    def __init__(self, vendors, replicas):
        self.vendors = vendors
        self.replicas = replicas

    @property
    def addresses(self):
        return [replica.url.removeprefix("http://") for replica in self.replicas]


@pytest.fixture(scope="module")
def deployment(postgresql_server, tmp_path_factory):
    drop_tables(postgresql_server.url)
    with ExitStack() as stack:
        try:
            redis = stack.enter_context(redis_server())
        except ServerMissing as missing:
            pytest.skip(str(missing))
        vendors = stack.enter_context(loopback_vendors())
        settings = as_environment(LIMITS | PATIENT) | vendors.settings()
        settings |= {
            "DATABASE_URL": postgresql_server.url,
            "RATE_LIMIT_STORAGE_URL": redis.url,
            "FORWARDED_ALLOW_IPS": "127.0.0.1",
        }
        directories = (tmp_path_factory.mktemp("replica") for _ in range(2))
        replicas = [stack.enter_context(serving(directory, "--port", "0", **settings)) for directory in directories]
        yield Deployment(vendors, replicas)


@contextmanager
def skipped_without_nginx(entered):
    """The running site. Skips the test where nginx is not installed."""
    with ExitStack() as stack:
        try:
            running = stack.enter_context(entered)
        except ServerMissing as missing:
            pytest.skip(str(missing))
        yield running


def nginx_before(deployment, **changes):
    return skipped_without_nginx(site(*deployment.addresses, **changes))


@pytest.fixture(scope="module")
def behind_nginx(deployment):
    with nginx_before(deployment) as running:
        yield running


def open_room(client, **headers):
    return client.post("/api/rooms", json={"interviewer_name": "Ada"}, headers=headers)


def open_briefed_room(client):
    name = open_room(client).json()["room_name"]
    assert client.post(f"/api/rooms/{name}/briefing", json=BRIEFING).status_code == 200
    return name


def held(vendors):
    """The model and the telephone do not answer until the block is left."""

    @contextmanager
    def hold():
        vendors.hold()
        try:
            yield
        finally:
            vendors.released.set()

    return hold()


def test_replicas_share_rooms_and_idempotency_keys(behind_nginx):
    with behind_nginx.client("127.0.1.1") as client:
        opened = [open_room(client, **{"Idempotency-Key": "one-room"}) for _ in range(6)]
        name = opened[0].json()["room_name"]
        read = [client.get(f"/api/rooms/{name}") for _ in range(6)]

    assert [answer.status_code for answer in opened] == [201] * 6
    assert {answer.text for answer in opened} == {opened[0].text}
    assert ["Idempotency-Replayed" in answer.headers for answer in opened] == [False] + [True] * 5
    assert [answer.status_code for answer in read] == [200] * 6


def test_both_replicas_are_used(behind_nginx, deployment):
    before = [replica.log.count("/health/ready") for replica in deployment.replicas]

    with behind_nginx.client("127.0.1.2") as client:
        for _ in range(6):
            client.get("/health/ready")

    after = [replica.log.count("/health/ready") for replica in deployment.replicas]
    assert all(later > earlier for earlier, later in zip(before, after, strict=True))


def test_replicas_share_rate_limits_by_forwarded_address(behind_nginx):
    with behind_nginx.client("127.0.1.3") as client, behind_nginx.client("127.0.1.4") as other:
        answers = [client.get("/api/rooms/none") for _ in range(CALLS_AN_HOUR + 1)]
        claimed = client.get("/api/rooms/none", headers={"X-Forwarded-For": "203.0.113.7"})
        from_elsewhere = other.get("/api/rooms/none")

    assert [answer.status_code for answer in answers] == [404] * CALLS_AN_HOUR + [429]
    assert_problem(claimed, 429, "rate_limited")
    assert from_elsewhere.status_code == 404


def test_replicas_share_budgets(behind_nginx):
    with behind_nginx.client("127.0.1.5") as client:
        answers = [open_room(client) for _ in range(ROOMS + 2)]

    assert [answer.status_code for answer in answers] == [201] * ROOMS + [429] * 2
    assert_problem(answers[-1], 429, "budget_exhausted")


def test_events_of_a_stream_arrive_at_once(behind_nginx, deployment):
    with behind_nginx.client("127.0.1.6") as client:
        name = open_briefed_room(client)
        with (
            held(deployment.vendors),
            client.stream(
                "POST",
                f"/api/rooms/{name}/debrief",
                json={"transcript": TRANSCRIPT},
                headers={"Accept": "text/event-stream", "Accept-Encoding": "gzip"},
            ) as response,
        ):
            lines = response.iter_lines()
            while_the_model_reads = next(lines)
            deployment.vendors.released.set()
            rest = list(lines)

    assert while_the_model_reads == "event: progress"
    assert "event: done" in rest
    assert "content-encoding" not in response.headers


def test_debrief_that_nginx_gave_up_on_is_completed_and_kept(deployment):
    vendors = deployment.vendors
    with nginx_before(deployment, changes=IMPATIENT) as running, running.client("127.0.1.7") as client:
        name = open_briefed_room(client)
        path, body = f"/api/rooms/{name}/debrief", {"transcript": TRANSCRIPT}
        before = vendors.count("POST", "/chat/completions")
        with held(vendors):
            given_up = client.post(path, json=body)
            asked = vendors.count("POST", "/chat/completions") - before
        wait_until(lambda: client.get(path).status_code == 200, "the debrief is kept")
        kept, again = client.get(path).json(), client.post(path, json=body)

    assert_problem(given_up, 504, "http_error")
    assert asked == 1
    assert again.json()["version"] == kept["version"] == 1


def connect(running, address):
    raw = socket.create_connection(("127.0.0.1", running.server.port), LIMIT_SECONDS, source_address=(address, 0))
    return running.trust.wrap_socket(raw, server_hostname=HOST)


HEAD = f"POST /api/rooms HTTP/1.1\r\nHost: {HOST}\r\n".encode()


@pytest.mark.parametrize(
    "sent",
    [b"", HEAD, HEAD + b"Content-Type: application/json\r\nContent-Length: 30\r\n\r\n{"],
    ids=["nothing", "part of a head", "part of a body"],
)
def test_silent_connection_is_closed(deployment, sent):
    with nginx_before(deployment, changes=HASTY) as running, connect(running, "127.0.1.8") as connection:
        connection.sendall(sent)
        while connection.recv(4096):
            pass


def test_dripped_head_is_cut(deployment):
    with nginx_before(deployment, changes=HASTY) as running, connect(running, "127.0.1.9") as connection:
        connection.sendall(HEAD)
        connection.settimeout(0.1)
        wait_until(lambda: drip(connection), "nginx closes the connection")


def drip(connection):
    """Send one more byte of a header; returns whether the connection is closed."""
    try:
        connection.sendall(b"x")
        return connection.recv(4096) == b""
    except TimeoutError:
        return False
    except OSError:
        return True


def test_body_is_bounded_by_nginx_as_by_the_service(behind_nginx):
    with behind_nginx.client("127.0.1.10") as client:
        name = open_room(client).json()["room_name"]
        largest, larger = (
            client.post(f"/api/rooms/{name}/debrief", content=b" " * size, headers={"Content-Type": "application/json"})
            for size in (8 * 1024**2, 8 * 1024**2 + 1)
        )

    assert_problem(largest, 422, "invalid_input")
    assert_problem(larger, 413, "payload_too_large")


def test_calls_at_once_from_one_address_are_bounded(deployment):
    changes = {"limit_conn calls_at_once 50;": "limit_conn calls_at_once 2;"}
    vendors = deployment.vendors
    with (
        nginx_before(deployment, changes=changes) as running,
        running.client("127.0.1.11") as client,
        running.client("127.0.1.12") as other,
        ThreadPoolExecutor() as pool,
    ):
        name = open_briefed_room(client)
        with held(vendors):
            before = vendors.count("POST", "/chat/completions")
            asked = [pool.submit(client.post, f"/api/rooms/{name}/chat", json={"message": "?"}) for _ in range(2)]
            wait_until(lambda: vendors.count("POST", "/chat/completions") == before + 2, "both are being answered")
            third, elsewhere = client.get("/health"), other.get("/health")
        answers = [answer.result().status_code for answer in asked]

    assert_problem(third, 429, "rate_limited")
    assert third.headers["Retry-After"] == "5"
    assert elsewhere.status_code == 200
    assert answers == [200, 200]


def test_calls_each_second_from_one_address_are_bounded(deployment):
    changes = {"rate=20r/s": "rate=1r/m", "burst=100": "burst=3"}
    with nginx_before(deployment, changes=changes) as running, running.client("127.0.1.13") as client:
        answers = [client.get("/health").status_code for _ in range(6)]

    assert answers == [200] * 4 + [429] * 2


def test_plain_http_is_sent_to_https(behind_nginx):
    transport = httpx.HTTPTransport(uds=behind_nginx.http_socket)
    with httpx.Client(transport=transport, base_url=f"http://{HOST}") as client:
        answer = client.post("/api/rooms?a=b", json={})

    assert answer.status_code == 308
    assert answer.headers["Location"] == f"https://{HOST}/api/rooms?a=b"


def test_request_id_of_a_client_is_kept_and_an_invalid_one_replaced(behind_nginx):
    with behind_nginx.client("127.0.1.14") as client:
        own = client.get("/health", headers={"X-Request-ID": "call-7"})
        invalid = client.get("/health", headers={"X-Request-ID": 'a"b'})

    assert own.headers["X-Request-ID"] == "call-7"
    assert len(invalid.headers["X-Request-ID"]) == 32


def test_head_that_is_too_large_is_a_problem(behind_nginx):
    with behind_nginx.client("127.0.1.15") as client:
        answer = client.get("/health", headers={"X-Large": "x" * 70_000})

    assert_problem(answer, 400, "invalid_input")


def test_without_any_replica_the_answer_is_a_problem():
    with skipped_without_nginx(site("127.0.0.1:1")) as running, running.client("127.0.1.16") as client:
        answer = client.get("/api/rooms/none")

    assert_problem(answer, 502, "http_error")
    assert answer.headers["Retry-After"] == "5"


def test_a_replica_that_does_not_listen_is_passed_over(deployment):
    upstreams = ("127.0.0.1:1", deployment.addresses[0])
    with skipped_without_nginx(site(*upstreams)) as running, running.client("127.0.1.17") as client:
        answers = [open_room(client).status_code for _ in range(3)]

    assert answers == [201] * 3


def test_new_calls_go_to_the_other_replica_while_one_is_stopped(tmp_path_factory):
    flags, settings = ("--port", "0"), {"SANDBOX": "true"}
    with (
        serving(tmp_path_factory.mktemp("stopped"), *flags, **settings) as stopped,
        serving(tmp_path_factory.mktemp("other"), *flags, **settings) as other,
        skipped_without_nginx(site(*(replica.url.removeprefix("http://") for replica in (stopped, other)))) as running,
        running.client("127.0.1.21") as client,
        ThreadPoolExecutor() as pool,
    ):
        before = [client.get("/health").status_code for _ in range(4)]
        ending = pool.submit(stopped.stop)
        during = []
        wait_until(lambda: during.append(client.get("/health").status_code) or ending.done(), "the replica has ended")
        after = [client.get("/health").status_code for _ in range(4)]

    assert {*before, *during, *after} == {200}


@pytest.fixture
def behind_prefix(tmp_path):
    """One replica on a unix socket, below /interviews."""
    api = tmp_path / "api.sock"
    flags = ("--uds", str(api), "--root-path", "/interviews")
    settings = {"SANDBOX": "true", "FORWARDED_ALLOW_IPS": "*", "RATE_LIMIT_DEFAULT": "9/hour"}
    before = site(f"unix:{api}", changes=PREFIX)
    with serving(tmp_path, *flags, **settings), skipped_without_nginx(before) as running:
        yield running


def test_addresses_have_the_prefix_that_nginx_strips(behind_prefix):
    with behind_prefix.client("127.0.1.18") as client:
        opened = client.post("/interviews/api/rooms", json={"interviewer_name": "Ada"})
        read = client.get(opened.headers["Location"])
        wrong = client.put(opened.headers["Location"])
        docs = client.get("/interviews/docs")
        document = client.get("/interviews/openapi.json")

    assert opened.headers["Location"] == f"/interviews/api/rooms/{opened.json()['room_name']}"
    assert read.status_code == 200
    assert wrong.headers["Allow"] == "DELETE, GET, HEAD"
    assert "/interviews/openapi.json" in docs.text
    assert document.status_code == 200
    assert json.loads(document.text)["servers"] == [{"url": "/interviews"}]


def test_callers_behind_a_unix_socket_are_distinguished(behind_prefix):
    with behind_prefix.client("127.0.1.19") as client, behind_prefix.client("127.0.1.20") as other:
        answers = [client.get("/interviews/api/rooms/none").status_code for _ in range(10)]
        elsewhere = other.get("/interviews/api/rooms/none").status_code

    assert answers == [404] * 9 + [429]
    assert elsewhere == 404
