"""The request for a debrief, and the progress events of a streamed one."""

from pydantic import ConfigDict

from routers.schemas.chat import History
from routers.schemas.transcript import WithTranscript
from services.text.fields import LongText, ResponseModel


class DebriefRequest(WithTranscript):
    """Ask for a debrief of the interview."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "transcript": "Interviewer: What did you build?\nCandidate: I led the migration to Postgres.",
                "notes": "Strong on databases.",
            }
        }
    )

    chat_history: History = ()
    notes: LongText = ""
    """The interviewer's own notes."""


class ProgressEvent(ResponseModel):
    """The stage that a streamed debrief has reached."""

    stage: str
    """`fetching` and `waiting` for Daily's transcript, then `reading`, `analysing`, `checking`."""
