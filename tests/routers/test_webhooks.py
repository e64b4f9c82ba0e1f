"""Daily's webhook over HTTP, with Daily mocked at the wire."""

import hmac
import json
from base64 import b64decode, b64encode

import pytest

from tests.routers.daily_transcripts import INTERVIEW, item, mock_transcripts, webvtt
from tests.support.interviews import DAILY, open_room
from tests.support.problems import assert_problem
from tests.support.waiting import wait_until

SECRET = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="

pytestmark = pytest.mark.usefixtures("daily")


def ready(room, transcript_id="one", **changes):
    payload = {"id": transcript_id, "room_name": room, "room_id": "any", "status": "t_finished"}
    return {"version": "1.0.0", "type": "transcript.ready-to-download", "id": "e-1", "payload": payload} | changes


@pytest.fixture
def client(start):
    return start(daily_webhook_secret=SECRET)


@pytest.fixture
def post(client, clock):
    """Sends an event, signed as Daily signs it, and returns the response."""

    def send(event, *, secret=SECRET, signed=None, age=0, headers=None):
        body = event if isinstance(event, bytes) else json.dumps(event).encode()
        timestamp = str(int(clock().timestamp()) - age)
        message = f"{timestamp}.".encode() + (body if signed is None else signed)
        signature = b64encode(hmac.digest(b64decode(secret), message, "sha256")).decode()
        signed_headers = {"X-Webhook-Signature": signature, "X-Webhook-Timestamp": timestamp}
        return client.post("/api/webhooks/daily", content=body, headers=signed_headers if headers is None else headers)

    return send


def transcript(client, room):
    return client.get(f"/api/rooms/{room}/transcript")


def test_test_delivery_is_answered(post):
    assert post({"test": "test"}).json() == {"status": "received"}


@pytest.mark.parametrize(
    "event",
    [
        {"type": "participant.joined", "payload": {"room": "interview-00"}},
        {"type": "an event that Daily adds"},
        ready("interview-00"),
        ready("not a room\x00"),
        ready("interview-00") | {"payload": None},
        ready("interview-00") | {"payload": {"room_name": ["x"]}},
        ["a list"],
        b"no JSON",
        b"",
    ],
    ids=str,
)
def test_every_signed_event_is_answered_with_200(post, event):
    assert post(event).status_code == 200


def test_announced_transcript_is_pulled(client, post, vendors):
    room = open_room(client, candidate_name="Grace Hopper")
    mock_transcripts(vendors, item("one"))

    assert post(ready(room)).status_code == 200

    wait_until(lambda: transcript(client, room).status_code == 200, "the transcript is pulled")
    assert transcript(client, room).json()["source"] == "daily"


def test_repeated_announcement_does_not_download_again(client, post, vendors):
    room = open_room(client)
    mock_transcripts(vendors, item("one"))
    post(ready(room))
    wait_until(lambda: transcript(client, room).status_code == 200, "the transcript is pulled")
    calls = len(vendors.calls)

    for _ in range(3):
        assert post(ready(room)).status_code == 200
    post(ready(second := open_room(client)))
    wait_until(lambda: transcript(client, second).status_code == 200, "a later announcement is worked on")

    downloads = [call for call in vendors.calls[calls:] if call.request.url.host == "files.example"]
    assert len(downloads) == 1


def test_later_transcript_of_the_room_joins_the_earlier_one(client, post, vendors):
    room = open_room(client)
    mock_transcripts(vendors, item("one"), files={"one": INTERVIEW})
    post(ready(room))
    wait_until(lambda: transcript(client, room).status_code == 200, "the first is pulled")
    second = item("two", created_at="2026-11-23T11:00:00.000Z")
    mock_transcripts(vendors, second, item("one"), files={"two": webvtt(("Ada", "Back again."))})

    post(ready(room, "two"))

    wait_until(lambda: len(transcript(client, room).json()["turns"]) == 5, "the second is pulled")


def test_whole_transcript_of_the_client_is_not_replaced(client, post, vendors):
    room, other = open_room(client), open_room(client)
    client.put(f"/api/rooms/{room}/transcript", json={"transcript": "Ada: Sent by the client."})
    listed = mock_transcripts(vendors, item("one"))

    post(ready(room))
    post(ready(other))
    wait_until(lambda: transcript(client, other).status_code == 200, "a later announcement is worked on")

    assert listed.call_count == 1
    assert [turn["text"] for turn in transcript(client, room).json()["turns"]] == ["Sent by the client."]


def test_lines_of_the_client_are_not_replaced(client, post, vendors, caplog):
    caplog.set_level("INFO")
    room = open_room(client)
    line = {"id": "1", "speaker": "Ada", "text": "Sent by the client."}
    client.post(f"/api/rooms/{room}/transcript/segments", json={"segments": [line]})
    mock_transcripts(vendors, item("one"))

    post(ready(room))
    wait_until(lambda: "is dropped" in caplog.text, "the transcript is pulled")

    assert [turn["text"] for turn in transcript(client, room).json()["turns"]] == ["Sent by the client."]


def test_failed_pull_is_logged_and_can_be_announced_again(client, post, vendors, caplog):
    room = open_room(client)
    vendors.get(f"{DAILY}/transcript").respond(403, json={"error": "forbidden"})
    post(ready(room))
    wait_until(lambda: "was not pulled" in caplog.text, "the failure is logged")
    mock_transcripts(vendors, item("one"))

    wait_until(lambda: post(ready(room)) and transcript(client, room).status_code == 200, "it is pulled")


@pytest.mark.parametrize(
    "change",
    [
        {"secret": "YW5vdGhlciBzZWNyZXQ="},
        {"signed": b'{"test":"other"}'},
        {"age": 400},
        {"age": -400},
        {"headers": {}},
        {"headers": {"X-Webhook-Signature": "ünsigned".encode(), "X-Webhook-Timestamp": "now"}},
    ],
    ids=["secret", "body", "old", "future", "unsigned", "nonsense"],
)
def test_event_that_daily_did_not_sign_is_401_and_pulls_nothing(client, post, vendors, change):
    room = open_room(client)
    listed = mock_transcripts(vendors, item("one"))

    assert_problem(post(ready(room), **change), 401, "unauthorized")

    assert not listed.called


def test_no_event_is_accepted_without_a_secret(start, clock, caplog):
    answer = start().post("/api/webhooks/daily", json={"test": "test"})

    assert_problem(answer, 401, "unauthorized")
    assert "DAILY_WEBHOOK_SECRET is empty" in caplog.text


def test_large_body_is_413(post):
    assert_problem(post(b"x" * 70_000), 413, "payload_too_large")


def test_refused_events_are_limited_and_signed_ones_are_not(start, clock):
    client = start(daily_webhook_secret=SECRET, rate_limit_default="2/minute")
    timestamp = str(int(clock().timestamp()))
    signature = b64encode(hmac.digest(b64decode(SECRET), f"{timestamp}.".encode() + b"{}", "sha256")).decode()
    signed = {"X-Webhook-Signature": signature, "X-Webhook-Timestamp": timestamp}

    refused = [client.post("/api/webhooks/daily", content=b"{}") for _ in range(3)]
    received = client.post("/api/webhooks/daily", content=b"{}", headers=signed)

    assert [answer.status_code for answer in refused] == [401, 401, 429]
    assert received.status_code == 200
