"""The limits of connections, over real sockets, for every way to start the service."""

import asyncio
import socket
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager, suppress

import httpx
import psutil
import pytest
import uvicorn

from routers.http_protocol import BoundedHttpToolsProtocol, LimitedH11Protocol
from tests.support.api_server import own_environment
from tests.support.waiting import LIMIT_SECONDS, wait_until, wait_until_async
from tests.test_start import SERVE, UVICORN, running

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


COMMANDS = {
    "make run": SERVE,
    "uvicorn main:app": UVICORN,
    "uvicorn --http httptools": [*UVICORN, "--http", "httptools"],
    "uvicorn --http h11": [*UVICORN, "--http", "h11"],
}


@pytest.fixture(scope="module", params=COMMANDS.values(), ids=COMMANDS)
def server(request, tmp_path_factory):
    """The service in the sandbox, started with one of the commands: its address and its process."""
    with running(request.param, tmp_path_factory.mktemp("server"), own_environment(SANDBOX="true")) as (url, process):
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


def test_requests_without_end_on_one_connection_take_little_memory(server):
    url, process = server
    before = process.memory_info().rss
    start, piece = b"", b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n" * 5000

    with connect(url) as connection:
        connection.settimeout(2)
        with suppress(TimeoutError):
            flood(connection, start, piece)

    assert process.memory_info().rss - before < 32 * MIB
    assert httpx.get(f"{url}/health", trust_env=False).is_success


def test_requests_that_are_sent_at_once_are_answered_in_order(server):
    url, _ = server
    paths = [f"/api/rooms/{number}" for number in range(50)]
    requests = [f"GET {path} HTTP/1.1\r\nHost: localhost\r\nX-Request-ID: r{path[11:]}\r\n\r\n" for path in paths]

    received = b""
    with connect(url) as connection:
        connection.sendall("".join(requests).encode())
        while received.count(b"HTTP/1.1 404") < len(paths):
            received += connection.recv(65536)

    ids = [line.split()[1] for line in received.splitlines() if line.lower().startswith(b"x-request-id: ")]
    assert ids == [f"r{number}".encode() for number in range(50)]


@pytest.mark.parametrize("part", ENDLESS)
def test_endless_request_head_closes_the_connection(server, part):
    url, process = server
    before = process.memory_info().rss

    with connect(url) as connection:
        sent = flood(connection, *ENDLESS[part])

    assert sent < ATTACK_BYTES
    assert process.memory_info().rss - before < 32 * MIB
    assert httpx.get(f"{url}/health", trust_env=False).is_success


def test_a_head_that_is_too_large_is_refused(server):
    url, _ = server
    with connect(url) as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 70_000)

        assert connection.recv(65536).startswith((b"HTTP/1.1 431 ", b"HTTP/1.1 400 "))


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


def is_served(connection):
    """Whether a request over this connection is answered with success."""
    connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
    return connection.recv(65536).startswith(b"HTTP/1.1 200 ")


@pytest.mark.skipif(sys.platform == "win32", reason="the limit follows the open files that Unix allows")
@pytest.mark.parametrize("parser", ["httptools", "h11"])
def test_connections_are_limited_and_reaching_the_limit_is_logged_once(tmp_path, parser):
    command = ["sh", "-c", 'ulimit -n 120; exec "$@"', "sh", *UVICORN, "--http", parser, "--timeout-keep-alive", "600"]
    log = tmp_path / "log"
    with running(command, tmp_path, own_environment(SANDBOX="true")) as (url, process), ExitStack() as stack:
        kept = [stack.enter_context(connect(url)) for _ in range(60)]
        assert is_served(kept[0])

        for _ in range(100):
            with connect(url) as refused:
                assert refused.recv(65536).startswith(b"HTTP/1.1 503 ")

        assert is_served(kept[59])
        assert log.read_text().count("connections are in use") == 1
        for connection in kept[10:]:
            connection.close()
        files = psutil.Process(process.pid).num_fds
        wait_until(lambda: files() < 60, "the server notices that they were closed")
        with connect(url) as another:
            assert is_served(another)


def test_many_clients_at_one_address_are_all_served(server):
    url, _ = server
    with ExitStack() as stack:
        connections = [stack.enter_context(connect(url)) for _ in range(300)]
        with ThreadPoolExecutor(20) as threads:
            served = list(threads.map(is_served, connections))

    assert all(served)


async def send_much(_, __, send):
    """An app whose answer is larger than all buffers on the way."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for _ in range(64):
        await send({"type": "http.response.body", "body": b"a" * MIB, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


class Impatient(BoundedHttpToolsProtocol):
    stalled_seconds = 0.2


class ImpatientH11(LimitedH11Protocol):
    stalled_seconds = 0.2


@asynccontextmanager
async def serving(app, protocol):
    """A server in this process, and its port."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, http=protocol, lifespan="off", log_config=None))
    task = asyncio.create_task(server.serve())
    await wait_until_async(lambda: server.started, "the server serves")
    try:
        yield server, server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        await task


@pytest.mark.anyio
@pytest.mark.parametrize("protocol", [Impatient, ImpatientH11])
async def test_a_client_that_stops_reading_is_disconnected(protocol, caplog):
    async with serving(send_much, protocol) as (server, port):
        _, writer = await asyncio.open_connection("127.0.0.1", port, limit=1)
        writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await wait_until_async(lambda: server.server_state.tasks, "the request has arrived")

        await wait_until_async(lambda: not server.server_state.connections, "the server drops the connection")
        writer.close()

    assert "has stopped reading" in caplog.text


async def answer_at_once(_, __, send):
    """An app that does not read the body."""
    await send({"type": "http.response.start", "status": 413, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


class Brief(BoundedHttpToolsProtocol):
    unread_body_seconds = 0.2


class BriefH11(LimitedH11Protocol):
    unread_body_seconds = 0.2


async def send_body_without_end(writer):
    with suppress(ConnectionError):
        while True:
            writer.write(b"5\r\naaaaa\r\n")
            await writer.drain()
            await asyncio.sleep(0.01)


@pytest.mark.anyio
@pytest.mark.parametrize("protocol", [Brief, BriefH11])
async def test_a_client_that_sends_its_body_on_after_the_answer_is_disconnected(protocol, caplog):
    async with serving(answer_at_once, protocol) as (server, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
        assert (await reader.readline()).startswith(b"HTTP/1.1 413 ")

        sending = asyncio.create_task(send_body_without_end(writer))
        await wait_until_async(lambda: not server.server_state.connections, "the server drops the connection")
        sending.cancel()
        writer.close()

    assert "goes on after the answer" in caplog.text


@pytest.mark.anyio
@pytest.mark.parametrize("protocol", [Brief, BriefH11])
async def test_a_client_that_ends_its_body_after_the_answer_keeps_its_connection(protocol):
    request = b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    async with serving(answer_at_once, protocol) as (_, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(2):
            writer.write(request)
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 413 ")
            writer.write(b"5\r\naaaaa\r\n0\r\n\r\n")
            await asyncio.sleep(2 * protocol.unread_body_seconds)
        writer.close()


class RatherPatient(BoundedHttpToolsProtocol):
    stalled_seconds = 3


@pytest.mark.anyio
async def test_a_client_that_reads_slowly_gets_everything():
    async with serving(send_much, RatherPatient) as (_, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        received = 0
        while piece := await reader.read(2 * MIB):
            received += len(piece)
            await asyncio.sleep(0.01 if received > 4 * MIB else 0.1)
        writer.close()

    assert received > 64 * MIB
