"""What people say about an interview: their ratings, each kept as it was submitted, and their decision.

One type from the request to the stored document to the response.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from services.evidence.debrief import Recommendation
from services.plan import MOST_AREAS, AreaName
from services.text.fields import NoNullCharacters, RaterName, RequestModel, ResponseModel, Timestamp

DecisionWord = Literal["advance", "hold", "decline"]
Note = Annotated[str, StringConstraints(strip_whitespace=True, max_length=1000), NoNullCharacters]
Reasons = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=5000), NoNullCharacters]


class CompetencyRatingFields(BaseModel):
    """A person's rating of one competency."""

    competency: AreaName
    rating: Annotated[int, Field(ge=1, le=5, strict=True)] | None = None
    """From 1 to 5; null where the interview did not show it."""
    note: Note = ""


class CompetencyRatingRequest(CompetencyRatingFields, RequestModel):
    """A person's rating of one competency."""


class CompetencyRating(CompetencyRatingFields, ResponseModel):
    """A person's rating of one competency."""


class RatingsRequest(RequestModel):
    """One person's ratings."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "ratings": [
                    {"competency": "Compilers", "rating": 4, "note": "Explained each pass with figures."},
                    {"competency": "Mentoring", "rating": None},
                ],
                "recommendation": "Hire",
            }
        }
    )

    ratings: Annotated[tuple[CompetencyRatingRequest, ...], Field(min_length=1, max_length=MOST_AREAS)]
    recommendation: Recommendation | None = None
    """The person's own; nothing is computed from it."""


class RatingSheet(ResponseModel):
    """What one submission says."""

    ratings: list[CompetencyRating]
    recommendation: Recommendation | None
    independent: bool
    """Whether the service had not shown the rater the model's ratings: there was no debrief yet, or HUMAN_FIRST hid
    them. False for every submission after the first."""


class Submission(RatingSheet):
    """One submission of a rater. The first one is sealed: it is never changed."""

    rater: str
    number: int
    """Counts from 1 for each rater."""
    submitted_at: Timestamp
    after_reveal: bool
    """Whether the rater had submitted before, and so could see the ratings of others and of the model."""


class Rater(ResponseModel):
    """Who has rated, and when first."""

    rater: str
    submitted_at: Timestamp
    submissions: int
    independent: bool
    """As in the first submission."""


class DecisionRequest(RequestModel):
    """A person's decision."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"decision": "advance", "reasons": "Compilers at level 5.", "rater": "ada"}}
    )

    decision: DecisionWord
    reasons: Reasons
    rater: RaterName | None = None
    """Who decides. Needed under HUMAN_FIRST."""


class RecordedDecision(ResponseModel):
    """A person's decision, stored apart from the model's recommendation."""

    decision: DecisionWord
    reasons: str | None
    """Null while `sealed`: reasons may tell a rating."""
    rater: str | None
    decided_at: Timestamp
    sealed: bool = False
    """Whether the reasons are hidden from the reader, who has not rated yet."""
