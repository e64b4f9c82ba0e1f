"""The debrief as it is stored, sent and printed: claims with their quotes, ratings, and how they were made."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, model_validator

from services.briefing import Briefing
from services.plan import Scale
from services.text.fields import ResponseModel
from services.transcript.transcript import Role
from services.usage import Usage

Recommendation = Literal["Strong Hire", "Hire", "Leaning Hire", "Leaning No Hire", "No Hire", "N/A"]
Basis = Literal["transcript", "notes", "chat", "none"]
Kind = Literal["strength", "improvement"]
RefusalReason = Literal["not_found", "wrong_speaker", "no_such_turn", "too_short", "reversed"]


class Cut(ResponseModel):
    """The words that the model chose: `text[start:end]`."""

    start: int
    end: int


class Quote(ResponseModel):
    """Whole sentences from the source, at most 600 characters."""

    text: str
    """Cut from the source by code, never taken from the model's answer."""
    cut: Cut
    """The words that the model chose. Empty where a sentence goes on in a turn that the model did not quote."""
    status: Literal["exact", "normalized"]
    """`normalized`: found after evening out case, white space, quotation marks, dashes and Markdown marks."""
    source: Literal["transcript", "notes"]
    """`notes` are the interviewer's own words about the interview."""
    speaker: Role | None
    """Role of the speaker; null for notes. `unknown` where the transcript does not say."""
    turn: int | None
    """Number of the turn, counted from 1; null for notes."""
    at: str | None
    """Time as the transcript gives it; null where it gives none."""
    question: str | None = None
    """The interviewer's last question before the turn; null where there is none."""
    start: int
    """Offset of the first character in the source as it was read (`transcript[start:end] == text`)."""
    end: int
    """Offset behind the last character."""
    truncated: bool = False
    """Whether the sentence is longer than 600 characters, so that its beginning or its end is missing."""
    continues: bool = False
    """Whether it continues the quote before it, from which it is apart in the transcript or by the length limit."""

    @model_validator(mode="before")
    @classmethod
    def _mark_whole_text(cls, value: Any) -> Any:
        """Debriefs of version 1.0 have no cut: their text is exactly what the model chose."""
        if isinstance(value, dict) and "cut" not in value and isinstance(value.get("text"), str):
            return value | {"cut": {"start": 0, "end": len(value["text"])}}
        return value


class Evidence(ResponseModel):
    """A claim about the candidate with at least one found quote."""

    claim: str
    kind: Kind
    quotes: list[Quote]
    goes_beyond_quotes: bool = False
    """Whether the claim has a number or a proper name that occurs in none of its quotes."""
    shares_quote_with_other_kind: bool = False
    """Whether one of its quotes also carries a claim of the other kind."""


class UnsupportedClaim(ResponseModel):
    """A claim of the model without a found quote, or one that contains such a claim."""

    claim: str
    kind: Kind


class ScorecardRow(ResponseModel):
    """The rating of one competency. A rating without a found quote becomes null."""

    competency: str
    rating: int | None = Field(ge=1, le=5)
    status: Literal["assessed", "not_assessed"]
    rationale: str
    quotes: list[Quote]


class Hinge(ResponseModel):
    """A single quote or rating without which the recommendation would be another."""

    competency: str
    quote: Quote | None
    """The quote that is removed, from every rating that rests on it; null: the rating itself is removed."""
    without: Recommendation
    """The recommendation without it."""


class RatingChange(ResponseModel):
    """A change of one rating that changes the recommendation."""

    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True, serialize_by_alias=True)

    competency: str
    from_: Annotated[int, Field(alias="from")]
    to: int
    recommendation: Recommendation


