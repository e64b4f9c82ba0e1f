"""The question plan: what to ask, why, and what the ratings mean. Fixed before the candidate speaks.

One type from the checked answer of the model to the stored document to the response, and one for the interviewer's
edits.
"""

from typing import Annotated, Literal

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints

from services.text.fields import FocusArea, NoNullCharacters, RequestModel, ResponseModel, Timestamp
from services.usage import Usage

MOST_QUESTIONS = 40
MOST_AREAS = 20
LONGEST_MINUTES = 180
DEFAULT_MINUTES = 45
QUESTION_MINUTES = 5
"""Of a question for which the interviewer gives none."""

Kind = Literal["behaviour", "situation", "knowledge"]
SourceKind = Literal["resume", "job"]

_REQUIRED = StringConstraints(strip_whitespace=True, min_length=1, max_length=1000)
PlanText = Annotated[str, _REQUIRED, NoNullCharacters]
OptionalPlanText = Annotated[str, StringConstraints(strip_whitespace=True, max_length=1000), NoNullCharacters]
LevelText = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500), NoNullCharacters]
QuestionId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,40}$")]


def _named(area: str) -> str:
    if not area:
        raise ValueError("a focus area needs a name")
    return area


AreaName = Annotated[FocusArea, AfterValidator(_named)]


class PlanSource(ResponseModel):
    """A line of the briefing, cut from it by code: `source[start:end] == text`."""

    source: SourceKind
    """`resume` is the briefing's `resume_summary`, `job` its `notes`."""
    text: str
    start: int
    end: int


class PlannedArea(ResponseModel):
    """A focus area of the plan."""

    name: str
    because: PlanSource | None
    """The line of the job description that it was proposed from; null for a focus area of the briefing."""


class PlannedQuestion(ResponseModel):
    """One question to ask."""

    id: str
    focus_area: str
    text: str
    kind: Kind
    """What it asks for: something the candidate did, would do, or knows."""
    because: PlanSource | None
    """Why it is asked; null where no line of the briefing says so."""
    listen_for: str
    """What a strong answer contains; empty where nothing was given."""
    minutes: int
    goes_beyond_briefing: bool = False
    """Whether the question has a number or a proper name that the briefing does not have."""


class Levels(ResponseModel):
    """What answers at three levels of a scale contain. 2 and 4 lie between."""

    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True, serialize_by_alias=True)

    lowest: Annotated[LevelText, Field(alias="1")]
    middle: Annotated[LevelText, Field(alias="3")]
    highest: Annotated[LevelText, Field(alias="5")]


class Scale(ResponseModel):
    """What the ratings of one focus area mean."""

    focus_area: str
    levels: Levels


class Plan(ResponseModel):
    """The plan of an interview."""

    room_name: str
    version: int
    """Counts from 1, for plans of the model and of the interviewer together."""
    made_by: Literal["model", "interviewer"]
    minutes: int
    """The minutes of all questions together."""
    focus_areas: list[PlannedArea]
    """Those of the briefing, or else those that the plan proposes. Debriefs and ratings are about them."""
    questions: list[PlannedQuestion]
    scales: list[Scale]
    not_covered: list[str]
    """Focus areas without a question."""
    warnings: list[str]
    model: str | None
    """The model that answered; null where the interviewer wrote the plan."""
    emulated: bool = False
    """Whether the sandbox made it: no language model was asked."""
    usage: Usage | None
    prompt_version: str | None
    input_hash: str | None
    """Hash of what the model was asked, by which the same request is recognised."""
    created_at: Timestamp


class PlanRequest(RequestModel):
    """Ask for a plan."""

    model_config = ConfigDict(json_schema_extra={"example": {"minutes": 45}})

    minutes: Annotated[int, Field(ge=10, le=LONGEST_MINUTES)] = DEFAULT_MINUTES
    """What the questions may take together."""


class SourceEdit(RequestModel):
    """A line of the briefing, as in `PlanSource`. Code looks for the text; `end` is ignored."""

    source: SourceKind
    text: PlanText
    start: Annotated[int, Field(ge=0)] | None = None
    """Where to look first."""


class AreaEdit(RequestModel):
    """A focus area."""

    name: AreaName
    because: SourceEdit | None = None


class QuestionEdit(RequestModel):
    """One question."""

    id: QuestionId | None = None
    """A new one without it."""
    focus_area: AreaName
    text: PlanText
    kind: Kind
    because: SourceEdit | None = None
    listen_for: OptionalPlanText = ""
    minutes: Annotated[int, Field(ge=1, le=LONGEST_MINUTES)] = QUESTION_MINUTES


class ScaleEdit(RequestModel):
    """What the ratings of one focus area mean."""

    focus_area: AreaName
    levels: Levels


class PlanEdit(RequestModel):
    """The plan as the interviewer wants it: the whole plan, which may be the one that was read, with changes."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "questions": [
                    {
                        "focus_area": "Compilers",
                        "text": "Tell me about a pass that you made faster. What did you measure?",
                        "kind": "behaviour",
                        "because": {"source": "resume", "text": "Wrote the A-0 linker"},
                        "listen_for": "A figure before and after, and the candidate's own part.",
                        "minutes": 8,
                    }
                ],
                "scales": [
                    {
                        "focus_area": "Compilers",
                        "levels": {"1": "Names no pass.", "3": "Explains one pass.", "5": "Measured and improved one."},
                    }
                ],
            }
        }
    )

    questions: Annotated[tuple[QuestionEdit, ...], Field(min_length=1, max_length=MOST_QUESTIONS)]
    scales: Annotated[tuple[ScaleEdit, ...], Field(max_length=MOST_AREAS)] = ()
    focus_areas: Annotated[tuple[AreaEdit, ...], Field(max_length=MOST_AREAS)] = ()
    """Needed only for focus areas without a question and a scale."""
