"""Signatures of Daily's webhooks: https://docs.daily.co/reference/rest-api/webhooks"""

import hmac
import json
from base64 import b64decode, b64encode
from collections.abc import Iterator
from datetime import datetime

MAX_CLOCK_SKEW_SECONDS = 300
_MILLISECONDS_FROM = 10**11
"""A timestamp from here on is in milliseconds: in seconds it would be after the year 5000."""


def verify_webhook(secret: str, timestamp: str, body: bytes, signature: str, now: datetime) -> bool:
    """Whether Daily sent this body, with this secret, within the last five minutes.

    `secret` is base64, `timestamp` and `signature` are the headers `X-Webhook-Timestamp` (Unix seconds or milliseconds)
    and `X-Webhook-Signature`: base64 of the HMAC-SHA256 of timestamp, a full stop and body. Daily has been seen to sign
    the raw body and the body as compact JSON, so both are tried. Compares in constant time.
    """
    if not _is_recent(timestamp, now):
        return False
    given = signature.encode(errors="replace")
    return any(hmac.compare_digest(_sign(secret, timestamp, form), given) for form in _signed_forms(body))


def _sign(secret: str, timestamp: str, body: bytes) -> bytes:
    return b64encode(hmac.digest(b64decode(secret), f"{timestamp}.".encode() + body, "sha256"))


def _is_recent(timestamp: str, now: datetime) -> bool:
    if not (timestamp.isascii() and timestamp.isdecimal() and len(timestamp) <= len(str(_MILLISECONDS_FROM)) + 2):
        return False
    seconds = int(timestamp) / (1000 if int(timestamp) >= _MILLISECONDS_FROM else 1)
    return abs(now.timestamp() - seconds) <= MAX_CLOCK_SKEW_SECONDS


def _signed_forms(body: bytes) -> Iterator[bytes]:
    yield body
    try:
        value = json.loads(body, parse_float=_as_javascript)
        yield json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    except (ValueError, RecursionError):
        return


def _as_javascript(number: str) -> int | float:
    """A number as JavaScript writes it: whole ones without a fraction."""
    value = float(number)
    return int(value) if value.is_integer() else value
