"""Answers of model servers: unreadable, cut off, recorded ones, and their usage."""

import json

import pytest

from tests.routers.model_calls import ANSWER, AS_JSON, DEBRIEF, QUOTE, chat, debrief, prompt, stream
from tests.support.interviews import SAMPLES, sample
from tests.support.model_server import completion, deltas


def test_items_that_cannot_be_read_are_counted_and_the_rest_is_kept(serve):
    ratings = [{"competency": 1, "rating": 4, "evidence": [QUOTE]}, {"competency": 2, "rating": 0, "evidence": [QUOTE]}]
    client, model = serve(
        {"content": json.dumps(ANSWER | {"ratings": ratings, "claims": [*ANSWER["claims"], {"claim": ""}]})}
    )

    answer = debrief(client).json()

    assert [row["rating"] for row in answer["scorecard"]] == [4, None]
    assert answer["strengths"] == ["Led a migration"]
    assert any("2 items" in warning for warning in answer["warnings"])
    assert len(model.requests) == 1


CUT = {"choices": [{"finish_reason": "length", "message": {"role": "assistant", "content": AS_JSON[:200]}}]}


def test_cut_off_answer_is_requested_again_with_more_space_and_not_sent_back(serve):
    client, model = serve({"times": 1, "json": CUT}, DEBRIEF)

    assert debrief(client).status_code == 200
    first, second = model.requests
    assert second["messages"] == first["messages"]
    assert second["max_tokens"] > first["max_tokens"]


def test_recorded_cut_off_answer_of_llama_cpp_is_requested_again(serve):
    client, model = serve({"times": 1, "json": sample("llama-server/debrief_cut_by_length.json")}, DEBRIEF)

    assert debrief(client).json()["scorecard"][0]["rating"] == 4
    assert "more positive outcome" not in prompt(model.requests[1])


def test_answer_that_is_cut_off_twice_names_the_cap(serve):
    client, model = serve({"json": CUT})

    answer = debrief(client)

    assert (answer.status_code, answer.json()["code"]) == (502, "provider_bad_answer")
    assert "all 12,000 tokens" in answer.json()["detail"]
    assert "thinking" not in answer.json()["detail"]
    assert len(model.requests) == 2


def test_background_is_left_out_where_no_larger_cap_fits(serve):
    usage = {"prompt_tokens": 3072}
    client, model = serve({"times": 1, "json": CUT | {"usage": usage}}, DEBRIEF, llm_context_tokens=4096)

    assert debrief(client).status_code == 200
    assert "A-0 linker" in prompt(model.requests[0])
    assert "A-0 linker" not in prompt(model.requests[1])
    assert "40 percent" in prompt(model.requests[1])


def test_recorded_answer_with_invented_quotes_rates_nothing(serve):
    client, model = serve({"json": sample("llama-server/debrief_invented_quotes.json")})

    answer = debrief(client).json()

    assert {row["rating"] for row in answer["scorecard"]} == {None}
    assert (answer["recommendation"], answer["strengths"]) == ("N/A", [])
    assert len(model.requests) == 1


def test_recorded_sidebar_answers_of_llama_cpp_are_read(serve):
    recorded = (SAMPLES / "llama-server/chat_stream.sse").read_text()
    pieces = [f"{piece}\n\n" for piece in recorded.split("\n\n") if piece]
    client, _ = serve({"if": {"stream": True}, "sse": pieces}, {"json": sample("llama-server/chat.json")})

    assert chat(client).json()["response"] == "Question: What should I ask about system design?"
    *_, (last, done) = stream(client)
    assert (last, done["finish_reason"]) == ("done", "stop")
    assert done["response"].startswith("<question>こんにちは")


ODD_USAGE = {
    "a list": ([1, 2], [None, None, None, None]),
    "floats": ({"prompt_tokens": 12.0, "completion_tokens": 3.4, "total_tokens": 15.4}, [12, 3, 15, None]),
    "strings": ({"prompt_tokens": "12", "cost": "0.5", "total_tokens": "many"}, [12, None, None, 0.5]),
    "missing": (None, [None, None, None, None]),
    "nested": ({"prompt_tokens": {"text": 12}}, [None, None, None, None]),
    "a string": ("12 tokens", [None, None, None, None]),
}


@pytest.mark.parametrize(("usage", "read"), ODD_USAGE.values(), ids=ODD_USAGE)
def test_invalid_usage_is_unknown(serve, usage, read):
    client, _ = serve({"json": completion("Hello.", usage=usage)})

    answer = chat(client).json()

    assert answer["response"] == "Hello."
    assert [answer["usage"][name] for name in ("prompt_tokens", "completion_tokens", "total_tokens", "cost")] == read


def test_byte_order_mark_before_a_response_is_dropped(serve):
    whole = {"text": "\ufeff" + json.dumps(completion("Hello.")), "if": {"stream": None}}
    client, _ = serve(whole, {"sse": ["\ufeff", *deltas("Hello", " again.")]})

    assert chat(client).json()["response"] == "Hello."
    assert stream(client)[-1][1]["response"] == "Hello again."
