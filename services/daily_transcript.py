"""A transcript as Daily lists it: https://docs.daily.co/reference/rest-api/transcript/list-transcript"""

from datetime import datetime, timedelta
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from services.upstream.responses import InvalidAsNone


class DailyTranscript(BaseModel):
    """A transcript at Daily, without its text. A room has several if its call was left and joined again."""

    model_config = ConfigDict(frozen=True, validate_by_name=True, validate_by_alias=True)

    id: str = Field(alias="transcriptId", min_length=1)
    room_id: str = Field(alias="roomId")
    status: str
    """`t_in_progress`, `t_finished`, `t_error`, `t_deleted`, or one that Daily has added since."""
    is_vtt_available: bool | None = Field(None, alias="isVttAvailable")
    duration_seconds: Annotated[float | None, InvalidAsNone] = Field(None, alias="duration")
    created_at: Annotated[AwareDatetime | None, InvalidAsNone] = None
    """When the transcription began."""

    @property
    def is_in_progress(self) -> bool:
        """Daily is still writing it."""
        return self.status == "t_in_progress"

    @property
    def is_finished(self) -> bool:
        """Nothing more is written to it. Its file may still be missing: for a moment, or because it was not stored."""
        return self.status == "t_finished"

    @property
    def is_ready(self) -> bool:
        """It is finished and has a file."""
        return self.is_finished and self.is_vtt_available is not False

    @property
    def is_empty(self) -> bool:
        """It is finished, and nothing was said: Daily makes no file of it."""
        return self.is_finished and not self.is_ready and self.duration_seconds == 0

    @property
    def ended_at(self) -> datetime | None:
        """When the transcription ended, of a finished one; None if Daily does not say."""
        if self.created_at is None or self.duration_seconds is None:
            return None
        return self.created_at + timedelta(seconds=self.duration_seconds)

    @property
    def is_deleted(self) -> bool:
        return self.status == "t_deleted"
