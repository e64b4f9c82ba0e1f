"""Limits of request bodies: a size for each route, and a deadline, both before the body is parsed."""

import json
import socket
import time
from contextlib import suppress

import pytest

from config import Settings
from main import create_app
from routers.bodies import MAX_JSON_VALUES
from tests.support.api_server import api_server
from tests.support.interviews import BRIEFING, open_room
from tests.support.problems import PAGE, assert_problem
from tests.support.waiting import LIMIT_SECONDS

KIB, MIB = 1024, 1024 * 1024
MAX_BODY_BYTES = 3 * MIB
LINE = {"id": "line-1", "speaker": "Ada", "text": "Hello."}
PLANNED = {"focus_area": "Compilers", "text": "What did you build?", "kind": "behaviour"}
LIMITS = {
    "POST /api/rooms": (64 * KIB, {"interviewer_name": "Ada"}),
    "POST /api/rooms/{name}/join": (8 * KIB, {"participant_name": "G", "participant_type": "candidate"}),
    "POST /api/rooms/{name}/briefing": (MIB, BRIEFING),
    "POST /api/rooms/{name}/chat": (2 * MIB, {"message": "What should I ask?"}),
    "POST /api/rooms/{name}/debrief": (MAX_BODY_BYTES, {"notes": "She knows compilers."}),
    "PUT /api/rooms/{name}/transcript": (MAX_BODY_BYTES, {"transcript": "Ada: Hello."}),
    "POST /api/rooms/{name}/transcript/segments": (MAX_BODY_BYTES, {"segments": [LINE]}),
    "POST /api/rooms/{name}/plan": (64 * KIB, {"minutes": 30}),
    "PUT /api/rooms/{name}/plan": (512 * KIB, {"questions": [PLANNED]}),
    "PUT /api/rooms/{name}/ratings/{rater}": (256 * KIB, {"ratings": [{"competency": "Compilers", "rating": 4}]}),
    "PUT /api/rooms/{name}/decision": (64 * KIB, {"decision": "advance", "reasons": "She knows compilers."}),
    "POST /api/rooms/{name}/realtime/token": (64 * KIB, {}),
    "POST /api/rooms/{name}/briefing/call": (64 * KIB, {"phone_number": "+14155550100"}),
    "POST /api/realtime/session": (MIB, {"candidate_name": "Grace"}),
}
EVERY_ROUTE = pytest.mark.parametrize("route", LIMITS)
JSON = {"content-type": "application/json", "origin": PAGE}


def padded(body, size):
    """The body as JSON of exactly this many bytes."""
    return json.dumps(body).encode().ljust(size)


def in_chunks(content):
    """Sent without a Content-Length."""
    yield from (content[start : start + 65_000] for start in range(0, len(content), 65_000))


@pytest.fixture
def send(start):
    client = start(sandbox=True, max_body_bytes=MAX_BODY_BYTES)
    name = open_room(client)
    client.post(f"/api/rooms/{name}/briefing", json=BRIEFING)

    def send_body(route, content, **headers):
        method, path = route.split()
        return client.request(method, path.format(name=name, rater="ada"), content=content, headers=JSON | headers)

    return send_body


def test_every_route_with_a_body_has_a_limit():
    paths = create_app(Settings(_env_file=None)).openapi()["paths"]

    assert set(LIMITS) == {
        f"{method.upper()} {path}"
        for path, calls in paths.items()
        for method in calls
        if "requestBody" in calls[method]
    } - {"POST /api/webhooks/daily"}  # test_webhooks.py


@EVERY_ROUTE
def test_a_body_of_the_largest_size_is_read(send, route):
    limit, body = LIMITS[route]

    answer = send(route, padded(body, limit))

    assert answer.is_success, answer.text


@EVERY_ROUTE
def test_a_larger_content_length_is_413(send, route):
    limit, body = LIMITS[route]

    answer = send(route, padded(body, limit + 1))

    assert_problem(answer, 413, "payload_too_large")
    assert answer.headers["access-control-allow-origin"] == PAGE


