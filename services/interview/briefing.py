"""What of a stored interview a model may read, and clients get."""

from collections.abc import Sequence

from services.errors import InvalidInput
from services.evidence.debrief import BriefingDocument
from services.prompts.inputs import PromptInputs, without_placeholder
from services.storage.records import Briefing, StoredRoom
from services.transcript.transcript import SourceTurn, Transcript, parse_transcript

MOST_TURNS = 20_000


def prompt_inputs_of(
    briefing: Briefing | None,
    *,
    context: str = "",
    transcript: str = "",
    interviewer_notes: str = "",
    sidebar_chat: str = "",
) -> PromptInputs:
    """The briefing, if there is one, and what came with the request."""
    return PromptInputs(
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


def read_transcript(source: str | Sequence[SourceTurn], interview: StoredRoom) -> Transcript:
    """The transcript of this interview, its speakers told apart by the names that are known.

    Raises InvalidInput for one of more turns than anybody takes in an interview:
    each costs something to read.
    """
    room, briefing = interview.room, interview.briefing
    briefed = without_placeholder(briefing.candidate_name) if briefing else ""
    transcript = parse_transcript(
        source,
        candidate_name=briefed or room.candidate_name,
        interviewer_names=room.interviewer_names(),
    )
    if len(transcript.turns) > MOST_TURNS:
        raise InvalidInput(f"The transcript has more than {MOST_TURNS:,} turns; send the interview alone.")
    return transcript


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
