"""What a debrief is made of where the request leaves it out: the stored transcript, or Daily's, and the sidebar."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from services.errors import (
    ProviderBadAnswer,
    ProviderNotConfigured,
    ProviderTimeout,
    ProviderUnavailable,
    RoomNotFound,
    TranscriptNotFound,
    TranscriptNotStored,
)
from services.interview.daily_transcripts import DailyTranscripts
from services.interview.debrief import DebriefInput
from services.interview.stored_transcript import RecordedTranscript, load_transcript
from services.storage.protocol import Storage
from services.storage.records import StoredRoom

STILL_WRITING: Final = "Daily is still writing the transcript of this interview; ask for the debrief again in a minute."
_NOT_FETCHED: Final = "The transcript could not be fetched from Daily: {}"
_PROVIDER_ERRORS = (ProviderBadAnswer, ProviderNotConfigured, ProviderTimeout, ProviderUnavailable)


@dataclass(frozen=True, slots=True)
class DebriefSources:
    """Completes the requests for debriefs of one interview, which was found with its transcript."""

    daily_transcripts: DailyTranscripts
    storage: Storage
    interview: StoredRoom
    is_transcribed: bool
    """Daily transcribes calls, so that a missing transcript is looked for there."""

    async def complete(self, sent: DebriefInput, on_progress: Callable[[str], None]) -> DebriefInput:
        """The request with the stored transcript where it has none, and the stored sidebar where it has no chat.

        A transcript that is nowhere stored is pulled from Daily; while Daily is still writing it, this takes at most
        20 seconds. Raises RoomNotFound and the errors of the storage. A failure of Daily is a warning.
        """
        completed = sent if sent.transcript else await self._with_transcript(sent, on_progress)
        # the sidebar alone is not worth a debrief that Daily's transcript will replace in a minute
        is_waiting = completed.missing_transcript and not sent.notes.strip()
        return completed if sent.chat_history or is_waiting else await self._with_sidebar(completed)

    async def _with_transcript(self, sent: DebriefInput, on_progress: Callable[[str], None]) -> DebriefInput:
        recorded = await load_transcript(self.storage, self.interview)
        if recorded is None and self.is_transcribed:
            try:
                delay = await self._pull(on_progress)
            except (TranscriptNotFound, TranscriptNotStored) as error:
                return replace(sent, warnings=(error.detail,))
            if delay:
                return replace(sent, warnings=(delay,), missing_transcript=delay)
            recorded = await self._load_pulled()
        if recorded is None:
            return sent
        speakers = {**recorded.speakers, **sent.speakers}
        return replace(sent, transcript=recorded.transcript, speakers=speakers, warnings=tuple(recorded.warnings))

    async def _pull(self, on_progress: Callable[[str], None]) -> str:
        """Why there is no transcript yet, or nothing. Raises TranscriptNotFound and TranscriptNotStored."""
        on_progress("fetching")
        try:
            is_there = await self.daily_transcripts.wait_and_pull(self.interview, lambda: on_progress("waiting"))
        except _PROVIDER_ERRORS as error:
            return _NOT_FETCHED.format(error.detail)
        return "" if is_there else STILL_WRITING

    async def _load_pulled(self) -> RecordedTranscript | None:
        """What is stored by now: Daily's, or what the client has sent meanwhile."""
        interview = await self.storage.find(self.interview.room.name, transcript=True)
        if interview is None:
            raise RoomNotFound
        return await load_transcript(self.storage, interview)

    async def _with_sidebar(self, completed: DebriefInput) -> DebriefInput:
        turns = await self.storage.chat_turns(self.interview.room.name)
        return replace(completed, chat_history=[{"role": turn.role, "content": turn.content} for turn in turns])
