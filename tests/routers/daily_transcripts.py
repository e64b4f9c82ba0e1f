"""Daily's transcripts of a room, mocked at the wire."""

import re
from collections.abc import Mapping
from typing import Any

import httpx
import respx

from tests.support.interviews import DAILY, sample

ROOM_ID: str = sample("daily/room.json")["id"]
"""The id of every room that `mock_daily` creates."""
NOT_STORED = 'Transcriptions not stored for this room, consider "enable_transcription_storage"'


def item(transcript_id: str, **changes: Any) -> dict[str, Any]:
    """A finished transcript as Daily lists it."""
    finished = {"status": "t_finished", "isVttAvailable": True, "created_at": "2026-11-23T10:00:00.000Z"}
    return {"transcriptId": transcript_id, "roomId": ROOM_ID} | finished | changes


def webvtt(*lines: tuple[str, str]) -> str:
    """The lines as Daily writes them, one each five seconds: the name with a colon inside the voice tag."""
    cues = [
        f"transcript:{place}\n00:00:{5 * place:02}.000 --> 00:00:{5 * place + 4:02}.000\n<v>{name}:</v>{text}\n"
        for place, (name, text) in enumerate(lines)
    ]
    return "\n".join(["WEBVTT\n", *cues])


INTERVIEW = webvtt(
    ("Ada", "What did you build at Remington Rand?"),
    (
        "Grace Hopper",
        "I led the migration of the payroll programs to our new compiler, and it cut the run time by half.",
    ),
    ("Ada", "And what did you teach?"),
    ("Grace Hopper", "I taught two classes a week, and three of my students wrote parts of the next release."),
)


def mock_transcripts(
    vendors: respx.MockRouter,
    *items: dict[str, Any],
    files: Mapping[str, str | None] | None = None,
    is_stored: bool = True,
) -> respx.Route:
    """Daily lists these transcripts of the room, newest first; returns the route of the list.

    `files` are WebVTT by id, None for one that is refused; others are `INTERVIEW`. Without `is_stored` the links are
    sentences.
    """
    texts = files or {}

    def link(request: httpx.Request) -> httpx.Response:
        transcript_id = request.url.path.split("/")[-2]
        url = f"https://files.example/{transcript_id}" if is_stored else NOT_STORED
        return httpx.Response(200, json={"transcriptId": transcript_id, "link": url})

    def download(request: httpx.Request) -> httpx.Response:
        text = texts.get(request.url.path.strip("/"), INTERVIEW)
        return httpx.Response(403) if text is None else httpx.Response(200, text=text)

    vendors.get(url__regex=rf"{re.escape(DAILY)}/transcript/[^/]+/access-link$").mock(side_effect=link)
    vendors.get(url__startswith="https://files.example/").mock(side_effect=download)
    listed = {"total_count": len(items), "data": list(items)}
    return vendors.get(f"{DAILY}/transcript").respond(json=listed)
