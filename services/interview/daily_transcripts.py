"""What Daily transcribed in a room: found, downloaded, joined, and stored under the room.

Pulling is authoritative: whatever triggers it, it ends with the same transcript, so doing it twice changes nothing.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple

from services.clock import Clock
from services.daily import Daily
from services.daily_transcript import DailyTranscript
from services.errors import (
    InvalidInput,
    ProviderBadAnswer,
    ProviderTimeout,
    RoomNotFound,
    ServiceError,
    TranscriptNotFound,
    TranscriptNotStored,
)
from services.interview.stored_transcript import TranscriptDocument
from services.interview.transcript import read_transcript
from services.storage.protocol import Storage
from services.storage.records import Room, StoredRoom
from services.transcript.joining import TimedFile, join_files
from services.transcript.transcript import MOST_CHARACTERS
from services.upstream.redaction import loggable

log = logging.getLogger(__name__)

MAX_FILES = 50
"""The most transcripts of one room that are joined."""
PULL_SECONDS = 60.0
"""The longest that one pull takes."""
LONGEST_WAIT = timedelta(seconds=20)
"""How long a debrief waits for Daily to finish a transcript."""
POLL_SECONDS = 2.0
STUCK_AFTER = timedelta(hours=1)
"""After the end of its room. A transcript that is in progress for longer is not waited for."""
FILE_WITHIN = timedelta(minutes=15)
"""After the end of a transcript: how long others of the room wait for its file."""

_EMULATED = "The transcript comes from the sandbox's emulated Daily, not from a real call."
_TOO_SLOW = "Daily took too long to send the transcript; try again."
_NONE = "Daily has no transcript of this room; send what was said as the room's transcript."
_UNKNOWN_ROOM = "Daily does not know this room any more, so its transcripts can't be found; send what was said."
_FAILED = "Daily's transcription of this room failed, so there is no transcript to fetch; send what was said."
_NO_WORDS = "Daily's transcript of this room has no words; send what was said."
_MISSING_ONE = (
    "1 more transcript of this room is not included, because Daily did not finish or store it; words may be missing."
)
_MISSING = (
    "{} more transcripts of this room are not included, because Daily did not finish or store them; "
    "words may be missing."
)
_TOO_MANY = f"Daily has more than {MAX_FILES} transcripts of this room, the most that are joined; send what was said."
_TOO_LONG = f"Daily's transcripts of this room have more than {MOST_CHARACTERS:,} characters together; send a part."


class _Linked(NamedTuple):
    """A finished transcript, and where its file is."""

    transcript: DailyTranscript
    link: str


class _Found(NamedTuple):
    """The transcripts to join, and how many can't be had."""

    files: Sequence[_Linked]
    missing: int


