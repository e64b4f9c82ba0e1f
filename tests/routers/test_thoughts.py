"""Thoughts of models: never shown, stored or sent back, whatever form they have."""

import json

import pytest

from tests.routers.model_calls import DEBRIEF, chat, debrief, prompt, stream
from tests.support.interviews import open_briefed_room
from tests.support.model_server import deltas

THOUGHT = "She seems weak."


def test_unusable_answer_is_sent_back_without_its_thoughts(serve):
    client, model = serve({"times": 1, "content": f"<think>{THOUGHT}</think>I would say it went well."}, DEBRIEF)

    assert debrief(client).status_code == 200
    *_, answer, task = model.requests[1]["messages"]
    assert answer == {"role": "assistant", "content": "I would say it went well."}
    assert "could not be used" in task["content"]


def test_answer_with_only_thoughts_is_requested_again(serve):
    client, model = serve({"times": 1, "content": f"<think>{THOUGHT}</think>"}, DEBRIEF)

    assert debrief(client).status_code == 200
    assert model.requests[1]["messages"] == model.requests[0]["messages"]


THINKING = f"<think>\n{THOUGHT}\n</think>\n\nAsk about scale."


def test_thoughts_are_neither_shown_nor_stored(serve):
    client, _ = serve({"content": THINKING})
    name = open_briefed_room(client)

    answer = chat(client, name)

    assert answer.json()["response"] == "Ask about scale."
    assert THOUGHT not in client.get(f"/api/rooms/{name}/chat").text


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 11, 64])
def test_streamed_thoughts_are_not_shown_however_they_are_cut(serve, size):
    pieces = [THINKING[start : start + size] for start in range(0, len(THINKING), size)]
    client, _ = serve({"content": "Hello.", "times": 1}, {"sse": deltas(*pieces)})
    name = open_briefed_room(client)
    chat(client, name)

    *shown, (_, done) = stream(client, name)

    assert "".join(piece["text"] for _, piece in shown) == done["response"] == "Ask about scale."
    assert THOUGHT not in client.get(f"/api/rooms/{name}/chat").text


def test_thoughts_in_a_clients_history_are_not_sent_back(serve):
    client, model = serve({"if": {"response_format.type": "json_schema"}, **DEBRIEF}, {"content": "Hello."})
    history = [
        {"role": "user", "content": "How do I begin?"},
        {"role": "assistant", "content": THINKING},
        {"role": "assistant", "content": f"<think>{THOUGHT}</think>"},
    ]

    chat(client, history=history)
    debrief(client, chat_history=history)

    assert len(model.requests) == 2
    assert all("Ask about scale." in prompt(request) for request in model.requests)
    assert not any(THOUGHT in prompt(request) for request in model.requests)


def test_thoughts_before_a_closing_tag_alone_are_not_shown(serve):
    client, _ = serve({"sse": deltas("She seems", " weak.\n</th", "ink>\n\n", "Ask about ", "scale.")})

    for _ in range(2):
        *shown, (_, done) = stream(client)
        assert "".join(piece["text"] for _, piece in shown) == done["response"] == "Ask about scale."


def test_stream_is_held_back_until_a_server_is_known_not_to_mix_in_thoughts(serve):
    breaks_off = {"sse": deltas("Ask ", "about ", "scale."), "hangs_after": 2}
    client, _ = serve(
        breaks_off | {"times": 1}, {"content": "Hello.", "times": 1}, breaks_off, llm_idle_timeout_seconds=0.4
    )

    before = chat(client, accept="text/event-stream")
    chat(client)
    after = stream(client)

    assert before.status_code == 504
    assert "".join(data["text"] for kind, data in after if kind == "delta") == "Ask about "
    assert after[-1][0] == "error"


@pytest.mark.parametrize("field", ["reasoning", "reasoning_content"])
def test_thoughts_in_a_field_of_their_own_are_ignored(serve, field):
    chunk = {"choices": [{"index": 0, "delta": {"content": None, field: THOUGHT}, "finish_reason": None}]}
    first, second, *_ = deltas("Ask ", "about scale.")
    pieces = [first, f"data: {json.dumps(chunk)}\n\n", second]
    client, _ = serve({"sse": pieces, "hangs_after": 3}, llm_idle_timeout_seconds=0.4)

    events = stream(client)

    assert "".join(data["text"] for kind, data in events if kind == "delta") == "Ask about scale."
    assert THOUGHT not in json.dumps(events)


ONLY_THOUGHTS = {"choices": [{"finish_reason": "length", "message": {"content": None, "reasoning": THOUGHT}}]}


def test_answer_spent_on_thinking_is_requested_again_with_a_larger_cap(serve):
    client, model = serve({"times": 1, "json": ONLY_THOUGHTS}, {"content": "Ask about scale."})

    assert chat(client).json()["response"] == "Ask about scale."
    assert model.requests[1]["max_tokens"] > model.requests[0]["max_tokens"]


def test_stream_spent_on_thinking_is_requested_again_with_a_larger_cap(serve):
    spent = deltas("<think>", THOUGHT, finish_reason="length", usage={"total_tokens": 100})
    client, model = serve({"times": 1, "sse": spent}, {"sse": deltas("Ask about scale.", usage={"total_tokens": 20})})

    *_, (last, done) = stream(client)

    assert (last, done["response"], done["usage"]["total_tokens"]) == ("done", "Ask about scale.", 120)
    assert model.requests[1]["max_tokens"] > model.requests[0]["max_tokens"]


def test_answer_spent_on_thinking_twice_says_so(serve):
    client, model = serve({"json": ONLY_THOUGHTS})

    answer = chat(client)

    assert (answer.status_code, len(model.requests)) == (502, 2)
    assert "all 4,000 tokens" in answer.json()["detail"]
    assert "thinking" in answer.json()["detail"]
    assert THOUGHT not in answer.text
