"""Faults of vendors, as they are seen on the wire."""

import asyncio
import gzip
import json
from collections.abc import Callable
from functools import partial
from typing import Any

from tests.faults.answers import good_answer, sample
from tests.faults.wire import Behaviour, Connection, Request, head

LEAK = "TEXT-OF-THE-VENDOR"
"""Part of every error of a vendor. Must not appear in our responses or our log."""
DRIP_SECONDS = 0.1
GIANT = 6 * 1024 * 1024


async def hangs_before_headers(connection: Connection, _: Request) -> None:
    await connection.hang()


async def hangs_in_headers(connection: Connection, _: Request) -> None:
    await connection.send(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-text: ")
    await connection.hang()


async def hangs_in_body(connection: Connection, request: Request) -> None:
    await _send_half(connection, request)
    await connection.hang()


async def drips(connection: Connection, request: Request) -> None:
    """Sends one byte at a time, so that no pause between two is long."""
    content = good_answer(request)
    await connection.send(head(200, {"content-length": str(len(content) * 1000)}))
    for byte in content * 1000:
        await connection.send(bytes([byte]))
        if await connection.is_closed_within(DRIP_SECONDS):
            return


async def cut_before_headers(connection: Connection, _: Request) -> None:
    connection.cut()


async def cut_in_headers(connection: Connection, _: Request) -> None:
    await connection.send(b"HTTP/1.1 200 OK\r\ncontent-type: appl")
    connection.cut()


async def cut_in_body(connection: Connection, request: Request) -> None:
    await _send_half(connection, request)
    connection.cut()


async def reset_in_body(connection: Connection, request: Request) -> None:
    await _send_half(connection, request)
    await asyncio.sleep(DRIP_SECONDS)  # so that the half arrives before the reset
    connection.reset()


async def not_http(connection: Connection, _: Request) -> None:
    await connection.send(f"220 {LEAK} ESMTP\r\n\r\n".encode())
    connection.cut()


async def giant_header(connection: Connection, _: Request) -> None:
    await connection.answer(b"{}", x_text=LEAK * 10_000)


async def giant_answer(connection: Connection, _: Request) -> None:
    await connection.begin_stream("application/json")
    for _chunk in range(GIANT // 65536):
        await connection.send_chunk(b"[" * 65536)
    await connection.end_stream()


async def giant_line_in_stream(connection: Connection, _: Request) -> None:
    await connection.begin_stream()
    await connection.send_chunk(b"data: ")
    for _chunk in range(GIANT // 1024):
        await connection.send_chunk(b"x" * 1024)
    await connection.end_stream()


async def wrong_types(connection: Connection, request: Request) -> None:
    await connection.answer(json.dumps(_mistyped(json.loads(good_answer(request)))).encode())


async def error_hangs_in_body(connection: Connection, _: Request) -> None:
    await connection.send(head(500, {"content-length": "100"}) + LEAK.encode())
    await connection.hang()


async def error_is_cut(connection: Connection, _: Request) -> None:
    await connection.send(head(500, {"content-length": "100"}) + LEAK.encode())
    connection.cut()


async def redirects(connection: Connection, _: Request) -> None:
    await connection.answer(LEAK.encode(), 302, location=f"http://127.0.0.1/{LEAK}")


async def hangs_before_the_first_word(connection: Connection, _: Request) -> None:
    await connection.begin_stream()
    await connection.hang()


async def endless_comments(connection: Connection, _: Request) -> None:
    """Keep-alive comments and no event."""
    await connection.begin_stream()
    while not await connection.is_closed_within(DRIP_SECONDS):
        await connection.send_chunk(b": OPENROUTER PROCESSING\n\n")


async def drips_in_stream(connection: Connection, _: Request) -> None:
    await connection.begin_stream()
    for byte in b"data: " + sample("openrouter/stream.txt") * 100:
        await connection.send_chunk(bytes([byte]))
        if await connection.is_closed_within(DRIP_SECONDS):
            return


async def silent_after_some_words(connection: Connection, _: Request) -> None:
    await _send_some_words(connection)
    await connection.hang()


async def comments_after_some_words(connection: Connection, _: Request) -> None:
    await _send_some_words(connection)
    while not await connection.is_closed_within(DRIP_SECONDS):
        await connection.send_chunk(b": OPENROUTER PROCESSING\n\n")


async def reset_after_some_words(connection: Connection, _: Request) -> None:
    await _send_some_words(connection)
    await asyncio.sleep(DRIP_SECONDS)
    connection.reset()


async def silent_after_the_last_word(connection: Connection, _: Request) -> None:
    """The whole answer, but neither [DONE] nor the end of the response."""
    await connection.begin_stream()
    await connection.send_chunk(sample("openrouter/stream_without_done.txt"))
    await connection.hang()


async def cut_after_the_last_word(connection: Connection, _: Request) -> None:
    """The whole answer without [DONE]; then the connection closes."""
    await connection.begin_stream()
    await connection.send_chunk(sample("openrouter/stream_without_done.txt"))
    connection.cut()


NEVER_ENDS = frozenset(
    {
        hangs_before_headers,
        hangs_in_headers,
        hangs_in_body,
        drips,
        hangs_before_the_first_word,
        endless_comments,
        drips_in_stream,
        silent_after_some_words,
        comments_after_some_words,
        silent_after_the_last_word,
    }
)
"""The vendor never finishes: only a deadline of ours ends the call."""


def says(content: bytes, status: int = 200, **headers: str) -> Behaviour:
    """Answers every request with this."""
    return partial(_say, content=content, status=status, headers=headers)


def says_sample(name: str, status: int | None = None, **headers: str) -> Behaviour:
    """Answers with a sample, `LEAK` added to its error texts. The status of an error is part of the sample's name."""
    named = name.rpartition("/")[2].split("_")
    found = status or (int(named[1]) if named[0] == "error" and named[1].isdecimal() else 200)
    return says(_leaking(sample(name)), found, **headers)


def streams_sample(name: str, *, is_cut: bool = False) -> Behaviour:
    """Streams a sample, then ends the response or closes the connection."""
    return partial(_stream, content=sample(name), is_cut=is_cut)


def stream_of(event: bytes) -> Behaviour:
    """Streams one event and ends."""
    return partial(_stream, content=b"data: %b\n\ndata: [DONE]\n\n" % event, is_cut=False)


async def _say(connection: Connection, _: Request, *, content: bytes, status: int, headers: dict[str, str]) -> None:
    await connection.answer(content, status, **headers)


async def _stream(connection: Connection, _: Request, *, content: bytes, is_cut: bool) -> None:
    await connection.begin_stream()
    await connection.send_chunk(content)
    if is_cut:
        connection.cut()
    else:
        await connection.end_stream()


async def _send_half(connection: Connection, request: Request) -> None:
    content = good_answer(request)
    await connection.send(head(200, {"content-length": str(len(content))}) + content[: len(content) // 2])


async def _send_some_words(connection: Connection) -> None:
    await connection.begin_stream()
    await connection.send_chunk(sample("openrouter/stream_cut.txt"))


def _mistyped(value: Any) -> Any:
    """The same document with every value replaced by one of another type."""
    match value:
        case dict():
            return {name: _mistyped(inner) for name, inner in value.items()}
        case list():
            return {"0": [_mistyped(inner) for inner in value]}
        case _:
            return [LEAK]


def _leaking(content: bytes) -> bytes:
    try:
        document = json.loads(content)
    except ValueError:
        return content + LEAK.encode()
    return json.dumps(_with_leak(document)).encode()


def _with_leak(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    leaky: dict[str, Callable[[Any], Any]] = {"message": _leaked, "info": _leaked, "raw": _leaked, "refusal": _leaked}
    return {name: leaky[name](inner) if name in leaky and inner else _with_leak(inner) for name, inner in value.items()}


def _leaked(text: Any) -> Any:
    if isinstance(text, dict):
        return _with_leak(text)
    return [_leaked(part) for part in text] if isinstance(text, list) else f"{text} {LEAK}"


COMMON: dict[str, Behaviour] = {
    "gzip bomb": says(gzip.compress(b" " * 30_000_000, 9), content_encoding="gzip"),
    "HTML as 200": says(f"<html><body>{LEAK}</body></html>".encode(), content_type="text/html"),
    "null": says(b"null"),
    "empty 200": says(b""),
    "another shape": says(json.dumps({"unexpected": LEAK}).encode()),
    "a list": says(json.dumps([LEAK]).encode()),
    "deeply nested": says(b"[" * 100_000),
    "HTML as 502": says(f"<html><body>{LEAK}</body></html>".encode(), 502, content_type="text/html"),
    "unknown status": says(LEAK.encode(), 418),
    "compressed error": says(gzip.compress(LEAK.encode()), 500, content_encoding="gzip"),
}
