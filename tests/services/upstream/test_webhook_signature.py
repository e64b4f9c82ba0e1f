"""Signatures of Daily's webhooks."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.upstream.webhook_signature import verify_webhook

SECRET = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
TEST_BODY = b'{"test":"test"}'
TEST_SIGNATURE = "d15tISt6OFh/d3K5q1yMAktjtKfvLB6pXtU6Q8dz3nI="
TEST_TIME = "1700000000"
TEST_NOW = datetime.fromtimestamp(1_700_000_000, UTC)
READY_BODY = (
    b'{"version":"1.0.0","type":"transcript.ready-to-download","id":"tr-rtd-1","payload":'
    b'{"id":"0cb313e1-211f-4be0-833d-8c7305b19902","room_id":"1a5afbf4-211f-4be0-833d-8c7305b19902",'
    b'"room_name":"interview-00","mtg_session_id":"257764e6-c74e-4c30-944a-a887a03173a3","duration":277,'
    b'"status":"t_finished"},"event_ts":1764064800}'
)
READY_SIGNATURE = "7JVwcAyuPCN590lBelBGvIMfGcQlLOK/c2Q9SnSriGg="


@pytest.mark.parametrize(
    ("timestamp", "body", "signature"),
    [(TEST_TIME, TEST_BODY, TEST_SIGNATURE), ("1764064800", READY_BODY, READY_SIGNATURE)],
)
def test_published_vectors_are_accepted(timestamp: str, body: bytes, signature: str) -> None:
    now = datetime.fromtimestamp(int(timestamp), UTC)

    assert verify_webhook(SECRET, timestamp, body, signature, now)


@pytest.mark.parametrize(
    "body",
    [
        b'{ "test" : "test" }',
        b'{\n  "test": "test"\n}\n',
        b'\t{"test":"\\u0074est"}',
    ],
)
def test_body_that_was_signed_in_compact_form_is_accepted(body: bytes) -> None:
    assert verify_webhook(SECRET, TEST_TIME, body, TEST_SIGNATURE, TEST_NOW)


def test_whole_numbers_are_signed_without_a_fraction() -> None:
    body = READY_BODY.replace(b"1764064800}", b"1764064800.0}").replace(b"277", b"2.77e2")

    assert verify_webhook(SECRET, "1764064800", body, READY_SIGNATURE, datetime.fromtimestamp(1_764_064_800, UTC))


@pytest.mark.parametrize(
    ("secret", "timestamp", "body", "signature"),
    [
        ("YW5vdGhlciBzZWNyZXQ=", TEST_TIME, TEST_BODY, TEST_SIGNATURE),
        (SECRET, "1700000001", TEST_BODY, TEST_SIGNATURE),
        (SECRET, TEST_TIME, b'{"test":"other"}', TEST_SIGNATURE),
        (SECRET, TEST_TIME, b"", TEST_SIGNATURE),
        (SECRET, TEST_TIME, TEST_BODY, READY_SIGNATURE),
        (SECRET, TEST_TIME, TEST_BODY, TEST_SIGNATURE.rstrip("=")),
        (SECRET, TEST_TIME, TEST_BODY, ""),
        (SECRET, TEST_TIME, TEST_BODY, "é"),
    ],
)
def test_signature_that_does_not_match_is_refused(secret: str, timestamp: str, body: bytes, signature: str) -> None:
    assert not verify_webhook(secret, timestamp, body, signature, TEST_NOW)


@pytest.mark.parametrize(("minutes", "is_accepted"), [(-5.1, False), (-4.9, True), (4.9, True), (5.1, False)])
def test_timestamp_may_be_five_minutes_off(minutes: float, is_accepted: bool) -> None:
    now = TEST_NOW + timedelta(minutes=minutes)

    assert verify_webhook(SECRET, TEST_TIME, TEST_BODY, TEST_SIGNATURE, now) is is_accepted


def test_timestamp_may_be_in_milliseconds() -> None:
    signature = "gzRdreSQq3tdBuqNEUj0/nipB3svIyh27NjP4bp9rGU="

    assert verify_webhook(SECRET, "1700000000123", TEST_BODY, signature, TEST_NOW)


@pytest.mark.parametrize(
    "timestamp", ["", "soon", "-1700000000", "1700000000.5", "١٧٠٠٠٠٠٠٠٠", "9" * 5000, " 1700000000"]
)
def test_invalid_timestamp_is_refused(timestamp: str) -> None:
    assert not verify_webhook(SECRET, timestamp, TEST_BODY, TEST_SIGNATURE, TEST_NOW)


@given(st.binary(max_size=200), st.text(max_size=60))
def test_any_body_and_signature_are_answered(body: bytes, signature: str) -> None:
    assert verify_webhook(SECRET, TEST_TIME, body, signature, TEST_NOW) is False


@pytest.mark.parametrize("body", [b"[" * 100_000, b'"\\ud800"', b"1e999", b"NaN", b"1" * 5000])
def test_body_that_has_no_compact_form_is_refused(body: bytes) -> None:
    assert not verify_webhook(SECRET, TEST_TIME, body, TEST_SIGNATURE, TEST_NOW)
