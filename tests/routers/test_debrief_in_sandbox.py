"""A debrief that the sandbox made: marked as emulated wherever it is shown, also after it is saved."""

from tests.support.interviews import TRANSCRIPT, open_room


def test_sandbox_debrief_is_marked_as_emulated_in_every_form(sandbox):
    name = open_room(sandbox, interviewer_name="Jonas Weber", candidate_name="Grace Hopper")

    made = sandbox.post(f"/api/rooms/{name}/debrief", json={"transcript": TRANSCRIPT}).json()

    assert made["emulated"]
    assert sandbox.get(f"/api/rooms/{name}/debrief").json() == made
    for form in ("text/html", "text/markdown"):
        report = sandbox.get(f"/api/rooms/{name}/debrief", headers={"accept": form}).text
        assert "Emulated data." in report
        assert "Grace Hopper" in report
        assert "Jonas Weber" in report
