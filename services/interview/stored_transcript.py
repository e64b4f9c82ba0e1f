"""The transcript that is stored for a room: sent whole, sent line by line, or fetched from Daily.

It is stored as it was sent and read anew each time, with the names that are known by then: a briefing that is saved
later, or a participant who joins later, improves the attribution.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from services.clock import Clock
from services.errors import FieldError, InvalidInput, TranscriptIsWhole, TranscriptNotFound, UnreadableRecord
from services.interview.transcript import read_transcript
from services.storage.protocol import Storage
from services.storage.records import Segment, SegmentTotals, StoredRoom, StoredTranscript
from services.transcript.transcript import (
    MOST_CHARACTERS,
    MOST_LABEL_CHARACTERS,
    MOST_LABELS,
    MOST_TURNS,
    Role,
    SourceTurn,
    Transcript,
)
from services.transcript.voices import join_runs

log = logging.getLogger(__name__)

SEGMENT_LIMIT = SegmentTotals(
    segments=MOST_TURNS,
    turns=MOST_TURNS,
    characters=MOST_CHARACTERS,
    speakers=MOST_LABELS,
    speaker_characters=MOST_LABEL_CHARACTERS,
)
"""The same limits as for a transcript that is sent whole."""

TranscriptSource = Literal["client", "segments", "daily"]


class TranscriptDocument(BaseModel):
    """What is stored of a whole transcript, as JSON."""

    model_config = ConfigDict(frozen=True)

    transcript: str | tuple[SourceTurn, ...]
    speakers: dict[str, Role] = {}
    """What was sent about the labels."""
    warnings: tuple[str, ...] = ()
    """About how it was fetched."""
    daily_ids: tuple[str, ...] = ()
    """Daily's ids of the transcripts that it was made of."""

    def as_record(self, source: Literal["client", "daily"], now: datetime) -> StoredTranscript:
        return StoredTranscript(source, self.model_dump_json(), now)

    @classmethod
    def from_record(cls, stored: StoredTranscript) -> Self:
        """Raises UnreadableRecord for a document of another version."""
        try:
            return cls.model_validate_json(stored.document)
        except ValidationError:
            log.error("a stored transcript can't be read")  # noqa: TRY400 (the error would show what was said)
            raise UnreadableRecord("transcript") from None


@dataclass(frozen=True, slots=True)
class RecordedTranscript:
    """A stored transcript before it is read."""

    source: TranscriptSource
    transcript: str | Sequence[SourceTurn]
    speakers: Mapping[str, Role]
    warnings: Sequence[str]
    updated_at: datetime


class ReadTranscript(NamedTuple):
    """A stored transcript, read into turns."""

    source: TranscriptSource
    transcript: Transcript
    warnings: Sequence[str]
    """About how it was fetched, and about who speaks."""
    updated_at: datetime


async def load_transcript(storage: Storage, interview: StoredRoom) -> RecordedTranscript | None:
    """What is stored for this interview, which was found with its transcript. Raises UnreadableRecord.

    Segments beside a whole transcript do not count: they were sent at the moment at which it was stored.
    """
    if interview.transcript is not None:
        return await asyncio.to_thread(_whole, interview.transcript)
    segments = await storage.segments(interview.room.name)
    return await asyncio.to_thread(_of_segments, segments) if segments else None


@dataclass(frozen=True, slots=True)
class TranscriptService:
    """The transcript of one interview, which was found with its briefing, transcript and participants."""

    storage: Storage
    clock: Clock
    interview: StoredRoom

    async def read(self) -> ReadTranscript:
        """The stored transcript. Raises TranscriptNotFound."""
        recorded = await load_transcript(self.storage, self.interview)
        if recorded is None:
            raise TranscriptNotFound
        return await self._read(recorded)

    async def save(self, transcript: str | Sequence[SourceTurn], speakers: Mapping[str, Role]) -> ReadTranscript:
        """Store a whole transcript in place of what is stored. Raises InvalidInput where it cannot be read."""
        now = self.clock()
        read = await self._read(RecordedTranscript("client", transcript, speakers, (), now))
        if not read.transcript.turns:
            detail = "There are no words in this transcript; send what was said, or delete the stored transcript."
            raise InvalidInput(detail, errors=[FieldError("transcript", "it has no words")])
        stored = await asyncio.to_thread(_as_sent, transcript, speakers, now)
        await self.storage.save_transcript(self.interview.room.name, stored)
        return read

    async def add_segments(self, segments: Sequence[Segment]) -> SegmentTotals:
        """Store lines as they are spoken. Raises TranscriptIsWhole and TranscriptFull."""
        if self.interview.transcript is not None:
            raise TranscriptIsWhole
        name = self.interview.room.name
        return await self.storage.add_segments(name, segments, self.clock(), limit=SEGMENT_LIMIT)

    async def delete(self) -> None:
        """Delete what is stored, so that another transcript can be sent. What Daily has stays."""
        await self.storage.delete_transcript(self.interview.room.name)

    async def _read(self, recorded: RecordedTranscript) -> ReadTranscript:
        """In a thread: a long transcript would hold up every other call."""
        read = await asyncio.to_thread(read_transcript, recorded.transcript, self.interview, recorded.speakers)
        warnings = (*recorded.warnings, *read.warnings)
        return ReadTranscript(recorded.source, read, warnings, recorded.updated_at)


def _as_sent(transcript: str | Sequence[SourceTurn], speakers: Mapping[str, Role], now: datetime) -> StoredTranscript:
    sent = transcript if isinstance(transcript, str) else tuple(transcript)
    return TranscriptDocument(transcript=sent, speakers=dict(speakers)).as_record("client", now)


def _whole(stored: StoredTranscript) -> RecordedTranscript:
    document = TranscriptDocument.from_record(stored)
    return RecordedTranscript(
        stored.source, document.transcript, document.speakers, document.warnings, stored.updated_at
    )


def _of_segments(segments: Sequence[Segment]) -> RecordedTranscript:
    """Consecutive lines of one speaker are one turn, as in a file that a program writes."""
    turns = join_runs(SourceTurn(segment.speaker, segment.text, segment.at) for segment in segments)
    updated_at = max(segment.updated_at for segment in segments if segment.updated_at)
    return RecordedTranscript("segments", turns, {}, (), updated_at)
