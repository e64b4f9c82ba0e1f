"""Recorded vendor responses, and the first steps of an interview."""

import json
from pathlib import Path
from typing import Any

import httpx
import respx
from fastapi.testclient import TestClient

SAMPLES = Path(__file__).parent.parent / "data"

DAILY = "https://api.daily.co/v1"
COMPLETIONS = "https://openrouter.ai/api/v1/chat/completions"

BRIEFING = {
    "candidate_name": "Grace Hopper",
    "role": "Compiler engineer",
    "resume_summary": "Wrote the A-0 linker in 1952. Led the team that specified FLOW-MATIC.",
    "notes": "We need an engineer who has shipped a compiler.",
    "focus_areas": ["Compilers", "Mentoring"],
}

TRANSCRIPT = """\
Interviewer: What did you build at Remington Rand?
Candidate: I led the migration of the payroll programs to our new compiler, and it cut the run time by 40 percent.
Interviewer: You clearly mentored everybody there.
Candidate: I taught two classes a week, and three of my students wrote parts of the next release."""


def sample(name: str) -> Any:
    """A recorded vendor response, from `tests/data`."""
    return json.loads((SAMPLES / name).read_text())


def mock_daily(vendors: respx.MockRouter) -> None:
    """Daily creates every room that it is asked for, stores none, and has no transcripts."""

    def create(request: httpx.Request) -> httpx.Response:
        asked = json.loads(request.content)
        room = sample("daily/room.json") | {"name": asked["name"], "url": f"https://team.daily.co/{asked['name']}"}
        return httpx.Response(200, json=room | {"config": asked["properties"]})

    vendors.post(f"{DAILY}/rooms").mock(side_effect=create)
    vendors.post(f"{DAILY}/meeting-tokens").respond(json={"token": "daily-token"})
    vendors.delete(url__startswith=f"{DAILY}/rooms/").respond(json={"deleted": True, "name": "room"})
    vendors.get(url__startswith=f"{DAILY}/rooms/").respond(404, json={"error": "not-found"})
    vendors.get(f"{DAILY}/transcript").respond(json={"total_count": 0, "data": []})


def completion(content: str, **changes: Any) -> dict[str, Any]:
    """The response of a language model."""
    return {
        "id": "gen-1",
        "model": "openai/gpt-4o-mini",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": content}}],
        "usage": {"prompt_tokens": 120, "completion_tokens": 30, "total_tokens": 150, "cost": 0.00012},
    } | changes


def sent_to(vendors: respx.MockRouter, url: str) -> list[dict[str, Any]]:
    """The JSON bodies that were sent to this URL, in order."""
    return [json.loads(call.request.content) for call in vendors.calls if str(call.request.url) == url]


def open_room(client: TestClient, **changes: Any) -> str:
    """Open a room; returns its name."""
    answer = client.post("/api/rooms", json={"interviewer_name": "Ada"} | changes)
    assert answer.status_code == 201, answer.text
    name: str = answer.json()["room_name"]
    return name


def open_briefed_room(client: TestClient, **changes: Any) -> str:
    """Open a room with a briefing; returns its name."""
    name = open_room(client)
    answer = client.post(f"/api/rooms/{name}/briefing", json=BRIEFING | changes)
    assert answer.status_code == 200, answer.text
    return name
