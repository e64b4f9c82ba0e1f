"""An interview that the emulated Daily has transcribed, over HTTP."""

import time
from collections.abc import Callable

from fastapi.testclient import TestClient

from services.sandbox.daily_transcripts import Call, Transcript
from tests.support.clock import ManualClock
from tests.support.interviews import open_room

INTERVIEWER = "Jonas Weber"
CANDIDATE = "Maya Lindqvist"
FOCUS_AREAS = ["System design", "Incident response", "Testing", "Working with product", "Mentoring", "Kubernetes"]


def test_words_of_the_emulated_interview_make_a_debrief_with_quotes_of_the_candidate(sandbox: TestClient) -> None:
    room = open_room(sandbox, interviewer_name=INTERVIEWER, candidate_name=CANDIDATE)
    briefing = {"candidate_name": CANDIDATE, "focus_areas": FOCUS_AREAS}
    assert sandbox.post(f"/api/rooms/{room}/briefing", json=briefing).status_code == 200
    transcript = Transcript("room-1", Call(INTERVIEWER, CANDIDATE, time.time()), time.time()).webvtt()

    debrief = sandbox.post(f"/api/rooms/{room}/debrief", json={"transcript": transcript}).json()

    quotes = [quote for claim in debrief["evidence"] for quote in claim["quotes"]]
    assert debrief["basis"] == "transcript"
    assert debrief["recommendation"] != "N/A"
    assert len(debrief["strengths"]) >= 3
    assert len(debrief["improvements"]) >= 1
    assert {quote["speaker"] for quote in quotes} == {"candidate"}


def test_interview_of_the_web_page_ends_in_a_debrief_with_quotes(
    start: Callable[..., TestClient], clock: ManualClock
) -> None:
    """The page's own calls, field by field: it sends no transcript, and its chat history is always empty."""
    client = start(sandbox=True, daily_transcription=True)
    opened = client.post("/api/rooms", json={"interviewer_name": INTERVIEWER, "expires_in_minutes": 60}).json()
    room = opened["room_name"]
    assert client.get(f"/api/rooms/{room}").json()["created_by"] == INTERVIEWER
    briefing = {
        "candidate_name": CANDIDATE,
        "role": "Backend engineer",
        "resume_summary": "Moved a shop's search to an index for each country.",
        "notes": "We run a shop in eleven countries.",
        "focus_areas": FOCUS_AREAS,
    }
    assert client.post(f"/api/rooms/{room}/briefing", json=briefing).json()["briefing_prompt"]
    for name, kind in ((CANDIDATE, "candidate"), (INTERVIEWER, "interviewer")):
        joined = client.post(f"/api/rooms/{room}/join", json={"participant_name": name, "participant_type": kind})
        assert set(joined.json()) == {"token", "room_url", "expires_at"}
    question = {"message": "What should I ask next?", "context": briefing["resume_summary"], "history": []}
    assert client.post(f"/api/rooms/{room}/chat", json=question).json()["response"]
    clock.advance(minutes=30)

    debrief = client.post(f"/api/rooms/{room}/debrief", json={"chat_history": [], "notes": ""}).json()

    quotes = [quote for claim in debrief["evidence"] for quote in claim["quotes"]]
    assert debrief["basis"] == "transcript"
    assert debrief["recommendation"] != "N/A"
    assert debrief["strengths"]
    assert debrief["original_briefing"]["candidate_name"] == CANDIDATE
    assert {(quote["source"], quote["speaker"]) for quote in quotes} == {("transcript", "candidate")}


def test_joined_room_of_the_sandbox_has_a_transcript_to_fetch(
    start: Callable[..., TestClient], clock: ManualClock
) -> None:
    client = start(sandbox=True, daily_transcription=True)
    room = open_room(client, interviewer_name=INTERVIEWER, candidate_name=CANDIDATE)
    client.post(f"/api/rooms/{room}/join", json={"participant_name": CANDIDATE, "participant_type": "candidate"})

    early = client.post(f"/api/rooms/{room}/transcript/fetch")
    clock.advance(seconds=10)
    fetched = client.post(f"/api/rooms/{room}/transcript/fetch")

    assert (early.status_code, early.headers["retry-after"]) == (202, "5")
    assert {speaker["label"]: speaker["role"] for speaker in fetched.json()["speakers"]} == {
        INTERVIEWER: "interviewer",
        CANDIDATE: "candidate",
    }
