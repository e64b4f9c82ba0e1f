"""The interviewer's own plan over HTTP: saved as it is sent, with its sources checked again."""

import pytest

from tests.routers.plan_calls import LINKER, SHIPPED, answer, make_plan, question, scale, source_text
from tests.support.interviews import open_briefed_room, open_room
from tests.support.problems import assert_problem

pytestmark = pytest.mark.usefixtures("daily")


def edited(*questions, scales=(), **changes):
    return {"questions": list(questions or [question(area="Compilers")]), "scales": list(scales)} | changes


def save(client, name, plan):
    return client.put(f"/api/rooms/{name}/plan", json=plan)


def test_a_plan_that_is_sent_back_unchanged_stays_the_same_but_for_its_maker(client, model):
    model(answer())
    name = open_briefed_room(client)
    made = make_plan(client, name).json()

    saved = save(client, name, made)

    of_the_model = {"model", "usage", "prompt_version", "input_hash", "made_by", "version"}
    assert saved.status_code == 200, saved.text
    kept = {field: value for field, value in made.items() if field not in of_the_model}
    assert {field: value for field, value in saved.json().items() if field not in of_the_model} == kept
    assert (saved.json()["made_by"], saved.json()["version"], saved.json()["model"]) == ("interviewer", 2, None)
    assert client.get(f"/api/rooms/{name}/plan").json() == saved.json()


def test_an_interviewer_may_write_the_first_plan(client):
    name = open_briefed_room(client)

    saved = save(client, name, edited(question(area="Compilers"), question("And teaching?", "Mentoring", minutes=None)))

    plan = saved.json()
    assert [(each["id"], each["minutes"]) for each in plan["questions"]] == [("q1", 10), ("q2", 5)]
    assert (plan["minutes"], plan["not_covered"]) == (15, [])


def test_sources_are_found_again_and_cut_from_the_briefing(client):
    altered = {"source": "resume", "text": "wrote the a-0   linker in 1952", "start": 400, "end": 1}
    name = open_briefed_room(client)

    saved = save(client, name, edited(question(area="Compilers", because=altered)))

    source = saved.json()["questions"][0]["because"]
    assert source_text(source)[source["start"] : source["end"]] == source["text"] == LINKER


def test_a_source_that_the_briefing_does_not_have_is_left_out_with_a_warning(client):
    invented = {"source": "resume", "text": "Won the Turing Award in 1966."}
    name = open_briefed_room(client)

    plan = save(client, name, edited(question(area="Compilers", because=invented))).json()

    assert plan["questions"][0]["because"] is None
    assert plan["warnings"] == [
        "The source of question q1 was found neither in the resume nor in the job description: left out."
    ]


@pytest.mark.parametrize(
    ("sent", "cut"), [("linker", "linker"), ("inker in 1952", None), ("rote the A-0 linker", None)]
)
def test_a_source_begins_and_ends_with_whole_words(client, sent, cut):
    name = open_briefed_room(client)
    because = {"source": "resume", "text": sent}

    plan = save(client, name, edited(question(area="Compilers", because=because))).json()

    source = plan["questions"][0]["because"]
    assert (source and source["text"]) == cut


def test_a_source_within_a_line_on_a_forbidden_topic_is_left_out_with_a_warning(client):
    name = open_briefed_room(client, resume_summary="Since 1952 at Remington, happily   married, with two children.")
    because = {"source": "resume", "text": "since 1952 at remington"}

    plan = save(client, name, edited(question(area="Compilers", because=because))).json()

    assert plan["questions"][0]["because"] is None
    assert plan["warnings"] == [
        "The source of question q1 is a line on a topic that must not play a part, such as age or health: left out."
    ]


def test_questions_keep_their_ids_and_new_ones_get_free_ids(client):
    sent = [
        question("One?", "Compilers", id="q2"),
        question("Two?", "Compilers"),
        question("Three?", "Compilers", id="mine"),
        question("Four?", "Compilers"),
    ]

    plan = save(client, open_briefed_room(client), edited(*sent)).json()

    assert [each["id"] for each in plan["questions"]] == ["q2", "q1", "mine", "q3"]


def test_focus_areas_are_spelt_as_the_briefing_spells_them(client):
    plan = save(
        client, open_briefed_room(client), edited(question(area=" compilers "), scales=[scale("COMPILERS")])
    ).json()

    assert plan["questions"][0]["focus_area"] == plan["scales"][0]["focus_area"] == "Compilers"
    assert [area["name"] for area in plan["focus_areas"]] == ["Compilers", "Mentoring"]
    assert plan["not_covered"] == ["Mentoring"]


