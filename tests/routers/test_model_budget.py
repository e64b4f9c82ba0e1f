"""The budget of model tokens, over HTTP: what counts, for whom, and what an exhausted budget answers."""

import asyncio
import json
import re

import httpx
import pytest

from tests.routers import plan_calls
from tests.routers.callers import OTHER_CALLER, OWNER, TWO_KEYS
from tests.routers.debrief_calls import debrief, reading
from tests.support.interviews import COMPLETIONS, SAMPLES, TRANSCRIPT, completion, open_briefed_room, sent_to
from tests.support.problems import assert_problem
from tests.support.waiting import LIMIT_SECONDS

pytestmark = pytest.mark.usefixtures("daily")

STORED_IN = pytest.mark.parametrize("database", [None, "sqlite:///{}/rooms.db"], ids=["memory", "sqlite"])
EVENTS = {"accept": "text/event-stream"}
REPORTED = completion("")["usage"]["total_tokens"]
LONG_TRANSCRIPT = TRANSCRIPT + "\nCandidate: We compared every balance for five weeks." * 1500
PARTS = 3
"""In which a model with a context of 16,000 tokens reads it."""


@pytest.fixture
def answer(vendors):
    return vendors.post(COMPLETIONS).respond(json=completion("Ask about the linker."))


def ask(client, name, **changes):
    return client.post(f"/api/rooms/{name}/chat", json={"message": "What should I ask?"}, **changes)


def tokens_used(client, name):
    """What counts for the caller, read from the refusal of a question that is larger than the whole budget."""
    refused = client.post(f"/api/rooms/{name}/chat", json={"message": "All?", "context": "x" * 100_000})
    assert_problem(refused, 429, "budget_exhausted")
    return int(re.search(r"You have used ([\d,]+) of", refused.json()["detail"])[1].replace(",", ""))


@STORED_IN
def test_an_answer_counts_what_the_server_reported(start, answer, database, tmp_path):
    client = start(model_budget=30_000, database_url=database and database.format(tmp_path))
    name = open_briefed_room(client)

    assert ask(client, name).status_code == 200
    assert ask(client, name).status_code == 200

    assert tokens_used(client, name) == 2 * REPORTED


def test_a_streamed_answer_counts_what_the_server_reported(start, vendors):
    content = (SAMPLES / "openrouter/stream.txt").read_bytes()
    vendors.post(COMPLETIONS).respond(200, content=content, headers={"content-type": "text/event-stream"})
    client = start(model_budget=30_000)
    name = open_briefed_room(client)

    assert "event: done" in ask(client, name, headers=EVENTS).text

    reported = int(re.search(rb'"total_tokens": ?(\d+)', content)[1])
    assert tokens_used(client, name) == reported


@pytest.mark.parametrize("usage", [None, {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}])
def test_an_answer_without_a_report_counts_an_estimate_of_its_text(start, vendors, usage):
    vendors.post(COMPLETIONS).respond(json=completion("Ask about the linker.", usage=usage))
    client = start(model_budget=30_000)
    name = open_briefed_room(client)

    assert ask(client, name).status_code == 200

    sent = sum(len(message["content"]) for message in sent_to(vendors, COMPLETIONS)[0]["messages"])
    assert sent / 3 <= tokens_used(client, name) <= sent / 3 + 100


def test_both_tries_of_a_debrief_count(start, model):
    model("Here you are: great!", reading())
    client = start(model_budget=30_000)
    name = open_briefed_room(client)

    assert debrief(client, name).status_code == 200

    assert tokens_used(client, name) == 2 * REPORTED


def test_every_part_of_a_debrief_counts(start, model, vendors):
    model(reading())
    client = start(model_budget=400_000, llm_context_tokens=16_000)
    name = open_briefed_room(client)

    assert debrief(client, name, transcript=LONG_TRANSCRIPT).status_code == 200

    calls = len(sent_to(vendors, COMPLETIONS))
    refused = debrief(client, name, transcript=LONG_TRANSCRIPT * 12)
    assert calls > 2
    assert_problem(refused, 429, "budget_exhausted")
    assert f"You have used {calls * REPORTED:,} of your 400,000" in refused.json()["detail"]


def test_a_debrief_in_parts_that_the_budget_does_not_last_for_calls_no_model(start, model, vendors):
    model(reading())
    client = start(model_budget=40_000, llm_context_tokens=16_000)

    refused = debrief(client, open_briefed_room(client), transcript=LONG_TRANSCRIPT)

    assert_problem(refused, 429, "budget_exhausted")
    assert sent_to(vendors, COMPLETIONS) == []


