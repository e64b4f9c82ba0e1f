"""The question plan: what code keeps of a model's answer, however wrong that is."""

import json

import pytest

from tests.routers.plan_calls import (
    JOB,
    LINKER,
    SHIPPED,
    answer,
    make_plan,
    planned,
    question,
    read_plan,
    scale,
    source_text,
)
from tests.support.interviews import open_briefed_room

pytestmark = pytest.mark.usefixtures("daily")


def left_out(plan):
    return [warning for warning in plan["warnings"] if warning.startswith("Left out")]


def test_a_plan_has_questions_with_their_reasons_and_scales(client, model):
    plan = planned(client, model)

    first = plan["questions"][0]
    assert (first["id"], first["focus_area"], first["kind"]) == ("q1", "Compilers", "behaviour")
    assert first["because"] == {"source": "resume", "text": LINKER, "start": 0, "end": 29}
    assert first["listen_for"] == "A decision with its reasons."
    assert [question["because"] and question["because"]["text"] for question in plan["questions"]] == [
        LINKER,
        None,
        SHIPPED,
    ]
    assert [scale["focus_area"] for scale in plan["scales"]] == ["Compilers", "Mentoring"]
    assert set(plan["scales"][0]["levels"]) == {"1", "3", "5"}
    assert (plan["made_by"], plan["version"], plan["not_covered"], plan["warnings"]) == ("model", 1, [], [])
    assert (plan["model"], plan["usage"]["total_tokens"]) == ("openai/gpt-4o-mini", 150)


def test_a_plan_is_read_as_it_was_made(client, model):
    model(answer())
    name = open_briefed_room(client)

    made = make_plan(client, name).json()

    assert read_plan(client, name).json() == made


def test_every_source_is_at_its_place_in_the_briefing(client, model):
    plan = planned(client, model)

    sources = [question["because"] for question in plan["questions"] if question["because"]]
    assert len(sources) == 2
    for source in sources:
        assert source_text(source)[source["start"] : source["end"]] == source["text"]


RESUME = """\
Compiler engineer, Remington Rand (1949 to 1967)
- Wrote the A-0 linker in 1952, which put
  programs together from libraries.
• Led the team that specified FLOW-MATIC
2) Taught the first course on compilers

Skills
COBOL, FORTRAN

* Chaired the committee on standards
\uf0b7 Ran the weekly code clinic
◦ wrote its first textbook
・Moved the archive to tape
"""

ITEMS = {
    "a list item over two lines": (
        "put programs together from libraries",
        "Wrote the A-0 linker in 1952, which put\n  programs together from libraries.",
    ),
    "an item quoted with its mark": ("• Led the team that specified", "Led the team that specified FLOW-MATIC"),
    "the last item before an empty line": ("Taught the first course", "Taught the first course on compilers"),
    "an item after an empty line": ("Chaired the committee on standards", "Chaired the committee on standards"),
    "an item with a mark of a word processor": ("Ran the weekly code clinic", "Ran the weekly code clinic"),
    "an item in small letters": ("wrote its first textbook", "wrote its first textbook"),
    "an item whose mark has no space": ("Moved the archive", "Moved the archive to tape"),
    "a line above a list": ("Compiler engineer, Remington Rand", "Compiler engineer, Remington Rand (1949 to 1967)"),
}


@pytest.mark.parametrize(("quoted", "expected"), ITEMS.values(), ids=ITEMS)
def test_a_source_is_the_sentence_within_its_list_item(client, model, quoted, expected):
    because = {"source": "resume", "text": quoted}
    plan = planned(client, model, briefing={"resume_summary": RESUME}, questions=[question(because=because)])

    source = plan["questions"][0]["because"]
    assert source["text"] == expected
    assert RESUME[source["start"] : source["end"]] == expected


NO_SOURCE = {
    "invented": {"source": "resume", "text": "Won the Turing Award in 1966."},
    "altered": {"source": "resume", "text": "Wrote the A-0 linker in 1953."},
    "too short": {"source": "resume", "text": "linker"},
    "joined from two sentences": {"source": "resume", "text": "Wrote the A-0 linker that specified FLOW-MATIC."},
    "the interviewer's own": {"source": "transcript", "text": "You clearly mentored everybody there."},
}