class Score(ResponseModel):
    """How the ratings became a recommendation, and what it depends on. Null where a version 1.0 debrief lacks it."""

    mean: float | None
    """Mean of the assessed ratings, rounded to two places; null when none is assessed."""
    assessed: int
    total: int
    rule: str
    """The published rule that applied, in words."""
    range: tuple[Recommendation, Recommendation] | None = None
    """The recommendations if everything not assessed were rated 1, and if it were rated 5."""
    hinges_on: list[Hinge] | None = None
    """Single quotes and ratings whose removal changes the recommendation."""
    next: list[RatingChange] | None = None
    """The smallest changes of one rating that change the recommendation; each alone does."""


class Refused(ResponseModel):
    """How many proposed quotes were refused, by reason."""

    not_found: int = 0
    """The words occur nowhere."""
    wrong_speaker: int = 0
    """The words are not the candidate's."""
    no_such_turn: int = 0
    """The turn does not exist, and the words do not occur exactly once elsewhere."""
    too_short: int = 0
    """Fewer than twelve characters or three words."""
    reversed: int = 0
    """The words start right after, or end right before, their own negation."""


class Grounding(ResponseModel):
    """How much of what the model proposed was found in the source."""

    quotes_proposed: int
    quotes_found: int
    refused: Refused | None = None
    """Null in debriefs of version 1.0."""
    claims_supported: int
    claims_total: int
    claims_beyond_quotes: int = 0
    """Supported claims with a number or a proper name that occurs in none of their quotes."""


class DebriefSpeaker(ResponseModel):
    """A speaker of the transcript, and why the role was assigned."""

    label: str
    role: Role
    because: str
    turns: int
    words: int
    by_elimination: bool = False
    """Whether the role was not stated anywhere, but inferred because the only other speaker is the interviewer."""


class LongestAnswer(ResponseModel):
    """The candidate's turn with the most words."""

    turn: int
    words: int
    seconds: float | None


class UnlawfulTopic(ResponseModel):
    """A turn of the interviewer on a topic that should not be asked about."""

    turn: int
    topic: str


class InterviewNumbers(ResponseModel):
    """The conversation in numbers, counted by code: for the interviewer, and no evidence about the candidate."""

    interviewers: list[str]
    """Names that the room was opened with."""
    candidate: str | None
    opened_at: datetime | None
    """When the room was opened."""
    duration_seconds: float | None
    """From the first time in the transcript to the last; null where it gives fewer than two."""
    words: dict[Role, int]
    seconds: dict[Role, float] | None
    """From the start of each turn to the start of the next, so without the last turn; null without times."""
    share: dict[Role, float]
    """Share of the words, from 0 to 1."""
    questions_asked: int
    """Question marks in the interviewer's turns."""
    longest_answer: LongestAnswer | None
    unlawful_topics: list[UnlawfulTopic]


class Debrief(ResponseModel):
    """The debrief of an interview. The model reads, code checks and scores, a person decides."""

    room_name: str
    version: int
    """Counts from 1; every regeneration is a new version."""
    sealed: Literal[False] = False
    """Whether ratings, score and recommendation are hidden until the reader has rated (HUMAN_FIRST)."""
    summary: str
    strengths: list[str]
    improvements: list[str]
    follow_up_questions: list[str]
    recommendation: Recommendation
    original_briefing: Briefing | None
    evidence: list[Evidence]
    unsupported: list[UnsupportedClaim]
    scorecard: list[ScorecardRow]
    scales: list[Scale] = Field(default_factory=list)
    """What the ratings mean, as the plan said before the interview. Empty where it described no levels."""
    score: Score
    basis: Basis
    warnings: list[str]
    grounding: Grounding
    speakers: list[DebriefSpeaker] = Field(default_factory=list)
    interview: InterviewNumbers | None = None
    """Null in debriefs of version 1.0."""
    turns_read: int
    """How many turns of the transcript were read."""
    model: str | None
    """The model that answered; null when none was asked."""
    emulated: bool = False
    """Whether the sandbox made it: no language model was asked, and nothing in it is real."""
    usage: Usage | None
    prompt_version: str
    created_at: datetime
    ai_generated: Literal[True] = True
