"""Differences between OpenAI-compatible servers, over HTTP on both sides."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from itertools import takewhile

import pytest

from tests.support.event_streams import events
from tests.support.interviews import BRIEFING, SAMPLES, TRANSCRIPT, mock_daily, open_briefed_room, sample
from tests.support.model_server import completion, deltas
from tests.support.ports import free_port

LED = "I led the migration of the payroll programs to our new compiler, and it cut the run time by 40 percent."
QUOTE = {"source": "transcript", "turn": 2, "quote": LED}
ANSWER = {
    "summary": [{"text": "She led a migration.", "evidence": [QUOTE]}],
    "claims": [{"claim": "Led a migration", "kind": "strength", "evidence": [QUOTE]}],
    "ratings": {"1": {"evidence": [QUOTE], "rationale": "Led it.", "rating": 4}},
    "follow_up_questions": ["How was it measured?"],
}
AS_JSON = json.dumps(ANSWER)
THOUGHT = "She seems weak."
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


def shared_start(texts):
    """The common start of all prompts, which a server can take from its cache."""
    return "".join(
        letters[0] for letters in takewhile(lambda letters: len(set(letters)) == 1, zip(*texts, strict=False))
    )


def formats(model):
    return [request.get("response_format", {}).get("type") for request in model.requests]


def refuses(parameter, value=None, **body):
    """A rule that refuses a value of a parameter."""
    return {
        "if": {parameter: value},
        "status": 400,
        "json": body or {"error": {"message": f"{parameter} is not supported"}},
    }


# What the server takes


def test_schema_is_strict_bounded_and_made_for_this_interview(serve):
    client, model = serve(DEBRIEF)

    assert debrief(client, notes="She was calm.").status_code == 200

    wanted = model.requests[0]["response_format"]["json_schema"]
    assert (wanted["name"], wanted["strict"]) == ("debrief", True)
    quote = wanted["schema"]["$defs"]["evidence"]["items"]["properties"]
    assert quote["turn"]["enum"] == [2, 4, None]
    assert quote["source"]["enum"] == ["transcript", "notes"]
    assert list(wanted["schema"]["properties"]["ratings"]["properties"]) == ["1", "2"]


def test_schema_without_notes_allows_no_quotes_from_notes(serve):
    client, model = serve(DEBRIEF)

    debrief(client)

    quote = model.requests[0]["response_format"]["json_schema"]["schema"]["$defs"]["evidence"]["items"]["properties"]
    assert quote["source"]["enum"] == ["transcript"]
    assert quote["turn"] == {"type": "integer", "enum": [2, 4]}


def test_refused_schema_steps_down_to_a_json_object_and_is_remembered(serve):
    client, model = serve(refuses("response_format.type", "json_schema"), DEBRIEF)

    first, second = debrief(client), debrief(client)

    assert (first.status_code, second.status_code) == (200, 200)
    assert formats(model) == ["json_schema", "json_object", "json_object"]
    assert "ratings" in prompt(model.requests[1])


def test_refused_bounds_step_down_to_a_schema_without_them(serve):
    message = "Invalid schema for response_format 'debrief': 'maxLength' is not permitted."
    refused = {"times": 1, "status": 400, "json": {"error": {"message": message}}}
    client, model = serve(refused, DEBRIEF)

    assert debrief(client).status_code == 200
    assert formats(model) == ["json_schema", "json_schema"]
    assert "maxLength" not in json.dumps(model.requests[1]["response_format"])


def test_server_without_structured_output_gets_the_form_only_in_the_prompt(serve):
    client, model = serve(
        refuses("response_format.type", "json_schema"), refuses("response_format.type", "json_object"), DEBRIEF
    )

    assert debrief(client).status_code == 200
    assert formats(model) == ["json_schema", "json_object", None]


@pytest.mark.parametrize("first", ["max_tokens", "max_completion_tokens"])
def test_refused_cap_parameter_is_replaced_by_the_other(serve, first):
    refused = {"times": 1, "status": 400, "json": {"error": {"message": f"Unsupported parameter: '{first}'"}}}
    client, model = serve(refused, {"content": "Hello."})

    assert chat(client).json()["response"] == "Hello."
    assert chat(client).json()["response"] == "Hello."
    assert "max_tokens" in model.requests[0]
    assert all("max_completion_tokens" in request and "max_tokens" not in request for request in model.requests[1:])


def test_server_that_takes_no_cap_at_all_gets_none(serve):
    refused = {
        "times": 2,
        "status": 400,
        "json": {"error": {"message": "max_tokens or max_completion_tokens: unknown"}},
    }
    client, model = serve(refused, {"content": "Hello."})

    assert chat(client).status_code == 200
    assert not model.requests[2].keys() & {"max_tokens", "max_completion_tokens"}


def test_stream_works_without_usage_where_that_is_refused(serve):
    refused = {"times": 1, "status": 400, "json": {"error": {"message": "unknown argument: stream_options"}}}
    usage = {"prompt_tokens": 900, "completion_tokens": 5, "total_tokens": 905}
    client, model = serve(refused, {"sse": deltas("Hello.", usage=usage)})

    *_, (last, done) = stream(client)

    assert (last, done["usage"]["total_tokens"]) == ("done", 905)
    assert model.requests[0]["stream_options"] == {"include_usage": True}
    assert "stream_options" not in model.requests[1]


def test_model_without_a_system_role_gets_the_instructions_in_the_first_message(serve):
    refused = {"times": 1, "status": 400, "json": {"error": {"message": "System role not supported"}}}
    client, model = serve(refused, {"content": "Hello."})

    assert chat(client).status_code == 200
    assert [message["role"] for message in model.requests[1]["messages"]] == ["user"]
    assert "You help an interviewer" in model.requests[1]["messages"][0]["content"]


def test_error_without_a_parameter_name_does_not_change_the_request(serve):
    client, model = serve({"status": 400, "json": {"error": {"message": "Invalid argument"}}})

    answer = debrief(client)

    assert (answer.status_code, answer.json()["code"]) == (502, "provider_bad_answer")
    assert len(model.requests) == 1


def test_server_that_refuses_everything_ends_in_a_problem(serve):
    client, model = serve({"status": 400, "json": {"error": {"message": "response_format max_tokens: unknown"}}})

    answer = debrief(client)

    assert answer.status_code == 502
    assert len(model.requests) < 10


def test_calls_at_the_same_time_step_down_once(serve):
    client, model = serve(refuses("response_format.type", "json_schema"), DEBRIEF)
    rooms = [open_briefed_room(client) for _ in range(6)]

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda name: debrief(client, name), rooms))

    assert {answer.status_code for answer in answers} == {200}
    assert None not in formats(model)


def test_refusals_do_not_count_as_failures_of_the_server(serve):
    grammar = {
        "if": {"response_format.type": "json_schema"},
        "status": 500,
        "json": {"error": {"message": "failed to parse grammar"}},
    }
    broken = {
        "if": {"response_format.type": "json_object"},
        "times": 30,
        "status": 500,
        "json": {"error": {"message": "json_object"}},
    }
    client, _ = serve(grammar, broken, DEBRIEF)

    answers = [debrief(client).status_code for _ in range(12)]

    assert answers == [200] * 12


# Context


def test_cap_that_does_not_fit_the_context_is_lowered_first(serve):
    message = (
        "'max_tokens' or 'max_completion_tokens' is too large: 6000. This model's maximum context length is 8192 tokens "
        "and your request has 3000 input tokens (6000 > 8192 - 3000)."
    )
    client, model = serve(refuses("max_tokens", 6000, error={"message": message}), DEBRIEF)

    assert debrief(client).status_code == 200
    assert [request["max_tokens"] for request in model.requests] == [6000, 5192]


def test_context_setting_bounds_the_cap_of_every_answer(serve):
    client, model = serve({"if": {"max_tokens": 1000}, "content": "Hello."}, DEBRIEF, llm_context_tokens=8192)

    chat(client)
    debrief(client)

    assert [request["max_tokens"] for request in model.requests] == [1000, 2048]


def test_recorded_context_error_of_llama_cpp_names_the_setting(serve):
    client, model = serve({"status": 400, "json": sample("llama-server/context_exceeded_400.json")})

    answer = debrief(client)

    assert (answer.status_code, answer.json()["code"]) == (413, "payload_too_large")
    assert "LLM_CONTEXT_TOKENS" in answer.json()["detail"]
    assert len(model.requests) == 1


LONG = "\n".join(
    f"Interviewer: question {n}?\nCandidate: a longer answer about payroll, number {n}, and more." for n in range(400)
)


def test_small_context_reads_a_long_interview_in_parts_that_fit(serve):
    client, model = serve(DEBRIEF, llm_context_tokens=4096)

    answer = debrief(client, transcript=f"{TRANSCRIPT}\n{LONG}")

    assert answer.status_code == 200
    assert len(model.requests) > 5
    # three bytes a token, as the service estimates it
    assert all(len(prompt(request)) / 3 + request["max_tokens"] <= 4096 for request in model.requests)
    everything = "".join(map(prompt, model.requests))
    assert all(f"number {n}," in everything for n in range(400))
    assert any("parts" in warning for warning in answer.json()["warnings"])


def test_parts_without_a_found_quote_are_not_followed_by_another_call(serve):
    invented = {"source": "transcript", "turn": 2, "quote": "I rewrote everything alone in one night."}
    answer = ANSWER | {
        "claims": [{"claim": "Fast", "kind": "strength", "evidence": [invented]}],
        "summary": [],
        "ratings": {},
    }
    client, model = serve({"content": json.dumps(answer)}, llm_context_tokens=8192)

    debriefed = debrief(client, transcript=f"{TRANSCRIPT}\n{LONG}").json()

    parts = len({prompt(request) for request in model.requests})
    assert len(model.requests) == parts > 1
    assert f"in {parts} parts" in " ".join(debriefed["warnings"])
    assert (debriefed["grounding"]["quotes_proposed"], debriefed["grounding"]["quotes_found"]) == (1, 0)


def test_small_context_shortens_a_long_resume_and_says_so(serve):
    client, model = serve(DEBRIEF, llm_context_tokens=4096)
    name = open_briefed_room(client, resume_summary="worked on many things " * 2000)

    answer = debrief(client, name)

    assert any("resume was shortened" in warning for warning in answer.json()["warnings"])
    assert "40 percent" in prompt(model.requests[-1])


def test_sidebar_leaves_out_the_oldest_messages_that_do_not_fit(serve):
    client, model = serve({"content": "Hello."}, llm_context_tokens=4096)
    history = [
        {"role": role, "content": f"{role} {n}: {'word ' * 100}"} for n in range(20) for role in ("user", "assistant")
    ]

    answer = chat(client, history=history)

    assert "assistant 19:" in prompt(model.requests[0])
    assert "user 0:" not in prompt(model.requests[0])
    assert any("Earlier messages" in warning for warning in answer.json()["warnings"])


def test_debrief_above_the_token_limit_is_refused_before_a_model_call(serve):
    client, model = serve(DEBRIEF, llm_context_tokens=4096)

    answer = debrief(client, transcript=f"Candidate: {'私は台帳の移行を主導しました。 ' * 60_000}")

    assert (answer.status_code, answer.json()["code"]) == (413, "payload_too_large")
    assert "500,000" in answer.json()["detail"]
    assert model.requests == []


def test_prompt_that_the_server_cut_short_is_warned_about(serve):
    usage = {"prompt_tokens": 2048, "completion_tokens": 100, "total_tokens": 2148}
    client, _ = serve({"json": completion(AS_JSON, usage=usage)})

    cut, whole = debrief(client, transcript=f"{TRANSCRIPT}\n{LONG}"), debrief(client)

    assert any("counted 2,048 tokens" in warning for warning in cut.json()["warnings"])
    assert not any("counted" in warning for warning in whole.json()["warnings"])


# Answers


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


# Thoughts

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


# Blame and time


def test_wrong_base_url_is_named_even_with_status_200(serve):
    client, _ = serve({"json": {"error": "Unexpected endpoint or method. (POST /chat/completions)"}})

    answer = chat(client)

    assert answer.status_code == 503
    assert "OPENROUTER_BASE_URL" in answer.json()["detail"]


@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
def test_web_page_instead_of_an_answer_names_the_base_url(serve, accept):
    client, _ = serve({"text": "<!doctype html><title>Log in</title>", "headers": {"Content-Type": "text/html"}})

    answer = chat(client, accept=accept)

    assert answer.status_code == 502
    assert "OPENROUTER_BASE_URL" in answer.json()["detail"]


def test_error_that_is_the_whole_event_ends_the_stream(serve):
    error = {"object": "error", "message": "The maximum context length is 4096 tokens", "code": 400}
    client, _ = serve({"content": "Hello.", "times": 1}, {"sse": [deltas("Ask")[0], f"data: {json.dumps(error)}\n\n"]})
    chat(client)

    *_, (kind, problem) = stream(client)

    assert (kind, problem["status"]) == ("error", 413)


@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
def test_server_that_is_not_running_is_named(start, vendors, accept):
    mock_daily(vendors)
    vendors.route(host="127.0.0.1").pass_through()
    client = start(openrouter_base_url=f"http://127.0.0.1:{free_port()}/v1", openrouter_api_key=None)

    answer = chat(client, accept=accept)

    assert (answer.status_code, answer.json()["code"]) == (503, "provider_unavailable")
    assert "OPENROUTER_BASE_URL" in answer.json()["detail"]
    assert int(answer.headers["retry-after"]) > 0


def test_quota_of_the_day_is_not_retried(serve):
    client, model = serve(
        {"status": 429, "json": {"error": {"message": "free-models-per-day"}}, "headers": {"Retry-After": "30000"}}
    )

    answer = chat(client)

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "30000")
    assert "quota" in answer.json()["detail"]
    assert len(model.requests) == 1


def test_reason_of_a_refusal_is_logged_in_one_line_without_the_text_that_was_sent(serve, caplog):
    reason = "Bad\nthing: What should I ask? for anna@example.com with sk-abcdef0123456789abcdef"
    client, _ = serve({"status": 400, "json": {"error": {"message": reason, "code": "bad_thing"}}})

    chat(client)

    (line,) = [record.getMessage() for record in caplog.records if "refused" in record.getMessage()]
    assert "400" in line
    assert "bad_thing" in line
    assert "\n" not in line
    assert not any(text in line for text in ("anna@example.com", "sk-abcdef"))


TIMES = {
    "whole answer": ({"hangs_after": 0}, False, {"llm_timeout_seconds": 0.4}, "LLM_TIMEOUT_SECONDS"),
    "first piece": (
        {"hangs_after": 0},
        True,
        {"llm_first_token_timeout_seconds": 0.4, "llm_timeout_seconds": 60},
        "LLM_FIRST_TOKEN_TIMEOUT_SECONDS",
    ),
    "first piece, by default": ({"hangs_after": 0}, True, {"llm_timeout_seconds": 0.4}, "LLM_TIMEOUT_SECONDS"),
    "next piece": (
        {"hangs_after": 1, "sse": deltas("Hello", " there")},
        True,
        {"llm_idle_timeout_seconds": 0.4, "llm_timeout_seconds": 60},
        "LLM_IDLE_TIMEOUT_SECONDS",
    ),
}


@pytest.mark.parametrize(("rule", "is_streamed", "limits", "named"), TIMES.values(), ids=TIMES)
def test_time_limit_that_passed_is_named(serve, rule, is_streamed, limits, named):
    client, _ = serve(rule, **limits)

    answer = chat(client, accept="text/event-stream" if is_streamed else "application/json")

    problem = events(answer)[-1][1] if "event-stream" in answer.headers["content-type"] else answer.json()
    assert (problem["status"], problem["code"]) == (504, "provider_timeout")
    assert named in problem["detail"]


def test_first_piece_may_take_longer_than_a_pause(serve):
    client, model = serve({"sse": deltas("Hello.")}, llm_idle_timeout_seconds=0.05, llm_timeout_seconds=60)

    assert stream(client)[-1][0] == "done"
    assert len(model.requests) == 1


# The prompt


def test_second_question_shares_its_prompt_prefix_with_the_first(serve):
    client, model = serve({"content": "Ask about scale."})
    name = open_briefed_room(client, resume_summary="Wrote the A-0 linker. " * 400)
    first = {"message": "What next?", "transcript": TRANSCRIPT}
    history = [{"role": "user", "content": "What next?"}, {"role": "assistant", "content": "Ask about scale."}]

    chat(client, name, **first)
    chat(client, name, **first | {"message": "And then?", "history": history})

    one, two = map(prompt, model.requests)
    assert len(shared_start([one, two])) == len(one)
    assert len(one) / len(two) > 0.97


def test_longer_transcript_shares_its_prompt_prefix(serve):
    client, model = serve({"content": "Ask about scale."})
    name = open_briefed_room(client)

    chat(client, name, transcript=f"{TRANSCRIPT}\n{LONG}")
    chat(client, name, transcript=f"{TRANSCRIPT}\n{LONG}\nInterviewer: One more?\nCandidate: I am done.")

    one, two = map(prompt, model.requests)
    assert len(shared_start([one, two])) / len(one) > 0.97


def test_long_transcript_drops_its_start_in_steps(serve):
    client, model = serve({"content": "Hello."}, llm_context_tokens=8192)
    name = open_briefed_room(client)
    spoken = f"{TRANSCRIPT}\n{LONG}"

    for more in ("", "\nCandidate: And this.", "\nCandidate: And this.\nCandidate: And that."):
        chat(client, name, transcript=spoken + more)

    one, two, three = map(prompt, model.requests)
    assert len(shared_start([one, two, three])) / len(one) > 0.9
    assert "number 399," in one


def test_parts_of_a_debrief_share_their_prompt_prefix(serve):
    client, model = serve(DEBRIEF, llm_context_tokens=8192)

    debrief(client, transcript=f"{TRANSCRIPT}\n{LONG}")

    prompts = list(map(prompt, model.requests))
    shared = shared_start(prompts)
    assert shared.rstrip().endswith('kind="transcript">\n[T')
    assert "A-0 linker" in shared


def test_own_briefing_prompt_as_context_is_not_sent_twice(serve):
    client, model = serve({"content": "Hello."})
    name = open_briefed_room(client)
    own = client.get(f"/api/rooms/{name}/briefing").json()["briefing_prompt"]
    client.post(f"/api/rooms/{name}/briefing", json=BRIEFING)

    chat(client, name, context=own)
    chat(client, name, context=f"{own}\r\nShe is nervous.".replace("\n", "\r\n"))
    chat(client, name, context="Another briefing: wrote the A-0 linker.")

    alone, with_more, another = map(prompt, model.requests)
    assert alone.count("A-0 linker") == 1
    assert 'kind="context"' not in alone
    assert with_more.count("A-0 linker") == 1
    assert "She is nervous." in with_more
    assert another.count("A-0 linker") == 2


FALLBACKS = {
    "default": ({}, ["openai/gpt-4o-mini", "~openai/gpt-mini-latest"]),
    "chosen": ({"openrouter_fallback_model": "x/y"}, ["openai/gpt-4o-mini", "x/y"]),
    "off": ({"openrouter_fallback_model": "OFF"}, ["openai/gpt-4o-mini"]),
    "free model": ({"openrouter_model": "x/z:free"}, ["x/z:free"]),
    "free model, chosen": (
        {"openrouter_model": "x/z:free", "openrouter_fallback_model": "x/y:free"},
        ["x/z:free", "x/y:free"],
    ),
}


@pytest.mark.parametrize(("chosen", "models"), FALLBACKS.values(), ids=FALLBACKS)
def test_fallback_model_is_sent_to_openrouter(start, vendors, chosen, models):
    mock_daily(vendors)
    route = vendors.post("https://openrouter.ai/api/v1/chat/completions").respond(json=completion("Hello."))

    chat(start(**chosen))

    assert json.loads(route.calls.last.request.content)["models"] == models


def test_no_length_bounds_are_sent_to_openrouter(start, vendors):
    mock_daily(vendors)
    route = vendors.post("https://openrouter.ai/api/v1/chat/completions").respond(json=completion(AS_JSON))

    debrief(start())

    sent = route.calls.last.request.content.decode()
    assert not re.search("maxLength|maxItems", sent)
    assert '"enum":[2,4]' in sent.replace(" ", "")
