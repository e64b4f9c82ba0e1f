"""Requests for a plan, and what a scripted model answers to them. The briefing is that of `open_briefed_room`."""

from tests.support.interviews import BRIEFING, open_briefed_room

LINKER = "Wrote the A-0 linker in 1952."
SHIPPED = "We need an engineer who has shipped a compiler."
JOB = """\
Compiler engineer
- You will keep the build of the compiler below one minute.
- You will teach the newcomers of the team to write passes.
- Nice to have: experience with debuggers and profilers."""
"""A job description that asks for several things."""


def question(text="Tell me about the linker that you wrote. What was hard?", area=1, **changes):
    """A question as a model gives it."""
    return {
        "focus_area": area,
        "text": text,
        "kind": "behaviour",
        "because": {"source": "resume", "text": LINKER},
        "listen_for": "A decision with its reasons.",
        "minutes": 10,
    } | changes


def scale(area=1, **levels):
    texts = {"1": "Names no case.", "3": "Describes one case.", "5": "Compares several cases with figures."}
    return {"focus_area": area, "levels": texts | levels}


def answer(**changes):
    """What a model answers that does its work well."""
    shipped = {"source": "job", "text": SHIPPED}
    return {
        "questions": [
            question(),
            question("How would you teach a newcomer to write a pass?", 2, kind="situation", because=None),
            question("What does a compiler need before it can be shipped?", kind="knowledge", because=shipped),
        ],
        "scales": [scale(1), scale(2)],
    } | changes


def make_plan(client, name, **body):
    return client.post(f"/api/rooms/{name}/plan", json=body)


def read_plan(client, name, accept="application/json"):
    return client.get(f"/api/rooms/{name}/plan", headers={"accept": accept})


def planned(client, model, *, briefing=None, **changes):
    """The plan that comes of this answer of the model."""
    model(answer(**changes))
    made = make_plan(client, open_briefed_room(client, **(briefing or {})))
    assert made.status_code == 200, made.text
    return made.json()


def source_text(source):
    """The text of the briefing that a source of a plan is cut from."""
    return BRIEFING["resume_summary" if source["source"] == "resume" else "notes"]
