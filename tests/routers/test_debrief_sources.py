"""What a debrief and a chat are made of where the request leaves it out, over HTTP with vendors mocked at the wire."""

import json

import httpx
import pytest

from tests.routers.daily_transcripts import item, mock_transcripts
from tests.routers.debrief_calls import reading
from tests.support.interviews import BRIEFING, COMPLETIONS, DAILY, TRANSCRIPT, completion, open_briefed_room, sent_to

pytestmark = pytest.mark.usefixtures("daily")

IN_PROGRESS = item("one", status="t_in_progress", isVttAvailable=False)


def debrief(client, name, **body):
    answer = client.post(f"/api/rooms/{name}/debrief", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def prompt(vendors):
    return json.dumps(sent_to(vendors, COMPLETIONS)[-1]["messages"])


def store(client, name, **body):
    assert client.put(f"/api/rooms/{name}/transcript", json={"transcript": TRANSCRIPT} | body).status_code == 200


@pytest.fixture
def room(client):
    return open_briefed_room(client)


@pytest.fixture
def transcribing(start):
    return start(daily_transcription=True)


@pytest.mark.parametrize("sent", [{}, {"transcript": None}, {"transcript": ""}, {"transcript": []}])
def test_stored_transcript_is_used_where_none_is_sent(client, model, room, sent):
    model(reading())
    store(client, room)

    made = debrief(client, room, **sent)

    assert (made["basis"], made["strengths"]) == ("transcript", ["Led a migration"])


def test_stored_lines_are_used_where_no_transcript_is_sent(client, model, room):
    model(reading())
    lines = [line.split(": ", 1) for line in TRANSCRIPT.splitlines()]
    segments = [{"id": str(place), "speaker": name, "text": text} for place, (name, text) in enumerate(lines)]
    client.post(f"/api/rooms/{room}/transcript/segments", json={"segments": segments})

    assert debrief(client, room)["strengths"] == ["Led a migration"]


def test_sent_transcript_wins_over_the_stored_one(client, model, vendors, room):
    model(reading())
    store(client, room, transcript="Candidate: Something else entirely.")

    debrief(client, room, transcript=TRANSCRIPT)

    assert "Remington" in prompt(vendors)
    assert "Something else" not in prompt(vendors)


def test_roles_that_are_stored_and_sent_are_used_together(client, model, room):
    model(reading())
    text = TRANSCRIPT.replace("Interviewer:", "Uma:").replace("Candidate:", "Tom:")
    store(client, room, transcript=text, speakers={"Uma": "candidate"})

    made = debrief(client, room, speakers={"Uma": "interviewer", "Tom": "candidate"})

    assert {speaker["label"]: speaker["role"] for speaker in made["speakers"]} == {
        "Uma": "interviewer",
        "Tom": "candidate",
    }


def test_another_stored_transcript_is_another_input(client, model, room):
    asked = model(reading())
    store(client, room)
    first = debrief(client, room)
    assert debrief(client, room)["version"] == first["version"]

    store(client, room, transcript=f"{TRANSCRIPT}\nInterviewer: Thank you.")

    assert debrief(client, room)["version"] == first["version"] + 1
    assert asked.call_count == 2


def test_stored_sidebar_is_context_where_no_chat_is_sent(client, model, vendors, room):
    vendors.post(COMPLETIONS).respond(json=completion("Ask about the linker."))
    client.post(f"/api/rooms/{room}/chat", json={"message": "What about FLOW-MATIC?"})
    model(reading())

    made = debrief(client, room, transcript=TRANSCRIPT, chat_history=[])

    assert "What about FLOW-MATIC?" in prompt(vendors)
    assert "Ask about the linker." in prompt(vendors)
    assert all(quote["source"] == "transcript" for claim in made["evidence"] for quote in claim["quotes"])


def test_sent_chat_wins_over_the_stored_sidebar(client, model, vendors, room):
    vendors.post(COMPLETIONS).respond(json=completion("Ask about the linker."))
    client.post(f"/api/rooms/{room}/chat", json={"message": "What about FLOW-MATIC?"})
    model(reading())

    debrief(client, room, transcript=TRANSCRIPT, chat_history=[{"role": "user", "content": "Sent by the client"}])

    assert "Sent by the client" in prompt(vendors)
    assert "FLOW-MATIC?" not in prompt(vendors)


@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
def test_chat_reads_the_stored_transcript(client, vendors, room, accept):
    vendors.post(COMPLETIONS).respond(json=completion("Ask about the linker."))
    store(client, room)

    client.post(f"/api/rooms/{room}/chat", json={"message": "What next?"}, headers={"accept": accept})

    assert "Remington Rand" in prompt(vendors)


def test_transcript_is_pulled_from_daily_where_calls_are_transcribed(transcribing, model, vendors):
    model(reading())
    mock_transcripts(vendors, item("one"))
    room = open_briefed_room(transcribing)

    made = debrief(transcribing, room)

    assert (made["basis"], made["strengths"]) == ("transcript", ["Led a migration"])
    assert transcribing.get(f"/api/rooms/{room}/transcript").json()["source"] == "daily"


def test_transcript_that_is_finished_meanwhile_is_waited_for(transcribing, model, vendors, clock):
    model(reading())
    pages = [{"total_count": 1, "data": [one]} for one in (IN_PROGRESS, item("one"))]
    mock_transcripts(vendors).mock(side_effect=[httpx.Response(200, json=page) for page in pages])
    room = open_briefed_room(transcribing)

    with transcribing.stream(
        "POST", f"/api/rooms/{room}/debrief", json={}, headers={"accept": "text/event-stream"}
    ) as stream:
        events = "".join(stream.iter_text())

    stages = [json.loads(line[6:]) for line in events.splitlines() if line.startswith("data: ")]
    assert [stage["stage"] for stage in stages[:3]] == ["fetching", "waiting", "reading"]
    assert stages[-1]["basis"] == "transcript"


@pytest.fixture
def writing(daily, vendors, clock):
    """Daily is writing the transcript for longer than anybody waits: each look takes fifteen seconds."""

    def look(_request):
        clock.advance(seconds=15)
        return httpx.Response(200, json={"total_count": 1, "data": [IN_PROGRESS]})

    return mock_transcripts(vendors).mock(side_effect=look)


def test_debrief_says_that_daily_is_still_writing_and_stores_nothing(transcribing, vendors, writing):
    room = open_briefed_room(transcribing)
    headers = {"Idempotency-Key": "one-key"}

    made = transcribing.post(f"/api/rooms/{room}/debrief", json={}, headers=headers).json()

    assert "still writing" in made["summary"]
    assert (made["basis"], made["recommendation"], made["strengths"]) == ("none", "N/A", [])
    assert writing.call_count == 2
    assert transcribing.get(f"/api/rooms/{room}/debrief").status_code == 404
    assert not [call for call in vendors.calls if str(call.request.url) == COMPLETIONS]
    again = transcribing.post(f"/api/rooms/{room}/debrief", json={}, headers=headers)
    assert "idempotency-replayed" not in again.headers


@pytest.mark.usefixtures("writing")
def test_debrief_of_notes_warns_that_daily_is_still_writing(transcribing, model):
    model(reading())
    room = open_briefed_room(transcribing)

    made = debrief(transcribing, room, notes="She taught two classes a week, and well.")

    assert made["basis"] == "notes"
    assert any("still writing" in warning for warning in made["warnings"])


def test_failure_of_daily_is_a_warning_beside_notes_and_the_summary_of_nothing(transcribing, model, vendors):
    model(reading())
    vendors.get(f"{DAILY}/transcript").respond(403, json={"error": "forbidden"})
    room = open_briefed_room(transcribing)

    noted, empty = debrief(transcribing, room, notes="She taught well."), debrief(transcribing, room)

    assert any("could not be fetched" in warning for warning in noted["warnings"])
    assert "could not be fetched" in empty["summary"]


def test_daily_is_not_asked_where_calls_are_not_transcribed(client, vendors, room):
    listed = mock_transcripts(vendors, item("one"))

    assert debrief(client, room)["basis"] == "none"
    assert not listed.called


def test_transcript_from_the_client_is_never_replaced_by_a_debrief(transcribing, model, vendors):
    model(reading())
    listed = mock_transcripts(vendors, item("one"))
    room = open_briefed_room(transcribing)
    store(transcribing, room)

    debrief(transcribing, room)

    assert not listed.called
    assert transcribing.get(f"/api/rooms/{room}/transcript").json()["source"] == "client"


def test_name_of_a_candidates_token_makes_its_words_evidence(client, model):
    model(reading())
    room = open_briefed_room(client, **BRIEFING | {"candidate_name": "Dr. G. Hopper"})
    text = TRANSCRIPT.replace("Candidate:", "Amazing Grace:").replace("Interviewer:", "Ada:")
    before = debrief(client, room, transcript=text)

    client.post(f"/api/rooms/{room}/join", json={"participant_name": "Amazing Grace", "participant_type": "candidate"})

    assert before["recommendation"] == "N/A"
    assert debrief(client, room, transcript=text)["strengths"] == ["Led a migration"]
