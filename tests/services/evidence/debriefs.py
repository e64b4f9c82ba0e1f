"""Debriefs to print: typical, almost empty, with nothing to analyse, emulated and inferred, written by an attacker."""

from datetime import UTC, datetime
from typing import Any

from services.briefing import Briefing
from services.evidence.debrief import (
    Cut,
    Debrief,
    DebriefSpeaker,
    Evidence,
    Grounding,
    Hinge,
    InterviewNumbers,
    Kind,
    LongestAnswer,
    Quote,
    RatingChange,
    Refused,
    Score,
    ScorecardRow,
    UnlawfulTopic,
    UnsupportedClaim,
)
from services.evidence.scoring import score
from services.evidence.sensitivity import analyse
from tests.services.evidence.sample_quotes import (
    ALERTS,
    DISAGREE,
    IDEMPOTENCY,
    KUBERNETES,
    MENTORING,
    MIGRATION,
    NOTES,
    POSTMORTEM,
    QUEUE,
    ROLLBACK,
    TESTS,
    VAGUE,
    quote,
)

CREATED_AT = datetime(2026, 11, 23, 16, 5, 12, tzinfo=UTC)


def cut(text: str, chosen: str) -> Cut:
    """Marks the words that the model chose."""
    return Cut(start=text.index(chosen), end=text.index(chosen) + len(chosen))


def claim(kind: Kind, text: str, *quotes: Quote, **marks: bool) -> Evidence:
    return Evidence(claim=text, kind=kind, quotes=list(quotes), **marks)


def row(competency: str, rating: int | None, rationale: str, *quotes: Quote) -> ScorecardRow:
    status = "not_assessed" if rating is None else "assessed"
    return ScorecardRow(competency=competency, rating=rating, status=status, rationale=rationale, quotes=list(quotes))


def scored(scorecard: list[ScorecardRow]) -> dict[str, Any]:
    """The recommendation and the score of these rows."""
    recommendation, result = score([row.rating for row in scorecard])
    sensitivity = analyse(scorecard)._asdict()
    return {"scorecard": scorecard, "recommendation": recommendation, "score": result.model_copy(update=sensitivity)}


def numbers(**changes: Any) -> InterviewNumbers:
    fields: dict[str, Any] = {
        "interviewers": ["Jonas Weber"],
        "candidate": "Ada Okafor",
        "opened_at": CREATED_AT,
        "duration_seconds": 2710.0,
        "words": {"interviewer": 1210, "candidate": 4890},
        "seconds": {"interviewer": 610.0, "candidate": 2075.5},
        "share": {"interviewer": 0.2, "candidate": 0.8},
        "questions_asked": 19,
        "longest_answer": LongestAnswer(turn=12, words=310, seconds=95.0),
        "unlawful_topics": [],
    }
    return InterviewNumbers(**fields | changes)


def briefing(**changes: Any) -> Briefing:
    fields: dict[str, Any] = {
        "room_name": "interview-4f9c2d",
        "candidate_name": "Ada Okafor",
        "role": "Senior Backend Engineer, Payments",
        "resume_summary": "",
        "notes": "",
        "focus_areas": (),
        "briefing_prompt": "",
        "updated_at": CREATED_AT,
    }
    return Briefing.model_construct(**fields | changes)


def debrief(**changes: Any) -> Debrief:
    """A debrief without claims, changed by the fields that a test gives."""
    evidence: list[Evidence] = changes.get("evidence", [])
    fields: dict[str, Any] = {
        "room_name": "interview-4f9c2d",
        "version": 1,
        "summary": "",
        "strengths": [item.claim for item in evidence if item.kind == "strength"],
        "improvements": [item.claim for item in evidence if item.kind == "improvement"],
        "follow_up_questions": [],
        "recommendation": "N/A",
        "original_briefing": briefing(),
        "evidence": evidence,
        "unsupported": [],
        "scorecard": [],
        "score": Score(mean=None, assessed=0, total=0, rule="Fewer than half of the competencies were assessed"),
        "basis": "transcript",
        "warnings": [],
        "grounding": Grounding(quotes_proposed=0, quotes_found=0, claims_supported=0, claims_total=0),
        "turns_read": 0,
        "model": "anthropic/claude-sonnet-4.5",
        "usage": None,
        "prompt_version": "2026-11-23",
        "created_at": CREATED_AT,
    }
    return Debrief(**fields | changes)