@dataclass(frozen=True, slots=True)
class DailyTranscripts:
    """Pulls transcripts from Daily. Each method raises the provider errors of `Daily`."""

    daily: Daily
    storage: Storage
    clock: Clock
    is_emulated: bool
    """Daily is the sandbox's, and what it transcribed was never said."""

    async def pull(self, interview: StoredRoom, *, keeps_clients: bool = False) -> bool:
        """Store what Daily transcribed in this room. False, with nothing stored, while Daily is still writing it.

        With `keeps_clients` a transcript that the client has sent stays. Raises TranscriptNotFound and
        TranscriptNotStored; then what is stored stays too.
        """
        try:
            async with asyncio.timeout(PULL_SECONDS):
                found = await self._find(interview.room)
                if found is None:
                    return False
                document = await self._download(found)
        except TimeoutError:
            raise ProviderTimeout(_TOO_SLOW) from None
        await asyncio.to_thread(_check, document, interview)
        stored = await asyncio.to_thread(document.as_record, "daily", self.clock())
        is_stored = await self.storage.save_transcript(interview.room.name, stored, keeps_clients=keeps_clients)
        outcome = "replaces what was stored" if is_stored else "is dropped, as the client has sent one"
        log.info("the transcript of %s from Daily (%d files) %s", interview.room.name, len(found.files), outcome)
        return True

    async def wait_and_pull(self, interview: StoredRoom, on_wait: Callable[[], None]) -> bool:
        """The same as `pull`, keeping the client's, but waits while Daily is still writing: at most `LONGEST_WAIT`.

        `on_wait` is called before each pause.
        """
        ends_at = self.clock() + LONGEST_WAIT
        is_in_progress = False
        try:
            async with asyncio.timeout(LONGEST_WAIT.total_seconds()):
                while not await self.pull(interview, keeps_clients=True):
                    is_in_progress = True
                    if self.clock() >= ends_at:
                        return False
                    on_wait()
                    await asyncio.sleep(POLL_SECONDS)
        except TimeoutError:
            if is_in_progress:
                return False
            raise ProviderTimeout(_TOO_SLOW) from None
        return True

    async def _find(self, room: Room) -> _Found | None:
        """The room's transcripts that are finished; None while one is being written."""
        listed = await self.daily.list_transcripts(room.daily_id or await self._room_id(room.name))
        present = [transcript for transcript in listed if not transcript.is_deleted]
        if not present:
            raise await self._reason_for_none(room.name)
        spoken = [transcript for transcript in present if not transcript.is_empty]
        ready = [transcript for transcript in spoken if transcript.is_ready]
        for transcript in spoken:
            if not transcript.is_ready and await self._is_awaited(transcript, room, has_others=bool(ready)):
                return None
        if not ready:
            raise TranscriptNotFound(_FAILED if spoken else _NO_WORDS)
        if len(ready) > MAX_FILES:
            raise ProviderBadAnswer(_TOO_MANY)
        links = await self._links(ready)
        return _Found(links, len(spoken) - len(links))

    async def _is_awaited(self, transcript: DailyTranscript, room: Room, *, has_others: bool) -> bool:
        """Whether a transcript without a file will have one.

        Where there are others, it does not keep them back for long. Raises TranscriptNotStored where there are none.
        """
        now = self.clock()
        if transcript.is_in_progress:
            return now < room.expires_at + STUCK_AFTER
        is_late = transcript.ended_at is not None and now >= transcript.ended_at + FILE_WITHIN
        if not transcript.is_finished or (has_others and is_late):
            return False
        try:
            await self.daily.get_transcript_link(transcript.id)
        except TranscriptNotStored:
            if not has_others:
                raise
            return False
        except (TranscriptNotFound, ProviderBadAnswer):
            log.info("transcript %s at Daily is finished, and has no file yet", loggable(transcript.id))
        return True

    async def _links(self, ready: Sequence[DailyTranscript]) -> list[_Linked]:
        """The links to the files, without those that were not stored. Raises TranscriptNotStored where none was."""
        links = []
        for transcript in ready:
            try:
                links.append(_Linked(transcript, await self.daily.get_transcript_link(transcript.id)))
            except TranscriptNotStored:
                continue
        if not links:
            raise TranscriptNotStored
        return links

    async def _room_id(self, name: str) -> str:
        try:
            return (await self.daily.get_room(name)).id
        except RoomNotFound:
            raise TranscriptNotFound(_UNKNOWN_ROOM) from None

    async def _reason_for_none(self, name: str) -> ServiceError:
        """The error for a room without transcripts. Of a room that has ended, Daily does not say how it was opened."""
        try:
            room = await self.daily.get_room(name)
        except RoomNotFound:
            return TranscriptNotFound(_NONE)
        return TranscriptNotFound(_NONE) if room.config.enable_transcription_storage else TranscriptNotStored()

    async def _download(self, found: _Found) -> TranscriptDocument:
        """The files as one, in the order in which they began."""
        files = []
        characters = 0
        for transcript, link in found.files:
            text = await self.daily.download_transcript(link)
            characters += len(text)
            if characters > MOST_CHARACTERS:
                raise ProviderBadAnswer(_TOO_LONG)
            files.append(TimedFile(text, transcript.created_at.timestamp() if transcript.created_at else None))
        return TranscriptDocument(
            transcript=await asyncio.to_thread(join_files, files),
            warnings=tuple(_warnings(found, is_emulated=self.is_emulated)),
            daily_ids=tuple(file.transcript.id for file in found.files),
        )


def _check(document: TranscriptDocument, interview: StoredRoom) -> None:
    """Raises ProviderBadAnswer and TranscriptNotFound for what must not replace a transcript."""
    try:
        transcript = read_transcript(document.transcript, interview)
    except InvalidInput as error:
        raise ProviderBadAnswer(f"Daily's transcript can't be used: {error.detail}") from error
    if not transcript.turns:
        raise TranscriptNotFound(_NO_WORDS)


def _warnings(found: _Found, *, is_emulated: bool) -> list[str]:
    joined, missing = len(found.files), found.missing
    warnings = [_EMULATED] if is_emulated else []
    if joined > 1:
        warnings.append(
            f"Daily made {joined} transcripts of this room; they are joined in the order of their beginnings."
        )
    if missing:
        warnings.append(_MISSING_ONE if missing == 1 else _MISSING.format(missing))
    return warnings
