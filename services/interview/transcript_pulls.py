"""Pulls transcripts from Daily in the background, after Daily has announced them.

An announcement is only a hint: whatever is lost here is pulled by the next debrief or fetch.
"""

import asyncio
import logging
from types import TracebackType
from typing import Self

from services.access.background import BackgroundTasks
from services.errors import ServiceError
from services.interview.daily_transcripts import DailyTranscripts
from services.interview.stored_transcript import TranscriptDocument
from services.storage.protocol import Storage
from services.storage.records import StoredTranscript

log = logging.getLogger(__name__)

MAX_ROOMS = 1000
"""The most rooms that wait or are pulled; further announcements are dropped."""
ROOMS_AT_ONCE = 4
LAST_SECONDS = 3.0
"""How long running pulls may continue at shutdown. One that is cancelled stores nothing."""


class TranscriptPulls:
    """Pulls each announced room once, a few rooms at a time. Leaving the context ends the pulls that are running."""

    def __init__(
        self,
        daily_transcripts: DailyTranscripts,
        storage: Storage,
        *,
        max_rooms: int = MAX_ROOMS,
        last_seconds: float = LAST_SECONDS,
    ) -> None:
        self._daily_transcripts = daily_transcripts
        self._storage = storage
        self._max_rooms = max_rooms
        self._last_seconds = last_seconds
        self._announced: dict[str, set[str]] = {}
        self._slots = asyncio.Semaphore(ROOMS_AT_ONCE)
        self._tasks = BackgroundTasks()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._tasks.end(self._last_seconds)

    def announce(self, room_name: str, transcript_id: str) -> None:
        """Pull the room's transcripts soon, unless this one is stored by then."""
        if room_name in self._announced:
            self._announced[room_name].add(transcript_id)
        elif len(self._announced) < self._max_rooms:
            self._announced[room_name] = {transcript_id}
            self._tasks.start(self._pull_announced(room_name))
        else:
            log.warning("the transcript of %s is not pulled now: too many others are", room_name)

    async def _pull_announced(self, room_name: str) -> None:
        """Pull until nothing was announced meanwhile: a pull that has begun may miss a later transcript."""
        pulled: set[str] = set()
        try:
            async with self._slots:
                while new := self._announced[room_name] - pulled:
                    await self._pull(room_name, frozenset(new))
                    pulled |= new
        except ServiceError as error:
            log.warning("the transcript of %s was not pulled: %s", room_name, error.code)
        finally:
            del self._announced[room_name]

    async def _pull(self, room_name: str, transcript_ids: frozenset[str]) -> None:
        """Pull where these transcripts are not stored and the client has sent none."""
        interview = await self._storage.find(room_name, briefing=True, transcript=True, participants=True)
        if interview is None:
            return
        if interview.transcript is None or await asyncio.to_thread(_lacks, interview.transcript, transcript_ids):
            await self._daily_transcripts.pull(interview, keeps_clients=True)


def _lacks(stored: StoredTranscript, transcript_ids: frozenset[str]) -> bool:
    """Whether the stored transcript is Daily's, and made without one of these."""
    return stored.source == "daily" and not transcript_ids <= set(TranscriptDocument.from_record(stored).daily_ids)