@pytest.mark.parametrize("quoted", ["Led the team that specified FLOW-MATIC", "Chaired the committee on standards"])
def test_a_source_from_a_text_of_windows_ends_with_its_words(client, model, quoted):
    briefing = {"resume_summary": RESUME.replace("\n", "\r\n")}

    plan = planned(client, model, briefing=briefing, questions=[question(because={"source": "resume", "text": quoted})])

    assert plan["questions"][0]["because"]["text"] == quoted


@pytest.mark.parametrize("because", NO_SOURCE.values(), ids=NO_SOURCE)
def test_a_source_that_the_briefing_does_not_have_becomes_null_and_is_counted(client, model, because):
    plan = planned(client, model, questions=[question(because=because), question("And mentoring?", 2)])

    assert [question["because"] is None for question in plan["questions"]] == [True, False]
    assert left_out(plan) == ["Left out: 1 source found neither in the resume nor in the job description."]


def test_a_source_named_wrongly_is_found_where_it_is(client, model):
    plan = planned(client, model, questions=[question(because={"source": "job", "text": LINKER})])

    assert plan["questions"][0]["because"]["source"] == "resume"


PERSONAL = {
    "age": "How old are you?",
    "family": "How would your family feel about the travel?",
    "pregnancy": "Are you pregnant, or planning to be?",
    "religion": "Do you observe any religious holidays?",
    "origin": "Which country are you from?",
    "health": "Do you have any disabilities that we should know of?",
    "orientation": "Do you have a girlfriend?",
    "union": "Do you belong to any unions?",
    "criminal record": "Have you ever been to prison?",
}


@pytest.mark.parametrize("text", PERSONAL.values(), ids=PERSONAL)
def test_a_question_on_a_forbidden_topic_never_leaves_the_service(client, model, text):
    model(answer(questions=[question(), question(text, 2)]))
    name = open_briefed_room(client)

    made = make_plan(client, name)

    assert left_out(made.json()) == [
        "Left out: 1 question on a topic that must not play a part, such as age or health."
    ]
    assert made.json()["not_covered"] == ["Mentoring"]
    for accept in ("application/json", "text/html", "text/markdown"):
        assert text not in read_plan(client, name, accept).text
    assert text not in made.text


def test_forbidden_topics_are_left_out_of_what_to_listen_for_and_of_scales(client, model):
    listening = question(listen_for="Is young and has no children.")
    plan = planned(client, model, questions=[listening], scales=[scale(1, **{"5": "Native speaker."}), scale(2)])

    assert plan["questions"][0]["listen_for"] == ""
    assert [scale["focus_area"] for scale in plan["scales"]] == ["Mentoring"]
    assert left_out(plan) == [
        "Left out: 1 note on what to listen for, on a topic that must not play a part, such as age or health.",
        "Left out: 1 scale on a topic that must not play a part, such as age or health.",
    ]
    assert "1 focus area without a scale; the general one applies." in plan["warnings"]


def test_a_line_of_the_resume_on_a_forbidden_topic_is_no_source(client, model):
    family = "Married, with two children."
    plan = planned(
        client,
        model,
        briefing={"resume_summary": f"{LINKER} {family}"},
        questions=[question(because={"source": "resume", "text": family})],
    )

    assert plan["questions"][0]["because"] is None
    assert left_out(plan) == ["Left out: 1 source on a topic that must not play a part, such as age or health."]
    assert family not in json.dumps(plan)


def test_no_two_questions_are_the_same(client, model):
    texts = ["What was hard?", "what was hard", "“What was hard?”", "What was easy?"]
    plan = planned(client, model, questions=[question(text) for text in texts])

    assert [question["text"] for question in plan["questions"]] == ["What was hard?", "What was easy?"]
    assert left_out(plan) == ["Left out: 2 questions asked before in the same words."]


def test_questions_that_differ_in_a_sign_of_a_language_s_name_are_different(client, model):
    texts = ["What did you write in C?", "What did you write in C++?", "What did you write in C#?"]
    plan = planned(client, model, questions=[question(text) for text in texts])

    assert [question["text"] for question in plan["questions"]] == texts


