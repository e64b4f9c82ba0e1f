"""Requests for a debrief, and what a scripted model answers to them."""

from tests.support.interviews import TRANSCRIPT

LED = "I led the migration of the payroll programs to our new compiler"
TAUGHT = "I taught two classes a week"


def quote(text, turn=2, source="transcript"):
    return {"source": source, "turn": turn, "quote": text}


def reading(**changes):
    """A correct answer of a model."""
    return {
        "summary": "Grace described a migration and her teaching.",
        "claims": [
            {"claim": "Led a migration", "kind": "strength", "evidence": [quote(LED)]},
            {"claim": "Taught little beyond classes", "kind": "improvement", "evidence": [quote(TAUGHT, 4)]},
        ],
        "ratings": [
            {"competency": 1, "rating": 5, "rationale": "Names what changed.", "evidence": [quote(LED)]},
            {"competency": 2, "rating": 4, "rationale": "Taught regularly.", "evidence": [quote(TAUGHT, 4)]},
        ],
        "follow_up_questions": ["How was the run time measured?"],
    } | changes


def debrief(client, name, **body):
    return client.post(f"/api/rooms/{name}/debrief", json={"transcript": TRANSCRIPT} | body)
