"""A fake language model and Daily that cost almost no CPU.

Run as `python -m scripts.benchmarks.vendor`. The first part of the path
is the mode: `/instant` answers at once, `/slow` after half a second, `/paced`
as a stream of chunks, `/debrief` with a debrief, `/hostile` with one that is
slow to check where the prompt has that word. `/daily` creates rooms.
"""

import asyncio
import json
from typing import Any, cast

import uvloop

from scripts.benchmarks.interview import hostile_answer, model_answer

SLOW_SECONDS = 0.5
CHUNKS_A_SECOND = 20
CHUNKS = 200


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


def _content_chunk(delta: dict[str, str], finish_reason: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason, "logprobs": None}
    return _chunk({"id": "gen-1", "model": "openai/gpt-4o-mini", "choices": [choice]})


def _room(body: bytes) -> bytes:
    """One document that is both a room and a token."""
    name = json.loads(body).get("name", "")
    url = f"https://team.daily.co/{name}"
    return _answer({"id": "1", "name": name, "url": url, "created_at": "2026-11-23T10:00:00Z", "token": "token"})


ANSWER = _completion("Ask what the candidate decided, and how it was measured. " * 4)
DEBRIEF = _completion(json.dumps(model_answer()))
HOSTILE_DEBRIEF = _completion(json.dumps(hostile_answer()))
STREAM_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
CONTENT_CHUNK = _content_chunk({"content": "eight characters or so "})
STREAM_END = _content_chunk({}, "stop") + _chunk(b"[DONE]") + b"0\r\n\r\n"


class Vendor(asyncio.Protocol):
    """One connection, which sends requests one after another, each with its length."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's transports are no subclass of it
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

    def _answer(self, mode: bytes, body: bytes) -> None:
        match mode:
            case b"daily":
                self._transport.write(_room(body))
            case b"instant":
                self._transport.write(ANSWER)
            case b"debrief":
                self._transport.write(DEBRIEF)
            case b"hostile":
                self._transport.write(HOSTILE_DEBRIEF if b"hostile" in body else DEBRIEF)
            case b"slow":
                self._loop.call_later(SLOW_SECONDS, self._transport.write, ANSWER)
            case _:
                self._transport.write(STREAM_HEAD)
                self._send_content_chunk(CHUNKS, self._loop.time())

    def _send_content_chunk(self, left: int, due: float) -> None:
        if self._transport.is_closing():
            return
        if left == 0:
            self._transport.write(STREAM_END)
            return
        self._transport.write(CONTENT_CHUNK)
        due += 1 / CHUNKS_A_SECOND
        self._loop.call_at(due, self._send_content_chunk, left - 1, due)


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(Vendor, "127.0.0.1", 0, backlog=4096)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve())
