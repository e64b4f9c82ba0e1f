"""Vendor responses: what an error body says, and the one line that is logged of it."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from services.upstream.redaction import MAX_REASON_LOGGED
from services.upstream.responses import (
    Refusal,
    VendorResponse,
    log_refusal,
    log_unreadable,
    parse_retry_after,
    read_refusal,
)


def response(body: object, status: int = 400, **headers: str) -> VendorResponse:
    return VendorResponse(status, httpx.Headers(headers), json.dumps(body).encode())


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
def test_body_that_is_no_json_object_gives_no_details(content: bytes) -> None:
    assert VendorResponse(502, httpx.Headers(), content).refusal == Refusal()


def test_plain_text_is_the_reason() -> None:
    headers = httpx.Headers({"content-type": "text/plain; charset=utf-8"})

    refusal = VendorResponse(400, headers, b"Prompt exceeds the context").refusal

    assert refusal == Refusal(reason="Prompt exceeds the context")


def test_error_in_a_list_of_one_is_read() -> None:
    assert response([{"error": {"message": "Quota exceeded", "code": 429}}]).refusal == Refusal(
        "429", reason="Quota exceeded"
    )


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


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"error code: 1010", "error code: 1010"),
        (
            b"<html><style>p {color: red}</style><title>Maintenance</title><p>Back at 9.</p></html>",
            "Maintenance Back at 9.",
        ),
        (b"[502]", "[502]"),
        (b"<script>" * 1000, ""),
        (b"", ""),
    ],
    ids=["text", "page", "list", "script without end", "nothing"],
)
def test_text_of_a_body_that_is_no_json_object_is_logged(caplog, content: bytes, reason: str) -> None:
    log_refusal("Vapi", VendorResponse(403, httpx.Headers(), content))

    assert caplog.messages[0].endswith(f'reason="{reason}"')


def test_missing_fields_of_a_successful_response_are_logged_without_values(caplog) -> None:
    class Call(BaseModel):
        id: str
        state: int

    answered = VendorResponse(200, httpx.Headers({"content-type": "application/json; a=b"}), b'{"state": "secret"}')
    with pytest.raises(ValidationError) as invalid:
        Call.model_validate_json(answered.content)

    log_unreadable("Vapi", answered, invalid.value)

    [line] = caplog.messages
    assert line.startswith(
        "Vapi sent a response that can't be read: status=200 type=application/json id: Field required; state: "
    )
    assert "secret" not in line


def test_missing_parts_are_dashes(caplog) -> None:
    log_refusal("Daily", response(None))

    assert caplog.messages == ['Daily refused: status=400 code=- type=- param=- request=- reason="null"']


def test_what_was_sent_is_not_logged(caplog) -> None:
    log_refusal("Daily", response({"info": "user_name Ada is too long"}), sent={"user_name": "Ada"})

    assert 'reason="user_name … is too long"' in caplog.text


@given(st.text(max_size=3000))
def test_any_reason_is_one_printable_line_of_bounded_length(reason: str) -> None:
    with messages_of_log() as lines:
        log_refusal("Daily", response({"error": {"message": reason, "code": reason, "param": reason}}))

    [line] = lines
    assert line.isprintable()
    assert len(line) < 3 * 120 + 2 * MAX_REASON_LOGGED + 100


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
