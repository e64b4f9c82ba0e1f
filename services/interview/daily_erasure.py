"""Deletes what Daily has of a room: the room, and the transcripts of its calls, which outlive it."""

import asyncio
import logging
from dataclasses import dataclass
from typing import NamedTuple

from services.daily import Daily, DailyTranscript
from services.errors import RoomNotFound, ServiceError

log = logging.getLogger(__name__)

DELETION_SECONDS = 60.0
"""For all transcripts of a room."""


class ErasedAtDaily(NamedTuple):
    """What was deleted at Daily, and whether anything may be left."""

    transcripts: int = 0
    is_room_left: bool = False
    are_transcripts_left: bool = False


@dataclass(frozen=True, slots=True)
class DailyErasure:
    """Deletes one room at Daily. `room_id` is Daily's id of it, by which its transcripts are found."""

    daily: Daily
    name: str
    room_id: str | None

    async def erase(self) -> ErasedAtDaily:
        """Delete the room, then its transcripts one by one, whoever switched the transcription on.

        Repeatable, and raises nothing: what Daily does not delete is reported as left.
        """
        try:
            room_id = self.room_id or await self._find_id()
        except ServiceError as error:
            self._log(error.code)
            return ErasedAtDaily(0, not await self.delete_room(), are_transcripts_left=True)
        is_room_left = not await self.delete_room()
        deleted, is_complete = await self._delete_transcripts(room_id) if room_id else (0, True)
        return ErasedAtDaily(deleted, is_room_left, not is_complete)

    async def _find_id(self) -> str | None:
        """Daily's id of the room; None for one that Daily does not know."""
        try:
            return (await self.daily.get_room(self.name)).id
        except RoomNotFound:
            return None

    async def delete_room(self) -> bool:
        """Whether there is no such room any more."""
        try:
            await self.daily.delete_room(self.name)
        except ServiceError as error:
            self._log(error.code)
            return False
        return True

    async def _delete_transcripts(self, room_id: str) -> tuple[int, bool]:
        """How many were deleted, and whether none is left."""
        deleted = failed = 0
        try:
            async with asyncio.timeout(DELETION_SECONDS):
                present = await self._list_present(room_id)
                for transcript in present:
                    was_there = await self._delete_transcript(transcript.id)
                    deleted += was_there is True
                    failed += was_there is None
                # a call that has just ended may still be written down
                if any(transcript.is_in_progress for transcript in present):
                    failed += len(await self._list_present(room_id))
        except ServiceError as error:
            self._log(error.code)
            return deleted, False
        except TimeoutError:
            self._log("too slow")
            return deleted, False
        return deleted, not failed

    async def _list_present(self, room_id: str) -> list[DailyTranscript]:
        return [transcript for transcript in await self.daily.list_transcripts(room_id) if not transcript.is_deleted]

    async def _delete_transcript(self, transcript_id: str) -> bool | None:
        """Whether there was one to delete; None for a failure, which does not keep the others from being deleted."""
        try:
            return await self.daily.delete_transcript(transcript_id)
        except ServiceError as error:
            self._log(error.code)
            return None

    def _log(self, reason: str) -> None:
        log.warning("something of room %s may still be at Daily: %s", self.name, reason)
