"""Vendor responses: what an error body says, and the one line that is logged of it."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.upstream.responses import (
    MAX_REASON_CHARACTERS,
    Refusal,
    VendorResponse,
    log_refusal,
    parse_retry_after,
    read_refusal,
)


def response(body: object, status: int = 400, **headers: str) -> VendorResponse:
    return VendorResponse(status, httpx.Headers(headers), json.dumps(body).encode())


def logged(caplog: pytest.LogCaptureFixture, body: object, sent: object = None) -> str:
    caplog.clear()
    log_refusal("Daily", response(body), sent=sent)
    [record] = caplog.records
    return record.getMessage()


@contextmanager
def messages_of_log() -> Iterator[list[str]]:
    messages: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: messages.append(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger("services.upstream.responses")
    logger.addHandler(handler)
    yield messages
    logger.removeHandler(handler)


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        ({"error": "not-found", "info": "no room"}, Refusal("not-found", reason="no room")),
        (
            {"error": {"message": "bad", "type": "invalid_request_error", "param": "session.type", "code": "x"}},
            Refusal("x", "invalid_request_error", "session.type", "bad"),
        ),
        ({"error": {"message": "out of credit", "code": 402}}, Refusal("402", reason="out of credit")),
        ({"message": "Unauthorized", "error": "Unauthorized"}, Refusal("Unauthorized", reason="Unauthorized")),
        ({"message": ["one", "two"], "error": "Bad Request"}, Refusal(reason="one; two")),
        ({"error": "Unexpected endpoint or method."}, Refusal(reason="Unexpected endpoint or method.")),
        (
            {"object": "error", "message": "too long", "type": "BadRequestError"},
            Refusal(None, "BadRequestError", reason="too long"),
        ),
        ({"detail": "Not found"}, Refusal(reason="Not found")),
        ({"error": {"message": {"text": "x"}, "code": ["x"], "type": True}}, Refusal()),
        ({"error": None}, Refusal()),
        (None, Refusal()),
    ],
)
def test_error_bodies_of_every_vendor_are_read(body: dict[str, object] | None, refusal: Refusal) -> None:
    assert read_refusal(body) == refusal


@pytest.mark.parametrize("content", [b"", b"<html>", b"[]", b"\xff", b"[" * 100_000])
def test_body_that_is_no_json_object_says_nothing(content: bytes) -> None:
    assert VendorResponse(502, httpx.Headers(), content).refusal == Refusal()


def test_log_line_names_status_code_parameter_request_and_reason(caplog) -> None:
    body = {
        "error": {
            "message": "Unknown parameter.",
            "type": "invalid_request_error",
            "param": "session.x",
            "code": "unknown",
        }
    }

    log_refusal("OpenAI", response(body, 400, **{"x-request-id": "req_1"}))

    [line] = caplog.messages
    parts = "status=400 code=unknown type=invalid_request_error param=session.x request=req_1"
    assert line == f'OpenAI refused: {parts} reason="Unknown parameter."'


def test_missing_parts_are_dashes(caplog) -> None:
    assert logged(caplog, None) == 'Daily refused: status=400 code=- type=- param=- request=- reason=""'


@pytest.mark.parametrize(
    ("reason", "secret"),
    [
        ("customer.number +14155550100 is not valid", "4155550100"),
        ("call (415) 555-0100 again", "555-0100"),
        ("no user grace.hopper@example.com", "hopper"),
        ("Incorrect API key provided: sk-proj-abc****wxyz.", "wxyz"),
        ("token ek_68af296e8e408191a1120ab6383263c2 has expired", "68af296e"),
        ("the room interview-5eed5eed5eed5eed5eed5eed5e has ended", "5eed5eed"),
        ("see https://files.example/t.vtt?X-Amz-Signature=abcdef#x", "abcdef"),
        ("Authorization: Bearer abc.def", "abc.def"),
    ],
)
def test_numbers_addresses_and_keys_are_left_out_of_the_log(caplog, reason: str, secret: str) -> None:
    line = logged(caplog, {"error": "invalid", "info": reason})

    assert secret not in line
    assert "…" in line or "?" not in line


@pytest.mark.parametrize("name", ["Ada", "grace", "José García", "(Bob)", "Bob \\d+"])
def test_what_the_vendor_repeats_of_the_request_is_left_out_of_the_log(caplog, name: str) -> None:
    sent = {"customer": {"name": name}, "tags": [name], "maxDurationSeconds": 900}

    line = logged(caplog, {"message": f"'{name}' can't be called"}, sent)

    assert name not in line
    assert "can't be called" in line


def test_name_of_a_model_stays_in_the_log(caplog) -> None:
    line = logged(caplog, {"error": {"message": "no access to gpt-realtime-2.1"}}, {"model": "gpt-realtime-2.1"})

    assert "no access to gpt-realtime-2.1" in line


def test_part_of_another_word_is_not_left_out(caplog) -> None:
    assert "audiobooks" in logged(caplog, {"info": "audiobooks"}, {"kind": "audio"})


@given(st.text(max_size=3000))
def test_any_reason_is_one_printable_line_of_bounded_length(reason: str) -> None:
    with messages_of_log() as lines:
        log_refusal("Daily", response({"error": {"message": reason, "code": reason, "param": reason}}))

    [line] = lines
    assert line.isprintable()
    assert len(line) < 3 * 120 + 2 * MAX_REASON_CHARACTERS + 100


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7),
        (" 7 ", 7),
        ("99999999999999", 86400),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
        ("Fri, 01 Jan 2100 00:00:00 GMT", 86400),
        ("soon", None),
        ("-1", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after_is_read_in_both_forms(value: str | None, seconds: int | None) -> None:
    assert parse_retry_after(value) == seconds
