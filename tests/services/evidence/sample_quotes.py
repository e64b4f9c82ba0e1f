"""Quotes for the sample debriefs."""

from typing import Any

from services.evidence.debrief import Cut, Quote


def quote(text: str, turn: int | None = 1, **changes: Any) -> Quote:
    """A quote of the candidate. Turns are a thousand characters apart."""
    start = 1000 * (turn or 0)
    fields: dict[str, Any] = {
        "text": text,
        "status": "exact",
        "source": "transcript",
        "speaker": "candidate",
        "turn": turn,
        "at": f"00:{turn:02}:31" if turn else None,
        "start": start,
        "end": start + len(text),
    }
    return Quote(**fields | changes)


MIGRATION = quote(
    "I wrote the plan for splitting the ledger table, ran it against a copy of production for two weeks, and only then touched the real one.",
    12,
    at="00:12:31.250",
    question="How did you change the ledger without stopping it?",
    cut=Cut(start=49, end=105),
)
ROLLBACK = quote(
    "We had a rollback for every step, and we used it twice. Nobody outside the team noticed either time.", 14
)
IDEMPOTENCY = quote(
    "Every payment call carried a key that we stored with the result, so a retry could never charge a card twice.", 18
)
QUEUE = quote(
    "I “owned” the queue rewrite — end to end — and it took the nightly backlog from four hours to about eleven minutes.",
    21,
    status="normalized",
    cut=Cut(start=0, end=43),
)
MENTORING = quote("I paired with both juniors every Tuesday until they ran the on-call rotation without me.", 27)
DISAGREE = quote(
    "I told the product lead that the date was wrong, and I brought the three numbers that showed why.", 31
)
POSTMORTEM = quote("The postmortem had my name on the cause, because it was my change, and that was fine.", 33)
ALERTS = quote("We did not really have alerts on that path. I found out from a customer.", 38)
KUBERNETES = quote("Kubernetes, I mostly copied what the platform team gave us.", 41)
TESTS = quote(
    "Load tests, no, we never got round to those. It was always the next quarter.", 44, speaker="unknown", at=None
)
VAGUE = quote("It was, you know, a lot of stakeholders, so it kind of sorted itself out over time.", 47)
NOTES = quote(
    "Took a long time to get to the trade-off; needed two prompts.",
    None,
    source="notes",
    speaker=None,
    start=212,
    end=273,
)
