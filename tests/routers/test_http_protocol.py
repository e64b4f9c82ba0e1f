"""The limit on the head of a request, over real sockets."""

import socket
from contextlib import suppress

import httpx
import psutil
import pytest

from tests.support.api_server import own_environment
from tests.support.waiting import LIMIT_SECONDS
from tests.test_start import SERVE, running

MIB = 1024 * 1024
ATTACK_BYTES = 256 * MIB
REQUEST = b"POST /api/rooms HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
ENDLESS = {
    "request line": (b"GET /", b"a" * 65536),
    "header value": (b"GET /health HTTP/1.1\r\nX: ", b"a" * 65536),
    "header name": (b"GET /health HTTP/1.1\r\n", b"a" * 65536),
    "headers": (b"GET /health HTTP/1.1\r\n", b"X: a\r\n" * 10_000),
    "trailers": (REQUEST + b"Transfer-Encoding: chunked\r\n\r\n1\r\n \r\n0\r\n", b"X: a\r\n" * 10_000),
    "trailer value": (REQUEST + b"Transfer-Encoding: chunked\r\n\r\n1\r\n \r\n0\r\nX: ", b"a" * 65536),
    "chunk extension": (REQUEST + b"Transfer-Encoding: chunked\r\n\r\n1;", b"a" * 65536),
}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """`make run` in the sandbox: its address and its process."""
    with running(SERVE, tmp_path_factory.mktemp("server"), own_environment(SANDBOX="true")) as (url, process):
        yield url, psutil.Process(process.pid)


def connect(url):
    host, port = url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=LIMIT_SECONDS)


def flood(connection, start, piece):
    """Send without end; returns how many bytes the server took before it closed the connection."""
    sent = 0
    with suppress(ConnectionError):
        connection.sendall(start)
        while sent < ATTACK_BYTES:
            connection.sendall(piece)
            sent += len(piece)
    return sent


@pytest.mark.parametrize("part", ENDLESS)
def test_endless_request_head_closes_the_connection(server, part):
    url, process = server
    before = process.memory_info().rss

    with connect(url) as connection:
        sent = flood(connection, *ENDLESS[part])

    assert sent < ATTACK_BYTES
    assert process.memory_info().rss - before < 32 * MIB
    assert httpx.get(f"{url}/health", trust_env=False).is_success


def test_a_head_that_is_too_large_is_431(server):
    url, _ = server
    with connect(url) as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 70_000)

        assert connection.recv(65536).startswith(b"HTTP/1.1 431 ")


def test_a_large_head_within_the_limit_is_served(server):
    url, _ = server

    answer = httpx.get(f"{url}/health", headers={"X": "a" * 60_000}, trust_env=False)

    assert answer.status_code == 200


def test_many_requests_and_large_bodies_on_one_connection_are_served(server):
    url, _ = server
    with httpx.Client(base_url=url, trust_env=False, timeout=LIMIT_SECONDS) as client:
        name = client.post("/api/rooms", json={"interviewer_name": "Ada"}).json()["room_name"]
        bodies = [
            client.post(f"/api/rooms/{name}/chat", json={"message": "Hi", "context": "a" * 90_000}) for _ in range(5)
        ]
        chunked = client.post(
            f"/api/rooms/{name}/briefing",
            content=iter([b'{"candidate_name": "Grace"', *[b" " * 1000] * 300, b"}"]),
            headers={"Content-Type": "application/json"},
        )

    assert all(answer.is_success for answer in [*bodies, chunked])
