"""Voice in the sandbox: no vendor, the same calls."""

from tests.support.interviews import open_briefed_room


def test_sandbox_call_rings_is_answered_and_ends(sandbox, clock):
    where = sandbox.post(
        f"/api/rooms/{open_briefed_room(sandbox)}/briefing/call", json={"phone_number": "+14155550100"}
    ).headers["location"]

    states = []
    for _ in range(4):
        states.append(sandbox.get(where).json())
        clock.advance(seconds=7)

    assert [states[0]["status"], states[-1]["status"]] == ["queued", "ended"]
    assert states[-1]["duration_seconds"] == 15


def test_sandbox_issues_a_token(sandbox):
    answer = sandbox.post(f"/api/rooms/{open_briefed_room(sandbox)}/realtime/token")

    assert answer.status_code == 201
    assert answer.json()["client_secret"].startswith("ek_sandbox_")
    assert answer.headers["x-sandbox"] == "true"


def test_web_page_call_works_in_the_sandbox_without_a_key(sandbox):
    answer = sandbox.post("/api/realtime/session", json={"candidate_name": "Grace Hopper"})

    assert answer.status_code == 200
    assert answer.json()["modalities"] == ["audio"]
