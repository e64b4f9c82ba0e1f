"""Plans by OpenAI-compatible servers as they differ, over HTTP on both sides, and within the caller's budget."""

import json

from tests.routers.model_calls import formats, refuses
from tests.routers.plan_calls import answer, make_plan, question, read_plan
from tests.support.interviews import open_briefed_room
from tests.support.model_server import completion
from tests.support.problems import assert_problem

PLAN = {"content": json.dumps(answer())}


def test_a_server_without_schemas_makes_a_plan_and_the_next_request_knows(serve):
    client, model = serve(refuses("response_format.type", "json_schema"), PLAN)

    first, second = (make_plan(client, open_briefed_room(client)) for _ in range(2))

    assert (first.status_code, second.status_code) == (200, 200)
    assert formats(model) == ["json_schema", "json_object", "json_object"]
    assert len(first.json()["questions"]) == 3


def test_a_server_without_any_structured_output_gets_the_form_in_words_alone(serve):
    json_kinds = [refuses("response_format.type", kind) for kind in ("json_schema", "json_object")]
    client, model = serve(*json_kinds, PLAN)

    assert make_plan(client, open_briefed_room(client)).status_code == 200
    assert formats(model)[-1] is None
    assert '"listen_for"' in model.requests[-1]["messages"][0]["content"]


def test_the_bounded_schema_limits_every_text_and_list(serve):
    client, model = serve(PLAN)

    make_plan(client, open_briefed_room(client), minutes=30)

    schema = model.requests[0]["response_format"]["json_schema"]["schema"]["properties"]
    text = schema["questions"]["items"]["properties"]["text"]
    assert (schema["questions"]["maxItems"], schema["scales"]["maxItems"], text["maxLength"]) == (10, 2, 300)


def test_an_answer_that_was_cut_off_is_asked_for_anew_with_more_space(serve):
    cut = completion(json.dumps(answer())[:200])
    cut["choices"][0]["finish_reason"] = "length"
    client, model = serve({"times": 1, "json": cut}, PLAN)

    assert make_plan(client, open_briefed_room(client)).status_code == 200
    first, second = model.requests
    assert second["max_tokens"] > first["max_tokens"]
    assert second["messages"] == first["messages"]


def test_thoughts_are_neither_shown_nor_stored(serve):
    thought = "The candidate seems weak."
    client, _ = serve({"content": f"<think>{thought}</think>{json.dumps(answer())}"})
    name = open_briefed_room(client)

    made = make_plan(client, name)

    assert thought not in made.text
    assert thought not in read_plan(client, name).text


def test_a_plan_beyond_the_budget_asks_no_model_and_stores_nothing(serve):
    client, model = serve(PLAN, model_budget=1000)
    name = open_briefed_room(client)

    problem = assert_problem(make_plan(client, name), 429, "budget_exhausted")

    assert "tokens" in problem["detail"]
    assert model.requests == []
    assert_problem(read_plan(client, name), 404, "plan_not_found")


def test_a_plan_is_charged_to_the_budget(serve):
    usage = {"prompt_tokens": 14_000, "completion_tokens": 1000, "total_tokens": 15_000}
    client, _ = serve({"json": completion(json.dumps(answer()), usage=usage)}, model_budget=20_000)
    name = open_briefed_room(client)

    assert make_plan(client, name).status_code == 200
    assert_problem(make_plan(client, name, minutes=60), 429, "budget_exhausted")


def test_questions_in_another_language_keep_their_sources(serve):
    asked = question("Erzählen Sie vom A-0 Linker. Was war schwierig?")
    client, _ = serve({"content": json.dumps(answer(questions=[asked]))})

    plan = make_plan(client, open_briefed_room(client)).json()

    assert plan["questions"][0]["because"]["text"] == "Wrote the A-0 linker in 1952."
