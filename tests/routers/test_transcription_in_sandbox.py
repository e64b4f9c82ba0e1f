"""An interview that the emulated Daily has transcribed, over HTTP."""

import time

from fastapi.testclient import TestClient

from services.sandbox.daily_transcripts import Call, Transcript
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
