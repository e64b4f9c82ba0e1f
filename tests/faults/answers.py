"""Correct responses of the four vendors, all behind one port."""

import json
import time
from pathlib import Path
from typing import Any

from tests.faults.wire import Connection, Request

SAMPLES = Path(__file__).parent.parent / "data"

WEBVTT = b"WEBVTT\n\ntranscript:0\n00:00:01.000 --> 00:00:02.000\n<v>Ada:</v>Hello.\n"
FORGOTTEN = "interview-ffffffff"
"""How the names of rooms begin that Daily knows and the service has forgotten."""


def forgotten_room(number: int, *, again: bool = False) -> str:
    """The name of such a room."""
    return f"{FORGOTTEN}{int(again)}{number:017x}"


def sample(name: str) -> bytes:
    """A vendor's answer, from `tests/data`."""
    return (SAMPLES / name).read_bytes()


async def answer_well(connection: Connection, request: Request) -> None:
    """Answer as the vendor whose path it is."""
    if request.path.startswith("/openrouter/") and request.json().get("stream"):
        await connection.begin_stream()
        await connection.send_chunk(sample("openrouter/stream.txt"))
        await connection.end_stream()
        return
    is_lookup = request.method == "GET" and request.path.startswith("/daily/rooms/")
    if is_lookup and FORGOTTEN not in request.path:
        # the service looks up a room that it has not forgotten only after Daily refused to create it
        await connection.answer(sample("daily/error_404_unknown_room.json"), 404)
        return
    if request.path.startswith("/daily/transcript-files/"):
        await connection.answer(WEBVTT)
        return
    status = 201 if (request.method, request.path) == ("POST", "/vapi/call") else 200
    await connection.answer(good_answer(request), status)


def good_answer(request: Request) -> bytes:
    """The JSON document with which the vendor answers this request."""
    _, vendor, *path = request.path.split("/")
    match vendor:
        case "openrouter":
            is_debrief = "response_format" in request.json()
            return sample("openrouter/debrief.json" if is_debrief else "openrouter/completion.json")
        case "openai":
            return sample("openai/client_secret.json")
        case "vapi":
            return sample("vapi/call_queued.json" if request.method == "POST" else "vapi/call_in_progress.json")
        case _:
            return _daily(request, path)


def _daily(request: Request, path: list[str]) -> bytes:
    if path[0] == "meeting-tokens":
        return sample("daily/meeting_token.json")
    if path[0].startswith("transcript"):
        return _daily_transcripts(request, path)
    if request.method == "DELETE":
        return json.dumps({"deleted": True, "name": path[1]}).encode()
    asked: dict[str, Any] = request.json() if request.method == "POST" else {"name": path[1]}
    room = json.loads(sample("daily/room.json"))
    room |= {"name": asked["name"], "url": f"https://team.daily.co/{asked['name']}"}
    return json.dumps(room | {"config": {"exp": int(time.time()) + 3600}}).encode()


def _daily_transcripts(request: Request, path: list[str]) -> bytes:
    """A list of one finished transcript, the link to its file, or its deletion."""
    if request.method == "DELETE":
        return sample("daily/transcript_deleted.json")
    if path[-1] == "access-link":
        link = f"http://{request.headers['host']}/daily/transcript-files/{path[1]}"
        return json.dumps({"transcriptId": path[1], "link": link}).encode()
    finished = json.loads(sample("daily/transcripts.json"))["data"][-1]
    return json.dumps({"total_count": 1, "data": [finished]}).encode()
