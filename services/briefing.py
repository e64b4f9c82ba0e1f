"""The briefing: what the interviewer knows before the interview, and the prompt made of it.

One type from the request to the stored document to the response. A new field is written here, in
`services/prompts/inputs.py` (what models read) and, if it is spoken, in `services/prompts/voice_candidate.py` and
`services/prompts/phone.py`. A plan reads the parts that `PlanService` names, and the second try of a debrief those of
`_RECORD` in `services/prompts/debrief.py`.
"""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from services.text.fields import FocusArea, JobTitle, LongText, PersonName, RequestModel, ResponseModel, Timestamp
from services.text.normalization import normalize


def _distinct(areas: tuple[str, ...]) -> tuple[str, ...]:
    """Each area once, as it is spelt first: `Go` and `GO` are one to the people who rate them."""
    first: dict[str, str] = {}
    for area in filter(None, areas):
        first.setdefault(normalize(area), area)
    return tuple(first.values())


class BriefingFields(BaseModel):
    """What the interviewer enters."""

    candidate_name: PersonName
    role: JobTitle = ""
    resume_summary: LongText = ""
    """The resume, whole or in short."""
    notes: LongText = ""
    """The job description, and whatever else matters."""
    focus_areas: Annotated[tuple[FocusArea, ...], Field(max_length=20), AfterValidator(_distinct)] = ()
    """What the interview should find out; each becomes a row of the debrief's scorecard."""


class BriefingRequest(BriefingFields, RequestModel):
    """What the interviewer knows before the interview. Saving again replaces."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "candidate_name": "Grace Hopper",
                "role": "Compiler engineer",
                "resume_summary": "Wrote the A-0 linker…",
                "notes": "We are looking for an engineer who…",
                "focus_areas": ["Compilers", "Mentoring"],
            }
        }
    )


class Briefing(BriefingFields, ResponseModel):
    """A saved briefing."""

    room_name: str
    briefing_prompt: str
    """One text for a voice or chat agent that prepares the interviewer."""
    updated_at: Timestamp
