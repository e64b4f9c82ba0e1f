"""The cases from public reports about model servers, over HTTP, with a server that answers as the case says."""

import json
import re
from pathlib import Path

import pytest

from tests.support.event_streams import events
from tests.support.interviews import mock_daily
from tests.support.model_server import model_server

CASES = Path(__file__).parent.parent / "data" / "cases"
MODEL_SERVER_CASES = {
    case["id"]: case for case in json.loads((CASES / "cases.json").read_text()) if case["id"].startswith("L")
}


def rules_of(case):
    """The server's rules with the model's answer filled in."""
    answer = json.dumps(case.get("model_answer"), ensure_ascii=False)
    return [
        rule | ({"content": rule["content"].replace("$ANSWER", answer)} if "content" in rule else {})
        for rule in case["server"]
    ]


def call(client, case):
    room = {name: value for name, value in case["room"].items() if value is not None}
    name = client.post("/api/rooms", json=room).json()["room_name"]
    if case.get("call", "debrief") == "debrief":
        transcript = (CASES / case["files"]["transcript"]).read_text()
        return client.post(f"/api/rooms/{name}/debrief", json={"transcript": transcript})
    headers = {"accept": "text/event-stream"} if case["call"] == "chat-sse" else {}
    return client.post(f"/api/rooms/{name}/chat", json=case["request"], headers=headers)


@pytest.mark.parametrize("case", MODEL_SERVER_CASES.values(), ids=MODEL_SERVER_CASES)
def test_case_of_a_model_server_holds(start, vendors, case):
    mock_daily(vendors)
    vendors.route(host="127.0.0.1").pass_through()
    expected = case["expected"]

    with model_server(*rules_of(case)) as model:
        answer = call(start(openrouter_base_url=model.url, openrouter_api_key=None), case)

    assert answer.status_code == expected["status"], answer.text
    assert len(model.requests) <= expected.get("model_calls_at_most", 10)
    if "code" in expected:
        assert answer.json()["code"] == expected["code"]
        assert re.search(expected.get("detail", ""), answer.json()["detail"], re.IGNORECASE)
    if "ratings" in expected:
        check_debrief(answer.json(), expected)
    if "response" in expected:
        check_chat(answer, expected)
    for word in expected.get("last_request_names", ()):
        assert word in json.dumps(model.requests[-1]["messages"])
    if expected.get("second_cap_is_larger"):
        first, second = (request["max_tokens"] for request in model.requests[:2])
        assert second > first


def check_debrief(debrief, expected):
    quotes = [quote["text"] for entry in debrief["evidence"] + debrief["scorecard"] for quote in entry["quotes"]]
    assert [row["rating"] for row in debrief["scorecard"]] == expected["ratings"]
    assert all(any(words in quote for quote in quotes) for words in expected["evidence"]["must"])


def check_chat(answer, expected):
    if "last_event" in expected:
        *pieces, (last, done) = events(answer)
        assert last == expected["last_event"]
        assert "".join(piece["text"] for _, piece in pieces) == done["response"] == expected["response"]
    else:
        assert answer.json()["response"] == expected["response"]
    assert not any(words in answer.text for words in expected["never_shown"])
