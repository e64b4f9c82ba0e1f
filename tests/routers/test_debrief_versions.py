"""Debriefs that are stored, found again, streamed, and read in other forms."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from tests.routers.debrief_calls import LED, debrief, reading
from tests.support.event_streams import events
from tests.support.interviews import (
    BRIEFING,
    TRANSCRIPT,
    open_briefed_room,
)

pytestmark = pytest.mark.usefixtures("daily")


def test_same_input_within_an_hour_returns_the_stored_debrief(client, model, clock):
    route = model(reading(), reading(summary="Something else."))
    name = open_briefed_room(client)

    first = debrief(client, name)
    clock.advance(minutes=59)
    second = debrief(client, name)

    assert first.json() == second.json()
    assert route.call_count == 1


def test_unchanged_briefing_saved_again_is_the_same_input(client, model, clock):
    route = model(reading())
    name = open_briefed_room(client)
    debrief(client, name)

    clock.advance(minutes=1)
    client.post(f"/api/rooms/{name}/briefing", json=BRIEFING)
    again = debrief(client, name).json()

    assert again["version"] == 1
    assert route.call_count == 1


def test_new_version_is_made_after_an_hour_for_other_input_or_on_demand(client, model, clock):
    route = model(reading())
    name = open_briefed_room(client)
    debrief(client, name)

    other_notes = debrief(client, name, notes="More.").json()
    on_demand = client.post(f"/api/rooms/{name}/debrief?regenerate=true", json={"transcript": TRANSCRIPT}).json()
    client.post(
        f"/api/rooms/{name}/briefing", json={"candidate_name": "Grace", "focus_areas": ["Compilers", "Teaching"]}
    )
    other_briefing = debrief(client, name).json()
    clock.advance(minutes=61)
    later = debrief(client, name).json()

    versions = [answer["version"] for answer in (other_notes, on_demand, other_briefing, later)]
    assert versions == [2, 3, 4, 5]
    assert route.call_count == 5


def test_simultaneous_identical_requests_make_one_debrief(client, model):
    route = model(reading())
    name = open_briefed_room(client)

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: debrief(client, name).json(), range(4)))

    assert all(answer == answers[0] for answer in answers)
    assert route.call_count == 1


def test_the_latest_debrief_can_be_read_again(client, model):
    model(reading(), reading(summary="The second one."))
    name = open_briefed_room(client)

    none_yet = client.get(f"/api/rooms/{name}/debrief")
    debrief(client, name)
    made = debrief(client, name, notes="More.").json()

    assert (none_yet.status_code, none_yet.json()["code"]) == (404, "debrief_not_found")
    assert client.get(f"/api/rooms/{name}/debrief").json() == made


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("text/html,application/xhtml+xml,*/*;q=0.8", "text/html; charset=utf-8"),
        ("text/markdown", "text/markdown; charset=utf-8"),
        ("application/json", "application/json"),
        ("*/*", "application/json"),
        ("text/markdown;q=0.5, text/html;q=0.9", "text/html; charset=utf-8"),
    ],
)
def test_report_format_follows_the_accept_header(client, model, accept, kind):
    model(reading())
    name = open_briefed_room(client)
    debrief(client, name)

    answer = client.get(f"/api/rooms/{name}/debrief", headers={"accept": accept})

    assert answer.headers["content-type"] == kind
    assert LED in answer.text


def test_report_page_contains_no_markup_of_the_candidate(client, model):
    model(reading(summary="<script>alert(1)</script>"))
    name = open_briefed_room(client, candidate_name="<img src=x onerror=alert(1)>")
    debrief(client, name)

    page = client.get(f"/api/rooms/{name}/debrief", headers={"accept": "text/html"})

    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "<script" not in page.text
    assert "<img" not in page.text


def test_a_streamed_debrief_sends_its_stages_and_then_the_debrief(client, model):
    model(reading())
    name = open_briefed_room(client)

    answer = client.post(
        f"/api/rooms/{name}/debrief", json={"transcript": TRANSCRIPT}, headers={"accept": "text/event-stream"}
    )

    *stages, (last, done) = events(answer)
    assert [stage["stage"] for kind, stage in stages if kind == "progress"] == ["reading", "analysing", "checking"]
    assert last == "done"
    assert done == client.get(f"/api/rooms/{name}/debrief").json()


def test_a_streamed_debrief_that_fails_ends_with_one_error(client, model):
    model("no json at all")
    name = open_briefed_room(client)

    answer = client.post(
        f"/api/rooms/{name}/debrief", json={"transcript": TRANSCRIPT}, headers={"accept": "text/event-stream"}
    )

    kinds = [kind for kind, _ in events(answer)]
    assert kinds.count("error") == 1
    assert kinds[-1] == "error"
    assert events(answer)[-1][1]["code"] == "provider_bad_answer"


def test_failure_before_a_streamed_debrief_is_a_plain_problem(start, vendors):
    client = start(openrouter_api_key=None)
    name = open_briefed_room(client)

    answer = client.post(
        f"/api/rooms/{name}/debrief", json={"transcript": TRANSCRIPT}, headers={"accept": "text/event-stream"}
    )

    assert (answer.status_code, answer.json()["code"]) == (503, "provider_not_configured")


OF_ANOTHER_VERSION = {
    "other fields": '{"verdict": "She told us about her divorce."}',
    "other types": '{"room_name": "r", "version": "She told us about her divorce.", "summary": {}}',
    "not JSON": "She told us about her divorce.",
}


@pytest.mark.parametrize("document", OF_ANOTHER_VERSION.values(), ids=OF_ANOTHER_VERSION)
def test_a_debrief_of_another_version_is_a_problem_and_is_made_again(start, model, document, tmp_path, caplog):
    model(reading())
    client = start(database_url=f"sqlite:///{tmp_path}/rooms.db")
    name = open_briefed_room(client)
    debrief(client, name)
    with closing(sqlite3.connect(tmp_path / "rooms.db")) as database, database:
        database.execute("UPDATE debriefs SET document = ?", (document,))

    unreadable = client.get(f"/api/rooms/{name}/debrief")
    again = debrief(client, name)

    assert (unreadable.status_code, unreadable.json()["code"]) == (503, "record_unreadable")
    assert "debrief" in unreadable.json()["detail"]
    assert "a stored debrief can't be read" in caplog.text
    assert "divorce" not in caplog.text + unreadable.text
    assert again.json()["version"] == 2
    assert client.get(f"/api/rooms/{name}/debrief").json() == again.json()