def test_a_plan_counts_and_is_refused_over_the_budget(start, vendors):
    content = json.dumps(plan_calls.answer())
    route = vendors.post(COMPLETIONS).respond(json=completion(content, usage={"total_tokens": 11_000}))
    client = start(model_budget=12_000)
    name = open_briefed_room(client)

    made = plan_calls.make_plan(client, name)
    refused = plan_calls.make_plan(client, open_briefed_room(client))

    assert made.status_code == 200
    assert_problem(refused, 429, "budget_exhausted")
    assert "You have used 11,000 of your 12,000" in refused.json()["detail"]
    assert route.call_count == 1


def test_a_part_that_fails_cancels_the_others_which_count_their_estimates(start, vendors):
    """The first call fails when the others are under way."""
    arrived = []

    async def fail_first(request):
        arrived.append(request)
        while len(arrived) < PARTS:
            await asyncio.sleep(0.01)
        if request is arrived[0]:
            return httpx.Response(402, json={"error": {"message": "Insufficient credits", "code": 402}})
        await asyncio.sleep(LIMIT_SECONDS)
        raise AssertionError("this call was not cancelled")

    vendors.post(COMPLETIONS).mock(side_effect=fail_first)
    client = start(model_budget=80_000, llm_context_tokens=16_000)
    name = open_briefed_room(client)

    failed = debrief(client, name, transcript=LONG_TRANSCRIPT)

    bodies = [json.loads(request.content) for request in arrived[1:]]
    estimates = [sum(len(message["content"]) for message in body["messages"]) / 3 for body in bodies]
    refused = debrief(client, name, transcript=LONG_TRANSCRIPT * 3)
    used = int(re.search(r"You have used ([\d,]+) of", refused.json()["detail"])[1].replace(",", ""))
    assert_problem(failed, 503, "provider_unavailable")
    assert len(estimates) == PARTS - 1
    assert sum(estimates) <= used <= sum(estimates) + len(estimates) * 7_000


def test_an_exhausted_budget_says_how_much_is_used_and_when_it_ends(start, answer, clock):
    answer.respond(json=completion("So be it.", usage={"total_tokens": 4_000}))
    client = start(model_budget=5_000)
    name = open_briefed_room(client)
    assert ask(client, name).status_code == 200

    refused = ask(client, name)
    streamed = ask(client, name, headers=EVENTS)

    for problem in (refused, streamed):
        assert_problem(problem, 429, "budget_exhausted")
        assert "You have used 4,000 of your 5,000 model tokens a day" in problem.json()["detail"]
        assert "try again in" in problem.json()["detail"]
    assert answer.call_count == 1
    clock.advance(seconds=int(refused.headers["retry-after"]) + 1)
    assert ask(client, name).status_code == 200


def test_a_stored_debrief_of_the_same_input_needs_no_budget(start, answer):
    answer.respond(json=completion(json.dumps(reading()), usage={"total_tokens": 11_000}))
    client = start(model_budget=12_000)
    name = open_briefed_room(client)
    first = debrief(client, name)

    assert first.status_code == 200
    assert_problem(debrief(client, name, notes="Another input."), 429, "budget_exhausted")
    assert debrief(client, name).json() == first.json()


def test_callers_have_budgets_of_their_own(start, answer):
    answer.respond(json=completion("So be it.", usage={"total_tokens": 4_000}))
    client = start(model_budget=5_000, api_keys=TWO_KEYS)
    client.headers |= OWNER
    name = open_briefed_room(client)
    statuses = [ask(client, name).status_code for _ in range(2)]

    client.headers |= OTHER_CALLER

    assert statuses == [200, 429]
    assert ask(client, open_briefed_room(client)).status_code == 200


@pytest.mark.parametrize(
    ("failure", "counted"),
    [
        (httpx.Response(402, json={"error": {"message": "Insufficient credits", "code": 402}}), False),
        (httpx.Response(200, json={"choices": []}), True),
    ],
    ids=["refused unread", "answered unusably"],
)
def test_a_failed_answer_counts_unless_it_certainly_cost_nothing(start, answer, failure, counted):
    answer.mock(return_value=failure)
    client = start(model_budget=30_000)
    name = open_briefed_room(client)

    assert ask(client, name).status_code >= 500

    assert (tokens_used(client, name) > 0) == counted


def test_a_budget_of_0_is_unlimited(start, answer):
    client = start(model_budget=0)
    answer.respond(json=completion("So be it.", usage={"total_tokens": 10**8}))
    name = open_briefed_room(client)

    assert {ask(client, name).status_code for _ in range(3)} == {200}