@pytest.mark.parametrize(
    ("minutes", "wanted", "expected"),
    [
        (45, [10, 15, 20], [10, 15, 20]),
        (45, [None, None, None], [15, 15, 15]),
        (30, [10, 20, None], [7, 13, 10]),
        (10, [60, 60, 60], [3, 4, 3]),
        (180, [1, 1], [90, 90]),
        (17, [3, 1, 100, None, 3], [3, 3, 5, 3, 3]),
        (45, [1, 44], [3, 42]),
    ],
)
def test_the_times_of_the_questions_add_up(client, model, minutes, wanted, expected):
    asked = [question(f"Question {place}?", minutes=each) for place, each in enumerate(wanted)]
    model(answer(questions=asked))

    plan = make_plan(client, open_briefed_room(client), minutes=minutes).json()

    assert [question["minutes"] for question in plan["questions"]] == expected
    assert plan["minutes"] == sum(expected) == minutes


def test_questions_beyond_the_time_are_left_out_and_every_area_keeps_its_first(client, model):
    asked = [question(f"Compilers {place}?") for place in range(4)] + [question("Mentoring?", 2)]
    model(answer(questions=asked))

    plan = make_plan(client, open_briefed_room(client), minutes=10).json()

    assert [question["text"] for question in plan["questions"]] == ["Compilers 0?", "Compilers 1?", "Mentoring?"]
    assert left_out(plan) == ["Left out: 2 questions beyond the time that there is."]


def test_a_focus_area_without_a_question_is_named(client, model):
    plan = planned(client, model, questions=[question()])

    assert plan["not_covered"] == ["Mentoring"]


def test_a_question_about_the_past_with_a_fact_that_the_briefing_lacks_is_marked(client, model):
    texts = ["You led 40 people at Google. How?", "You wrote the A-0 linker. How?"]
    imagined = question("Imagine 10,000 builds a day. What breaks first?", kind="situation")
    plan = planned(client, model, questions=[*map(question, texts), imagined])

    assert [question["goes_beyond_briefing"] for question in plan["questions"]] == [True, False, False]
    assert "1 question with a number or a name that the briefing lacks; check before use." in plan["warnings"]


def proposal(name, text):
    return {"name": name, "because": {"source": "job", "text": text}}


PROPOSED = [
    proposal("Build speed", "You will keep the build of the compiler below one minute."),
    proposal("Blockchain", "You will put our compiler on the blockchain."),
    proposal("Teaching", "You will teach the newcomers of the team to write passes."),
]


def test_without_focus_areas_the_plan_proposes_those_that_the_job_description_names(client, model):
    asked = [question("How do you find a slow pass?", 1), question("Why chains?", 2), question("How do you teach?", 3)]
    plan = planned(
        client,
        model,
        briefing={"focus_areas": [], "notes": JOB},
        focus_areas=PROPOSED,
        questions=asked,
        scales=[scale(1), scale(2), scale(3)],
    )

    assert [area["name"] for area in plan["focus_areas"]] == ["Build speed", "Teaching"]
    for area in plan["focus_areas"]:
        because = area["because"]
        assert because["source"] == "job"
        assert JOB[because["start"] : because["end"]] == because["text"]
    assert [question["focus_area"] for question in plan["questions"]] == ["Build speed", "Teaching"]
    assert [scale["focus_area"] for scale in plan["scales"]] == ["Build speed", "Teaching"]
    assert left_out(plan) == [
        "Left out: 1 question on a focus area that was left out.",
        "Left out: 1 focus area proposed without a line of the job description.",
    ]


def test_without_a_job_description_the_default_competencies_are_planned(client, model):
    plan = planned(client, model, briefing={"focus_areas": [], "notes": ""})

    assert [area["name"] for area in plan["focus_areas"]] == [
        "Role-related knowledge",
        "Problem solving",
        "Collaboration",
        "Clear communication",
    ]
    assert plan["not_covered"] == ["Collaboration", "Clear communication"]
