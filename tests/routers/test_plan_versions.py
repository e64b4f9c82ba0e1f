"""Question plans that are made, stored, streamed, read in other forms, and deleted."""

import pytest

from tests.routers.plan_calls import LINKER, answer, make_plan, question, read_plan
from tests.support.event_streams import events
from tests.support.interviews import BRIEFING, COMPLETIONS, DAILY, completion, open_briefed_room, open_room, sent_to
from tests.support.problems import assert_problem

pytestmark = pytest.mark.usefixtures("daily")


def test_a_plan_without_a_briefing_is_404_and_asks_no_model(client, vendors):
    name = open_room(client)

    assert_problem(make_plan(client, name), 404, "briefing_not_found")
    assert_problem(read_plan(client, name), 404, "plan_not_found")
    assert not sent_to(vendors, COMPLETIONS)


@pytest.mark.parametrize("minutes", [9, 181, 30.5, "soon"])
def test_minutes_out_of_bounds_are_refused(client, vendors, minutes):
    problem = assert_problem(make_plan(client, open_briefed_room(client), minutes=minutes), 422, "invalid_input")

    assert problem["errors"][0]["field"] == "minutes"
    assert not sent_to(vendors, COMPLETIONS)


def test_a_plan_needs_no_body(client, model):
    model(answer())

    made = client.post(f"/api/rooms/{open_briefed_room(client)}/plan")

    assert made.json()["minutes"] == 45


def test_a_new_plan_is_a_new_version_and_the_latest_is_read(client, model):
    model(answer(), answer(questions=[question("What is new?")]))
    name = open_briefed_room(client)

    versions = [make_plan(client, name).json()["version"] for _ in range(2)]

    assert versions == [1, 2]
    assert read_plan(client, name).json()["questions"][0]["text"] == "What is new?"


def test_the_same_idempotency_key_makes_one_plan(client, model, vendors):
    model(answer())
    name = open_briefed_room(client)
    key = {"Idempotency-Key": "plan-1"}

    first, second = (client.post(f"/api/rooms/{name}/plan", json={}, headers=key) for _ in range(2))
    other = client.post(f"/api/rooms/{name}/plan", json={"minutes": 60}, headers=key)

    assert first.json() == second.json()
    assert second.headers["idempotency-replayed"] == "true"
    assert_problem(other, 422, "idempotency_key_reused")
    assert len(sent_to(vendors, COMPLETIONS)) == 1


def test_a_streamed_plan_sends_its_stages_and_then_the_plan(client, model):
    model(answer())
    name = open_briefed_room(client)

    stream = client.post(f"/api/rooms/{name}/plan", json={}, headers={"accept": "text/event-stream"})

    sent = events(stream)
    assert [event for event, _ in sent] == ["progress", "progress", "done"]
    assert [fields["stage"] for event, fields in sent if event == "progress"] == ["planning", "checking"]
    assert sent[-1][1] == read_plan(client, name).json()


def test_a_streamed_plan_that_fails_ends_with_one_error(client, vendors):
    vendors.post(COMPLETIONS).respond(json=completion("No plan today."))
    name = open_briefed_room(client)

    stream = client.post(f"/api/rooms/{name}/plan", json={}, headers={"accept": "text/event-stream"})

    name_of_last, problem = events(stream)[-1]
    assert (name_of_last, problem["code"]) == ("error", "provider_bad_answer")


def test_a_briefing_that_is_saved_anew_moves_the_sources_or_loses_them(client, model):
    model(answer())
    name = open_briefed_room(client)
    make_plan(client, name)

    resume = f"Grace Hopper\n{BRIEFING['resume_summary']}"
    client.post(
        f"/api/rooms/{name}/briefing",
        json=BRIEFING | {"resume_summary": resume, "notes": "Another job.", "focus_areas": ["Compilers", "Testing"]},
    )

    plan = read_plan(client, name).json()
    first, *_, last = [question["because"] for question in plan["questions"]]
    assert resume[first["start"] : first["end"]] == first["text"] == LINKER
    assert last is None
    assert plan["not_covered"] == ["Testing"]
    assert plan["warnings"] == ["Left out: 1 source no longer found in the briefing."]


def test_the_page_and_the_markdown_show_the_plan(client, model):
    model(answer())
    name = open_briefed_room(client)
    make_plan(client, name)

    page, markdown = (read_plan(client, name, accept) for accept in ("text/html", "text/markdown"))

    assert "default-src 'none'" in page.headers["content-security-policy"]
    for text in (page.text, markdown.text.replace("\\", "")):
        assert "Grace Hopper" in text
        assert "Tell me about the linker that you wrote." in text
        assert LINKER in text
        assert "Compares several cases with figures." in text


@pytest.mark.parametrize("accept", ["text/html", "text/markdown"])
def test_a_plan_with_one_question_says_so(client, model, accept):
    model(answer(questions=[question()]))
    name = open_briefed_room(client)
    make_plan(client, name)

    page = read_plan(client, name, accept).text

    assert "1 question" in page
    assert "1 questions" not in page


def test_a_page_of_a_plan_runs_nothing_that_a_model_wrote(client, model):
    model(answer(questions=[question("<script>alert(1)</script> ![x](https://evil.test/x.png)")]))
    name = open_briefed_room(client)
    make_plan(client, name)

    assert "<script" not in read_plan(client, name, "text/html").text
    markdown = read_plan(client, name, "text/markdown").text
    assert "<script" not in markdown
    assert "![x](" not in markdown


def test_a_plan_is_deleted_with_its_room_and_counted(client, model, vendors):
    model(answer())
    name = open_briefed_room(client)
    make_plan(client, name)
    make_plan(client, name)

    receipt = client.delete(f"/api/rooms/{name}").json()

    assert receipt["deleted"]["plans"] == 2
    vendors.get(url__startswith=f"{DAILY}/rooms/").respond(404, json={"error": "not-found"})
    assert_problem(read_plan(client, name), 404, "room_not_found")