def typical() -> Debrief:
    """Eight claims, five competencies, twelve quotes."""
    return debrief(
        version=2,
        summary=(
            "The candidate described two large changes to a payments system in detail, with the checks made before "
            "and after each, and was open about the incident that one of them caused. Examples of work with other "
            "teams were fewer and shorter. Observability and load testing came up only as things that had been left "
            "undone, and system design at the scale of the role was hardly discussed."
        ),
        evidence=[
            claim(
                "strength",
                "Plans risky data migrations and rehearses them before touching production",
                MIGRATION,
                ROLLBACK,
            ),
            claim("strength", "Designs payment calls so that retries are safe", IDEMPOTENCY),
            claim("strength", "Takes a project from the first idea to a measured result", QUEUE),
            claim("strength", "Grows colleagues until they no longer need help", MENTORING, goes_beyond_quotes=True),
            claim("strength", "Disagrees with evidence and owns mistakes in the open", DISAGREE, POSTMORTEM),
            claim("improvement", "Shipped a critical path without monitoring", ALERTS),
            claim("improvement", "Leaves operations and load testing to others", KUBERNETES, TESTS),
            claim("improvement", "Explains trade-offs and stakeholder decisions only vaguely", VAGUE, NOTES),
        ],
        unsupported=[
            UnsupportedClaim(claim="Led a team of twelve engineers across three time zones", kind="strength"),
            UnsupportedClaim(claim="Has little experience with relational databases", kind="improvement"),
        ],
        **scored(
            [
                row(
                    "Data modelling and migrations",
                    5,
                    "A staged plan, a rehearsal on real volume and two rollbacks that worked.",
                    MIGRATION,
                    ROLLBACK,
                ),
                row("API reliability", 4, "Idempotency was designed in, not added later.", IDEMPOTENCY, QUEUE),
                row(
                    "Operations and observability",
                    2,
                    "No alerts on a path that customers paid through; platform work copied.",
                    ALERTS,
                    KUBERNETES,
                ),
                row(
                    "Collaboration", 4, "Concrete pairing and a disagreement argued with numbers.", MENTORING, DISAGREE
                ),
                row("System design at scale", None, "The conversation did not reach it."),
            ]
        ),
        follow_up_questions=[
            "Which alerts would you put on the payment path today, and who would they wake?",
            "Walk through the design of the ledger for ten times the present volume. What breaks first?",
            "What would a load test of the queue have shown you before the release?",
            "How was the disagreement about the date settled, and by whom?",
        ],
        warnings=[
            "The transcript does not say who spoke in 3 of 52 turns.",
            "A passage in the resume addresses the model. It was treated as text and changed nothing.",
        ],
        grounding=Grounding(
            quotes_proposed=15,
            quotes_found=12,
            refused=Refused(not_found=2, wrong_speaker=1),
            claims_supported=8,
            claims_total=10,
            claims_beyond_quotes=1,
        ),
        speakers=[
            DebriefSpeaker(
                label="Jonas Weber",
                role="interviewer",
                because="the name the room was opened with",
                turns=26,
                words=1210,
            ),
            DebriefSpeaker(
                label="Ada Okafor", role="candidate", because="the candidate's full name", turns=26, words=4890
            ),
        ],
        interview=numbers(unlawful_topics=[UnlawfulTopic(turn=9, topic="family")]),
        turns_read=52,
    )


def inferred() -> Debrief:
    """Made by the sandbox, of a transcript whose candidate was inferred, resting on one empty sentence."""
    empty = quote("We did it all as a team, as one does.", 2, at="00:14:10.000")
    return debrief(
        summary="Strengths: Works with others.",
        evidence=[
            claim("strength", "Works with others", empty, shares_quote_with_other_kind=True),
            claim("improvement", "Says little of an own part", empty, shares_quote_with_other_kind=True),
        ],
        **scored(
            [
                row("Role-related knowledge", 4, "", empty),
                row("Collaboration", 4, "", empty),
                row("Mentoring", None, "Not assessed."),
            ]
        ),
        grounding=Grounding(quotes_proposed=4, quotes_found=4, refused=Refused(), claims_supported=2, claims_total=2),
        speakers=[
            DebriefSpeaker(
                label="Speaker 2",
                role="candidate",
                because="the only other speaker is the interviewer",
                turns=1,
                words=9,
                by_elimination=True,
            )
        ],
        interview=numbers(duration_seconds=None, seconds=None),
        emulated=True,
        turns_read=2,
    )


def not_enough() -> Debrief:
    """One competency of four was assessed."""
    heard = quote("I like to work with people.", 3)
    return debrief(
        summary="The call ended after a few minutes.",
        evidence=[claim("strength", "Says that collaboration matters to them", heard)],
        scorecard=[
            row("Role-related knowledge", None, ""),
            row("Problem solving", None, ""),
            row("Collaboration", 1, "A preference was stated and nothing told.", heard),
            row("Clear communication", None, ""),
        ],
        score=Score(
            range=("No Hire", "Hire"),
            hinges_on=[],
            next=[],
            mean=1.0,
            assessed=1,
            total=4,
            rule="Fewer than half of the competencies were assessed",
        ),
        grounding=Grounding(quotes_proposed=2, quotes_found=1, claims_supported=1, claims_total=1),
        turns_read=6,
    )


def nothing_to_analyse() -> Debrief:
    """No transcript, notes or chat, and no briefing either."""
    return debrief(
        original_briefing=None,
        summary="There was no transcript, no notes and no chat to analyse.",
        scorecard=[row(name, None, "") for name in ("Role-related knowledge", "Problem solving", "Collaboration")],
        score=Score(mean=None, assessed=0, total=3, rule="Fewer than half of the competencies were assessed"),
        basis="none",
        model=None,
    )


def everywhere(text: str) -> Debrief:
    """A debrief with the same text in every field that third parties or a model can write."""
    said = quote(text, 7, at=text, question=text)
    speaker = DebriefSpeaker(label=text, role="candidate", because=text, turns=1, words=1, by_elimination=True)
    return debrief(
        room_name=text,
        summary=text,
        emulated=True,
        follow_up_questions=[text],
        recommendation="Hire",
        original_briefing=briefing(candidate_name=text, role=text),
        evidence=[claim("strength", text, said), claim("improvement", text, said)],
        unsupported=[UnsupportedClaim(claim=text, kind="strength")],
        scorecard=[
            row(text, 4, text, said),
            row(text, None, text),
            row("Rated alone", 3, text, quote(text, 9, at=text)),
        ],
        score=Score(
            mean=4.0,
            assessed=1,
            total=2,
            rule=text,
            range=("No Hire", "Hire"),
            hinges_on=[
                Hinge(competency=text, quote=said, without="N/A"),
                Hinge(competency=text, quote=None, without="Hire"),
            ],
            next=[RatingChange(competency=text, from_=4, to=3, recommendation="Leaning Hire")],
        ),
        speakers=[speaker],
        interview=numbers(interviewers=[text], candidate=text, unlawful_topics=[UnlawfulTopic(turn=1, topic=text)]),
        warnings=[text],
        model=text,
        prompt_version=text,
    )
