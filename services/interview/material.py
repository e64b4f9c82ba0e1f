"""What of a stored interview a model may read."""

from services.evidence.debrief import BriefingDocument
from services.evidence.prompts import Material
from services.storage.records import Briefing


def material_of(
    briefing: Briefing | None,
    *,
    context: str = "",
    transcript: str = "",
    interviewer_notes: str = "",
    sidebar_chat: str = "",
) -> Material:
    """The briefing, if there is one, and what came with the request."""
    return Material(
        candidate_name=briefing.candidate_name if briefing else "",
        role=briefing.role if briefing else "",
        resume=briefing.resume_summary if briefing else "",
        job_description=briefing.notes if briefing else "",
        focus_areas=briefing.focus_areas if briefing else (),
        context=context,
        transcript=transcript,
        interviewer_notes=interviewer_notes,
        sidebar_chat=sidebar_chat,
    )


def briefing_document(room_name: str, briefing: Briefing) -> BriefingDocument:
    """The briefing as clients get it."""
    return BriefingDocument(
        room_name=room_name,
        candidate_name=briefing.candidate_name,
        role=briefing.role,
        resume_summary=briefing.resume_summary,
        notes=briefing.notes,
        focus_areas=list(briefing.focus_areas),
        briefing_prompt=briefing.briefing_prompt,
        updated_at=briefing.updated_at,
    )