@EVERY_ROUTE
def test_a_larger_chunked_body_is_413(send, route):
    limit, body = LIMITS[route]

    answer = send(route, in_chunks(padded(body, limit + 1)))

    assert_problem(answer, 413, "payload_too_large")
    assert answer.headers["access-control-allow-origin"] == PAGE


@EVERY_ROUTE
def test_a_larger_body_is_refused_before_it_is_parsed(send, route):
    limit, _ = LIMITS[route]

    answer = send(route, b"{not json".ljust(limit + 1))

    assert_problem(answer, 413, "payload_too_large")


@pytest.mark.parametrize("value", ["0", "[]", '{"a":{}}'])
def test_json_of_very_many_values_is_413_before_it_is_parsed(send, value):
    body = '{"notes": "Calm.", "unknown": [' + ",".join([value] * (MAX_JSON_VALUES + 1)) + "]}"

    answer = send("POST /api/rooms/{name}/debrief", body.encode())

    assert_problem(answer, 413, "payload_too_large")


def test_a_transcript_with_the_time_of_every_word_of_two_hours_is_read(send):
    words = [{"word": "so,", "start": 1.25, "end": 1.5, "probability": 0.98}] * 40
    turns = [{"speaker": "Ada", "text": "so, " * 40, "words": words}] * 500

    answer = send("PUT /api/rooms/{name}/transcript", json.dumps({"transcript": turns}).encode())

    assert answer.status_code == 200


@pytest.mark.parametrize("text", ["a," * 450_000, '",' * 400_000, "\\," * 400_000])
def test_commas_within_a_text_are_no_values(send, text):
    body = json.dumps({"transcript": f"Ada: {text}"}).encode()

    assert body.count(b",") > MAX_JSON_VALUES
    assert send("PUT /api/rooms/{name}/transcript", body).status_code == 200


def test_an_unknown_address_reads_no_body(send):
    answer = send("POST /nowhere", in_chunks(b"x" * 10 * MIB))

    assert_problem(answer, 404, "not_found")


def test_an_integer_of_too_many_digits_is_422(send):
    answer = send("POST /api/rooms/{name}/chat", b'{"message": "Hello?", "number": %s}' % (b"9" * 641))

    assert_problem(answer, 422, "invalid_input")


@pytest.fixture
def connect(tmp_path):
    """A connection to a server that waits half a second for a body."""
    with api_server(tmp_path, SANDBOX="true", BODY_TIMEOUT_SECONDS="0.5") as url:
        host, port = url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=LIMIT_SECONDS) as connection:
            yield connection


HEAD = "POST /api/rooms HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


def response_of(connection):
    """Everything that the server sends until it closes the connection."""
    received = b""
    while chunk := connection.recv(65536):
        received += chunk
    head, _, body = received.partition(b"\r\n\r\n")
    return head.decode().lower(), body


def test_missing_body_is_408_and_closes_the_connection(connect):
    connect.sendall(f"{HEAD}Origin: {PAGE}\r\nContent-Length: 27\r\n\r\n".encode() + b'{"interviewer')

    head, body = response_of(connect)

    problem = json.loads(body)
    assert head.startswith("http/1.1 408 ")
    assert "content-type: application/problem+json" in head
    assert f"access-control-allow-origin: {PAGE}" in head
    assert (problem["status"], problem["code"]) == (408, "request_timeout")


def test_slow_body_is_408(connect):
    connect.sendall(f"{HEAD}Transfer-Encoding: chunked\r\n\r\n".encode())

    received = drip_until_answered(connect, b"1\r\n \r\n")

    assert received.startswith(b"HTTP/1.1 408 ")


def drip_until_answered(connection, piece):
    connection.settimeout(0.05)
    ends_at = time.monotonic() + LIMIT_SECONDS
    while time.monotonic() < ends_at:
        connection.sendall(piece)
        with suppress(TimeoutError):
            return connection.recv(65536)
    raise AssertionError("the server goes on reading")
