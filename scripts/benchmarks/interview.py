"""A two-hour interview, and a model's answer about it."""

from typing import Any

TURNS = 1200
"""Number of turns, of about fifteen words each."""
CLAIMS = 16
HOSTILE_CLAIMS = 60
QUOTES = 20


def transcript() -> str:
    """The interview as text, every second line the candidate's."""
    return "\n".join(map(_line, range(TURNS)))


def model_answer() -> dict[str, Any]:
    """Claims and ratings, each with a quote from the transcript."""
    claims = [
        {"claim": f"Did thing number {number}", "kind": "strength", "evidence": [_quote(number * 60 + 2)]}
        for number in range(CLAIMS)
    ]
    ratings = [
        {"competency": number, "rating": 4, "rationale": "Gave an example.", "evidence": [_quote(number * 100)]}
        for number in (1, 2)
    ]
    return {"summary": "It went well.", "claims": claims, "ratings": ratings, "follow_up_questions": ["Why?"]}


def hostile_answer() -> dict[str, Any]:
    """As many claims as an answer may have, each with quotes of which only the last word does not occur."""
    words = "we led itself " * 21
    claims = [
        {
            "claim": f"{words}{number}",
            "kind": "strength",
            "evidence": [
                {"source": "transcript", "turn": 1, "quote": f"{words}{number}x{quote}"} for quote in range(QUOTES)
            ],
        }
        for number in range(HOSTILE_CLAIMS)
    ]
    return {"summary": words * 10, "claims": claims, "ratings": [], "follow_up_questions": [words] * CLAIMS}


def _line(number: int) -> str:
    if number % 2 == 0:
        return f"Interviewer: And how did you go about part {number} of that project, and who decided it?"
    return f"Candidate: {_said(number)}"


def _said(number: int) -> str:
    return (
        f"For part {number} I measured the old service with traces first, moved the writes to a queue, and rolled it "
        "out to a tenth of the users before I switched it over."
    )


def _quote(turn: int) -> dict[str, Any]:
    return {"source": "transcript", "turn": turn, "quote": _said(turn - 1)}
