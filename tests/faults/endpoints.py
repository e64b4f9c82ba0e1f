"""Calls to the service, each with the vendor call on which it depends."""

import re
from typing import Any, NamedTuple

import httpx

CALL_ID = "8ef1b2f4-7f43-4a3c-9a37-5d0c3b8f1e11"
BRIEFING = {"candidate_name": "Grace", "resume_summary": "Wrote a compiler.", "focus_areas": ["Compilers", "Teaching"]}
RECORD = {
    "transcript": "Interviewer: What did you build?\nCandidate: I built a compiler and taught two classes. "
    "I measured every step of it with two people from the finance team."
}


class Endpoint(NamedTuple):
    """A call to the service. Fails when the vendor call fails that matches `target`."""

    target: re.Pattern[str]
    path: str
    method: str = "POST"
    body: Any = None
    is_stream: bool = False
    success: int = 200


ENDPOINTS = {
    "create room": Endpoint(
        re.compile("POST /daily/rooms"), "/api/rooms", body={"interviewer_name": "Ada"}, success=201
    ),
    "create room's token": Endpoint(
        re.compile("POST /daily/meeting-tokens"), "/api/rooms", body={"interviewer_name": "Ada"}, success=201
    ),
    "get room": Endpoint(re.compile("GET /daily/rooms/"), "/api/rooms/{forgotten}", "GET"),
    "join room": Endpoint(
        re.compile("POST /daily/meeting-tokens"),
        "/api/rooms/{room}/join",
        body={"participant_name": "Grace", "participant_type": "candidate"},
    ),
    "delete room": Endpoint(re.compile("DELETE /daily/rooms/"), "/api/rooms/{room}", "DELETE"),
    "delete transcripts": Endpoint(re.compile(r"GET /daily/transcript\?"), "/api/rooms/{room}", "DELETE"),
    "list transcripts": Endpoint(re.compile(r"GET /daily/transcript\?"), "/api/rooms/{room}/transcript/fetch"),
    "link transcript": Endpoint(re.compile("GET /daily/transcript/"), "/api/rooms/{room}/transcript/fetch"),
    "download transcript": Endpoint(re.compile("GET /daily/transcript-files/"), "/api/rooms/{room}/transcript/fetch"),
    "adopt for a briefing": Endpoint(re.compile("GET /daily/rooms/"), "/api/rooms/{forgotten}/briefing", body=BRIEFING),
    "chat": Endpoint(re.compile("POST /openrouter/"), "/api/rooms/{room}/chat", body={"message": "What next?"}),
    "chat stream": Endpoint(
        re.compile("POST /openrouter/"), "/api/rooms/{room}/chat", body={"message": "What next?"}, is_stream=True
    ),
    "debrief": Endpoint(re.compile("POST /openrouter/"), "/api/rooms/{room}/debrief?regenerate=true", body=RECORD),
    "debrief stream": Endpoint(
        re.compile("POST /openrouter/"), "/api/rooms/{room}/debrief?regenerate=true", body=RECORD, is_stream=True
    ),
    "plan": Endpoint(re.compile("POST /openrouter/"), "/api/rooms/{room}/plan", body={"minutes": 30}),
    "plan stream": Endpoint(
        re.compile("POST /openrouter/"), "/api/rooms/{room}/plan", body={"minutes": 30}, is_stream=True
    ),
    "realtime token": Endpoint(re.compile("POST /openai/"), "/api/rooms/{room}/realtime/token", success=201),
    "realtime session": Endpoint(
        re.compile("POST /openai/"), "/api/realtime/session", body={"candidate_name": "Grace"}
    ),
    "place phone call": Endpoint(
        re.compile("POST /vapi/call"),
        "/api/rooms/{room}/briefing/call",
        body={"phone_number": "+14155550100"},
        success=202,
    ),
    "get phone call": Endpoint(re.compile("GET /vapi/call/"), "/api/rooms/{room}/briefing/call/" + CALL_ID, "GET"),
}


async def open_briefed_room(client: httpx.AsyncClient) -> str:
    """The name of a new room with a briefing."""
    answer = await client.post("/api/rooms", json={"interviewer_name": "Ada"})
    name: str = answer.json()["room_name"]
    await client.post(f"/api/rooms/{name}/briefing", json=BRIEFING)
    return name
