"""The log as an operator sees it: one line per event, without whole room names."""

import json
import logging

import httpx
import pytest

from logs import JsonFormatter, TextFormatter
from tests.support.api_server import api_server

ROOM = "interview-3f9c1c2ab1de4f7a9d20c4e1b7"
HOSTILE = "model\r\n2026-01-01 ERROR forged\x1b[31m\u2028\u202e"


def line(formatter, message, *args):
    record = logging.LogRecord("services.llm", logging.WARNING, __file__, 1, message, args, None)
    return formatter.format(record)


def message_of(formatter, message, *args):
    text = line(formatter, message, *args)
    return json.loads(text)["message"] if isinstance(formatter, JsonFormatter) else text


EVERY_FORMAT = pytest.mark.parametrize("formatter", [TextFormatter(), JsonFormatter()], ids=["text", "json"])


@EVERY_FORMAT
def test_control_characters_in_a_message_are_escaped(formatter):
    text = message_of(formatter, "the vendor says %s", HOSTILE)

    assert text.isprintable()
    assert text.endswith(r"the vendor says model\r\n2026-01-01 ERROR forged\x1b[31m\u2028\u202e")


@EVERY_FORMAT
@pytest.mark.parametrize(
    ("logged", "shown"),
    [
        (f"room {ROOM} opened", "room interview-3f9c… opened"),
        (f"GET /api/rooms/{ROOM}/briefing HTTP/1.1", "GET /api/rooms/interview-3f9c…/briefing HTTP/1.1"),
        (f"GET /api/rooms?starting_after={ROOM}&limit=2", "GET /api/rooms?starting_after=interview-3f9c…&limit=2"),
        ("GET /api/rooms/some-room-of-another-service", "GET /api/rooms/some-room-of-a…"),
        ("GET /api/rooms/short/chat", "GET /api/rooms/short/chat"),
        ("POST /api/realtime/session", "POST /api/realtime/session"),
        ("PUT /api/rooms/short/ratings/Ada%20L HTTP/1.1", "PUT /api/rooms/short/ratings/… HTTP/1.1"),
        ("GET /api/rooms/short/debrief?a=1&rater=Ada HTTP/1.1", "GET /api/rooms/short/debrief?a=1&rater=… HTTP/1.1"),
        ("Zürich 東京", "Zürich 東京"),
    ],
)
def test_room_names_are_shortened_and_raters_are_not_named(formatter, logged, shown):
    assert message_of(formatter, logged).endswith(shown)


def test_a_traceback_follows_the_line():
    failure = (ZeroDivisionError, ZeroDivisionError("of it"), None)
    record = logging.LogRecord("main", logging.ERROR, __file__, 1, "crash", (), failure)

    assert TextFormatter().format(record).endswith("crash\nZeroDivisionError: of it")


def test_neither_the_access_log_nor_any_other_line_shows_a_room_name(tmp_path):
    with api_server(tmp_path, SANDBOX="true") as url, httpx.Client(base_url=url, trust_env=False) as client:
        name = client.post("/api/rooms", json={"interviewer_name": "Ada"}).json()["room_name"]
        client.get(f"/api/rooms/{name}")
        client.get("/nowhere%0d%0aforged")

    log = (tmp_path / "log").read_text()
    assert name not in log
    assert f"/api/rooms/{name[:14]}…" in log
    assert f"room {name[:14]}… opened" in log
