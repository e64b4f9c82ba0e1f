"""Limits of request bodies: bytes, values and time. A larger body is a 413 before it is parsed, a later one a 408.

An `AccessCheckedRoute` without a limit of its own takes `SMALL_BODY_BYTES`. Routes whose requests may contain a
transcript take MAX_BODY_BYTES (`main.create_app`). Bodies of GET requests and of unknown addresses are never read.
"""

import asyncio
import json
import sys
from collections.abc import Awaitable
from typing import Any

from starlette.exceptions import HTTPException

JOIN_BODY_BYTES = 8 * 1024
SMALL_BODY_BYTES = 64 * 1024
BRIEFING_BODY_BYTES = 1024 * 1024
"""A resume and a job description, with every character escaped."""
CHAT_BODY_BYTES = 2 * 1024 * 1024
PLAN_BODY_BYTES = 512 * 1024
"""A plan of the largest size in any script: 40 questions with their sources, and 20 scales."""
RATINGS_BODY_BYTES = 256 * 1024
"""Ratings of the largest size in any script: 20 competencies with their notes."""
MAX_JSON_VALUES = 300_000
"""The event loop waits while JSON is parsed, also where a thread does it: 600 ms for 8 MiB of the smallest values. An
interview of several hours with the time of each word has half as many as this.
"""

MAX_INTEGER_DIGITS = 640
"""Python's lowest limit. Reading an integer takes time in the square of its digits."""


async def read_in_time(reading: Awaitable[bytes], seconds: float) -> bytes:
    """Returns the body. Without the deadline a client that sends it byte by byte would hold a connection for ever."""
    try:
        async with asyncio.timeout(seconds):
            return await reading
    except TimeoutError:
        # closed, because the rest of the body is still to come
        raise HTTPException(408, headers={"Connection": "close"}) from None


def parse_json(body: bytes) -> Any:
    """Returns the value. Raises HTTPException 413 for too many values, and ValueError for what can't be read."""
    if _has_too_many_values(body):
        raise HTTPException(413)  # of a body that is read, FastAPI passes on no other exception
    usual = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(MAX_INTEGER_DIGITS)
    try:
        return json.loads(body)
    finally:
        sys.set_int_max_str_digits(usual)


def _has_too_many_values(body: bytes) -> bool:
    """Whether JSON has more than `MAX_JSON_VALUES`, by the commas and brackets outside of its texts."""
    if len(body) <= MAX_JSON_VALUES or _separators(body) <= MAX_JSON_VALUES:
        return False
    without_escapes = body.replace(rb"\\", b"").replace(rb"\"", b"")
    if without_escapes.count(b'"') > 4 * MAX_JSON_VALUES:  # a key and a text have four
        return True
    return _separators(b"".join(without_escapes.split(b'"')[::2])) > MAX_JSON_VALUES


def _separators(body: bytes) -> int:
    return sum(map(body.count, (b",", b"[", b"{")))
