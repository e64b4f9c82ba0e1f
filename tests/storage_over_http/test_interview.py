"""The same interview gets the same responses over every storage."""

import json
import re

import httpx
import pytest

from tests.storage_over_http.conftest import UNLIMITED
from tests.support.api_server import api_server
from tests.support.interviews import BRIEFING, TRANSCRIPT
from tests.support.waiting import LIMIT_SECONDS

KEY = {"Idempotency-Key": "the-first-try"}
GRACE = {"participant_name": "Grace Hopper", "participant_type": "candidate"}
ADA = {"participant_name": "Ada", "participant_type": "interviewer"}
CHANGING = (
    (r"\d{4}-\d\d-\d\dT[\d:.]+Z", "TIME"),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d", "TIME"),
    (r'token":"[^"]+', 'token":"TOKEN'),
    (r"data-[0-9a-f]{16}", "data-NONCE"),
)


class Conversation:
    """An interview, and its responses without what differs between two interviews."""

    def __init__(self, client: httpx.Client) -> None:
        self.client = client
        self.name = "-"
        self.answers: list[tuple[str, int, str, str | None]] = []

    def say(self, method, path, body=None, **headers):
        answer = self.client.request(method, f"/api/rooms{path}", json=body, headers=headers)
        replayed = answer.headers.get("idempotency-replayed")
        if path == "" and self.name == "-":
            self.name = answer.json()["room_name"]
        text = answer.text.replace(self.name, "ROOM")
        for pattern, word in CHANGING:
            text = re.sub(pattern, word, text)
        if answer.is_error:
            text = json.loads(text)["code"]
        self.answers.append((f"{method} {path.replace(self.name, 'ROOM')}", answer.status_code, text, replayed))
        return answer

    def hold_the_interview(self):
        self.say("POST", "", {"interviewer_name": "Ada", "candidate_name": "Grace"}, **KEY)
        self.say("POST", "", {"interviewer_name": "Ada", "candidate_name": "Grace"}, **KEY)
        self.say("POST", "", {"interviewer_name": "Bob"}, **KEY)
        room = f"/{self.name}"
        self.say("GET", room)
        self.say("POST", f"{room}/join", GRACE)
        self.say("POST", f"{room}/join", ADA)
        self.say("GET", f"{room}/briefing")
        self.say("POST", f"{room}/briefing", BRIEFING | {"notes": "An earlier thought \u0001 \U0001f600"})
        self.say("POST", f"{room}/briefing", BRIEFING)
        self.say("GET", f"{room}/briefing")
        self.say("GET", f"{room}/transcript")
        line = {"id": "1", "speaker": "Grace Hopper", "text": "I wrote a compiler."}
        self.say("POST", f"{room}/transcript/segments", {"segments": [line, line | {"id": "2"}]})
        self.say("GET", f"{room}/transcript")
        self.say("PUT", f"{room}/transcript", {"transcript": TRANSCRIPT})
        self.say("POST", f"{room}/transcript/segments", {"segments": [line]})
        self.say("POST", f"{room}/transcript/fetch")
        self.say("GET", f"{room}/transcript", Accept="text/vtt")
        self.say("POST", f"{room}/chat", {"message": "What should I ask about compilers?"})
        self.say("POST", f"{room}/chat", {"message": "And then?"})
        self.say("GET", f"{room}/chat")
        self.say("GET", f"{room}/debrief")
        self.say("POST", f"{room}/debrief", {"transcript": TRANSCRIPT})
        self.say("POST", f"{room}/debrief", {"transcript": TRANSCRIPT})
        self.say("POST", f"{room}/debrief?regenerate=true", {"transcript": TRANSCRIPT}, **KEY)
        self.say("POST", f"{room}/debrief?regenerate=true", {"transcript": TRANSCRIPT}, **KEY)
        for kind in ("application/json", "text/markdown", "text/html"):
            self.say("GET", f"{room}/debrief", Accept=kind)
        self.say("DELETE", room)
        for path in ("", "/briefing", "/chat", "/debrief"):
            self.say("GET", f"{room}{path}")
        self.say("POST", f"{room}/briefing", BRIEFING)
        self.say("DELETE", room)


def hold_interview(url):
    with httpx.Client(base_url=url, trust_env=False, timeout=LIMIT_SECONDS) as client:
        conversation = Conversation(client)
        conversation.hold_the_interview()
    return conversation.answers


@pytest.fixture(scope="module")
def on_memory(tmp_path_factory):
    with api_server(tmp_path_factory.mktemp("memory"), SANDBOX="true", **UNLIMITED) as url:
        return hold_interview(url)


def test_interview_in_memory_goes_from_room_to_receipt(on_memory):
    statuses = [status for _, status, _, _ in on_memory]
    receipt = on_memory[-7]

    assert statuses == [
        *(201, 201, 422, 200, 200, 200, 404, 200, 200, 200),
        *(404, 200, 200, 200, 409, 409, 200),
        *(200, 200, 200, 404, *[200] * 8, *[404] * 5, 200),
    ]
    counts = {kind: count for kind, count in json.loads(receipt[2])["deleted"].items() if count}
    assert counts == {
        "room": 1,
        "participants": 1,
        "briefing": 1,
        "transcripts": 1,
        "debriefs": 2,
        "chat_turns": 4,
        "idempotency_keys": 2,
    }
    assert [replayed for *_, replayed in on_memory].count("true") == 2


@pytest.mark.parametrize("database", ["sqlite", "postgresql", "pgbouncer"], indirect=True)
def test_interview_in_a_database_gets_the_same_responses_as_in_memory(serve, database, on_memory):
    server = serve(database)

    assert hold_interview(server.url) == on_memory
