"""A language model that answers at once, after half a second, or piece by piece, at next to no cost.

Run as `python -m scripts.benchmarks.vendor PORT`. The first part of the path
says how it answers: `/instant`, `/slow`, `/paced` or `/debrief`. Under `/daily` rooms are made.
"""

import asyncio
import json
import sys
from typing import Any, cast

import uvloop

from scripts.benchmarks.interview import reading

SLOW_SECONDS = 0.5
PIECES_A_SECOND = 20
PIECES = 200


def _answer(document: Any) -> bytes:
    body = json.dumps(document).encode()
    return b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)


def _completion(content: str) -> bytes:
    usage = {"prompt_tokens": 400, "completion_tokens": 60, "total_tokens": 460, "cost": 0.0001}
    message = {"role": "assistant", "content": content, "refusal": None}
    choice = {"index": 0, "finish_reason": "stop", "message": message}
    return _answer({"id": "gen-1", "model": "openai/gpt-4o-mini", "choices": [choice], "usage": usage})


def _chunk(document: Any) -> bytes:
    event = document if isinstance(document, bytes) else json.dumps(document).encode()
    event = b"data: %b\n\n" % event
    return b"%x\r\n%b\r\n" % (len(event), event)


def _piece(delta: dict[str, str], finish_reason: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason, "logprobs": None}
    return _chunk({"id": "gen-1", "model": "openai/gpt-4o-mini", "choices": [choice]})


def _room(body: bytes) -> bytes:
    """One document for both: a room and a token."""
    name = json.loads(body).get("name", "")
    url = f"https://team.daily.co/{name}"
    return _answer({"id": "1", "name": name, "url": url, "created_at": "2026-11-23T10:00:00Z", "token": "token"})


ANSWER = _completion("Ask what she decided herself, and how it was measured. " * 4)
DEBRIEF = _completion(json.dumps(reading()))
STREAM_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
PIECE = _piece({"content": "eight characters or so "})
STREAM_END = _piece({}, "stop") + _chunk(b"[DONE]") + b"0\r\n\r\n"


class Vendor(asyncio.Protocol):
    """One connection. Requests come one after another, each with its length."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's own are no subclass of it
        self._loop = asyncio.get_running_loop()
        self._text = b""

    def data_received(self, data: bytes) -> None:
        self._text += data
        head, ended, rest = self._text.partition(b"\r\n\r\n")
        if not ended:
            return
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0] or 0)
        if len(rest) >= length:
            self._text = rest[length:]
            self._answer(head.split(b"/", 2)[1], rest[:length])

    def _answer(self, way: bytes, body: bytes) -> None:
        match way:
            case b"daily":
                self._transport.write(_room(body))
            case b"instant":
                self._transport.write(ANSWER)
            case b"debrief":
                self._transport.write(DEBRIEF)
            case b"slow":
                self._loop.call_later(SLOW_SECONDS, self._transport.write, ANSWER)
            case _:
                self._transport.write(STREAM_HEAD)
                self._send_piece(PIECES, self._loop.time())

    def _send_piece(self, left: int, due: float) -> None:
        if self._transport.is_closing():
            return
        if left == 0:
            self._transport.write(STREAM_END)
            return
        self._transport.write(PIECE)
        due += 1 / PIECES_A_SECOND
        self._loop.call_at(due, self._send_piece, left - 1, due)


async def _serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Vendor, "127.0.0.1", port, backlog=4096)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1])))
