"""The context of a model: prompts and answers that fit it, and what is left out or read in parts."""

import json

from tests.routers.model_calls import ANSWER, AS_JSON, DEBRIEF, LONG, chat, debrief, prompt, refuses
from tests.support.interviews import TRANSCRIPT, open_briefed_room, sample
from tests.support.model_server import completion


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

    assert any("was shortened: the resume" in warning for warning in answer.json()["warnings"])
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