def test_without_focus_areas_in_the_briefing_the_plan_s_own_count(client):
    because = {"source": "job", "text": SHIPPED}
    areas = [{"name": "Shipping", "because": because}, {"name": "Debugging"}]
    name = open_briefed_room(client, focus_areas=[])

    plan = save(client, name, edited(question(area="Linkers"), focus_areas=areas)).json()

    assert [area["name"] for area in plan["focus_areas"]] == ["Shipping", "Debugging", "Linkers"]
    assert plan["focus_areas"][0]["because"]["text"] == SHIPPED
    assert plan["not_covered"] == ["Shipping", "Debugging"]


REFUSED = {
    "no questions": ({"questions": []}, "questions"),
    "too many questions": ({"questions": [question(f"{n}?", "Compilers") for n in range(41)]}, "questions"),
    "an empty question": (edited(question("  ", "Compilers")), "questions.0.text"),
    "a question that is too long": (edited(question("x" * 1001, "Compilers")), "questions.0.text"),
    "no focus area": (edited(question(area=" ")), "questions.0.focus_area"),
    "an unknown kind": (edited(question(area="Compilers", kind="riddle")), "questions.0.kind"),
    "an unknown source": (
        edited(question(area="Compilers", because={"source": "gossip", "text": LINKER})),
        "questions.0.because.source",
    ),
    "no minutes": (edited(question(area="Compilers", minutes=0)), "questions.0.minutes"),
    "an id with blanks": (edited(question(area="Compilers", id="my id")), "questions.0.id"),
    "a missing level": (
        edited(scales=[{"focus_area": "Compilers", "levels": {"1": "Low.", "5": "High."}}]),
        "scales.0.levels.3",
    ),
    "an empty level": (edited(scales=[scale("Compilers", **{"3": ""})]), "scales.0.levels.3"),
    "a focus area that the briefing lacks": (edited(question(area="Astrology")), "questions.0.focus_area"),
    "a scale for such a focus area": (edited(scales=[scale("Astrology")]), "scales.0.focus_area"),
    "the same question twice": (
        edited(question("Why?", "Compilers"), question("why", "Mentoring")),
        "questions.1.text",
    ),
    "the same id twice": (
        edited(question("Why?", "Compilers", id="a"), question("How?", "Compilers", id="a")),
        "questions.1.id",
    ),
    "two scales for a focus area": (edited(scales=[scale("Compilers"), scale("compilers")]), "scales.1.focus_area"),
    "a forbidden question": (edited(question("Are you married?", "Compilers")), "questions.0.text"),
    "a forbidden thing to listen for": (
        edited(question(area="Compilers", listen_for="No health problems.")),
        "questions.0.listen_for",
    ),
    "a forbidden level": (edited(scales=[scale("Compilers", **{"5": "Native speaker."})]), "scales.0.levels.5"),
    "a forbidden source": (
        edited(question(area="Compilers", because={"source": "resume", "text": "Married, two children."})),
        "questions.0.because",
    ),
}


@pytest.mark.parametrize(("plan", "field"), REFUSED.values(), ids=REFUSED)
def test_a_plan_that_cannot_be_kept_whole_is_refused_by_field_and_replaces_nothing(client, plan, field):
    name = open_briefed_room(client)
    kept = save(client, name, edited()).json()

    problem = assert_problem(save(client, name, plan), 422, "invalid_input")

    assert problem["errors"][0]["field"] == field
    assert field in problem["detail"]
    assert client.get(f"/api/rooms/{name}/plan").json() == kept


def test_a_focus_area_of_the_briefing_may_be_about_the_topics(client):
    name = open_briefed_room(client, focus_areas=["Family and child care law"])

    assert save(client, name, edited(question(area="Family and child care law"))).status_code == 200


def test_a_problem_names_every_field_at_once(client):
    plan = edited(question("How old are you?", "Astrology"))

    problem = assert_problem(save(client, open_briefed_room(client), plan), 422)

    assert [error["field"] for error in problem["errors"]] == ["questions.0.focus_area", "questions.0.text"]
    assert problem["detail"] == (
        "Some fields are invalid (see errors for each): questions.0.focus_area, questions.0.text."
    )


def test_more_than_twenty_focus_areas_are_refused(client):
    name = open_briefed_room(client, focus_areas=[])
    plan = edited(*(question(f"Question {number}?", f"Area {number}") for number in range(21)))

    problem = assert_problem(save(client, name, plan), 422)

    assert problem["detail"] == "Check focus_areas: a plan has at most 20 focus areas."


def test_a_plan_for_a_room_without_a_briefing_is_404(client):
    assert_problem(save(client, open_room(client), edited()), 404, "briefing_not_found")


def test_a_plan_of_the_largest_size_in_any_script_is_taken(client):
    texts = [f"{'質' * 990}{number}" for number in range(40)]
    asked = [question(text, "Compilers", listen_for="聴" * 1000) for text in texts]

    assert save(client, open_briefed_room(client), edited(*asked)).status_code == 200


def test_a_body_larger_than_any_plan_is_413(client):
    plan = edited(listen="x" * 600_000)

    assert_problem(save(client, open_briefed_room(client), plan), 413, "payload_too_large")
