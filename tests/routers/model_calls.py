"""Requests of the service to a model server, and what a scripted server answers to them."""

import json

from tests.support.event_streams import events
from tests.support.interviews import TRANSCRIPT, open_briefed_room

LED = "I led the migration of the payroll programs to our new compiler, and it cut the run time by 40 percent."
QUOTE = {"source": "transcript", "turn": 2, "quote": LED}
ANSWER = {
    "summary": [{"text": "She led a migration.", "evidence": [QUOTE]}],
    "claims": [{"claim": "Led a migration", "kind": "strength", "evidence": [QUOTE]}],
    "ratings": {"1": {"evidence": [QUOTE], "rationale": "Led it.", "rating": 4}},
    "follow_up_questions": ["How was it measured?"],
}
AS_JSON = json.dumps(ANSWER)
DEBRIEF = {"content": AS_JSON}


def debrief(client, name=None, **body):
    name = name or open_briefed_room(client)
    return client.post(f"/api/rooms/{name}/debrief", json={"transcript": TRANSCRIPT} | body)


def chat(client, name=None, *, accept="application/json", **body):
    name = name or open_briefed_room(client)
    body = {"message": "What should I ask?"} | body
    return client.post(f"/api/rooms/{name}/chat", json=body, headers={"accept": accept})


def stream(client, name=None, **body):
    return events(chat(client, name, accept="text/event-stream", **body))


def prompt(request):
    return "\n".join(f"{message['role']}: {message['content']}" for message in request["messages"])


def formats(model):
    return [request.get("response_format", {}).get("type") for request in model.requests]


def refuses(parameter, value=None, **body):
    """A rule that refuses a value of a parameter."""
    return {
        "if": {parameter: value},
        "status": 400,
        "json": body or {"error": {"message": f"{parameter} is not supported"}},
    }


LONG = "\n".join(
    f"Interviewer: question {n}?\nCandidate: a longer answer about payroll, number {n}, and more." for n in range(400)
)
