"""The debrief as it is stored, sent and printed: claims, the quotes that carry them, ratings, how it was made."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from services.briefing import Briefing

Recommendation = Literal["Strong Hire", "Hire", "Leaning Hire", "Leaning No Hire", "No Hire", "N/A"]
Basis = Literal["transcript", "notes", "chat", "none"]
Kind = Literal["strength", "improvement"]
Speaker = Literal["candidate", "interviewer", "unknown"]


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)


class Quote(_Value):
    """Words that stand in the source, cut from it by code."""

    text: str
    """Cut from the source, never from the model's answer."""
    status: Literal["exact", "normalized"]
    """`normalized`: it matched after folding case, white space, quotation marks and dashes."""
    source: Literal["transcript", "notes"]
    """Where it stands. `notes` are the interviewer's own words about the interview."""
    speaker: Speaker | None
    """Who said it; null for notes. `unknown` where the transcript does not tell."""
    turn: int | None
    """Number of the turn, counted from 1; null for notes."""
    at: str | None
    """When it was said, as the transcript gives it; null where it gives none."""
    start: int
    """Offset of the first character in the source as it was read (`transcript[start:end] == text`)."""
    end: int
    """Offset behind the last character."""


class Evidence(_Value):
    """A claim about the candidate with at least one found quote."""

    claim: str
    kind: Kind
    quotes: list[Quote]


class UnsupportedClaim(_Value):
    """A claim of the model for which no quote was found."""

    claim: str
    kind: Kind


class ScorecardRow(_Value):
    """One competency. A rating without a found quote is no rating."""

    competency: str
    rating: int | None = Field(ge=1, le=5)
    status: Literal["assessed", "not_assessed"]
    rationale: str
    quotes: list[Quote]


class Score(_Value):
    """How the ratings became a recommendation."""

    mean: float | None
    """Mean of the assessed ratings, rounded to two places; null when none is assessed."""
    assessed: int
    total: int
    rule: str
    """The published rule that applied, in words."""


class Grounding(_Value):
    """How much of what the model proposed stood in the source."""

    quotes_proposed: int
    quotes_found: int
    claims_supported: int
    claims_total: int


class Usage(_Value):
    """Tokens and cost as the provider counted them; null where it did not say. `cost` is in US dollars."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    total_tokens: int | None = None
    cost: float | None = None


class Debrief(_Value):
    """What the interview showed. The model reads, code checks and scores, a person decides."""

    room_name: str
    version: int
    """Counts from 1; every regeneration is a new version."""
    summary: str
    strengths: list[str]
    improvements: list[str]
    follow_up_questions: list[str]
    recommendation: Recommendation
    original_briefing: Briefing | None
    evidence: list[Evidence]
    unsupported: list[UnsupportedClaim]
    scorecard: list[ScorecardRow]
    score: Score
    basis: Basis
    warnings: list[str]
    grounding: Grounding
    turns_read: int
    """How many turns of the transcript were read."""
    model: str | None
    """The model that answered; null when none was asked."""
    usage: Usage | None
    prompt_version: str
    created_at: datetime
    ai_generated: Literal[True] = True
