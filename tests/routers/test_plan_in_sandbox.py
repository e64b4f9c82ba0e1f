"""A plan that the sandbox made: from the given text, and marked as emulated wherever it is shown."""

from tests.routers.plan_calls import JOB, SHIPPED, make_plan, read_plan
from tests.support.interviews import open_briefed_room


def test_the_sandbox_plans_from_the_given_text_and_says_that_it_is_emulated(sandbox):
    name = open_briefed_room(sandbox)

    plan = make_plan(sandbox, name).json()

    assert plan["emulated"]
    assert {question["focus_area"] for question in plan["questions"]} == {"Compilers", "Mentoring"}
    assert SHIPPED in [question["because"]["text"] for question in plan["questions"] if question["because"]]
    assert "Left out: 1 source found neither in the resume nor in the job description." in plan["warnings"]
    for form in ("text/html", "text/markdown"):
        assert "Emulated" in read_plan(sandbox, name, form).text


def test_the_sandbox_proposes_focus_areas_from_the_job_description(sandbox):
    name = open_briefed_room(sandbox, focus_areas=[], notes=JOB)

    areas = make_plan(sandbox, name).json()["focus_areas"]

    assert 3 <= len(areas) <= 6
    assert all(area["because"]["text"] in JOB for area in areas)


def test_the_sandbox_proposes_enough_focus_areas_where_some_lines_are_about_forbidden_topics(sandbox):
    job = f"""{JOB}
- You will measure how long each pass of the compiler takes.
- We offer parental leave, a pension and help with childcare for your children.
- We hire without regard to age, religion, disability, sexual orientation or union membership."""
    name = open_briefed_room(sandbox, focus_areas=[], notes=job)

    areas = make_plan(sandbox, name).json()["focus_areas"]

    assert 3 <= len(areas) <= 6
