"""The default storage: in the memory of this process, lost with it."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import groupby
from typing import TypeVar

from services.briefing import Briefing
from services.errors import RoomNotFound, TranscriptFull
from services.storage.memory_rooms import RoomEntry, size_of
from services.storage.memory_slots import MemorySlots
from services.storage.memory_uses import MemoryUses
from services.storage.records import (
    ChatTurn,
    Participant,
    RoomSummary,
    Segment,
    SegmentTotals,
    StoredDebrief,
    StoredDecision,
    StoredPlan,
    StoredRating,
    StoredRoom,
    StoredTranscript,
)

Record = TypeVar("Record")


class MemoryStorage(MemorySlots, MemoryUses):
    """Storage in memory. No method waits, so each is atomic."""

    is_ephemeral = True

    async def find(
        self,
        name: str,
        *,
        briefing: bool = False,
        debrief: bool = False,
        plan: bool = False,
        transcript: bool = False,
        participants: bool = False,
    ) -> StoredRoom | None:
        entry = self._find_entry(name)
        if entry is None:
            return None
        return StoredRoom(
            entry.room,
            briefing=entry.briefing if briefing else None,
            debrief=_last(entry.debriefs) if debrief else None,
            plan=_last(entry.plans) if plan else None,
            transcript=entry.transcript if transcript else None,
            participants=tuple(entry.participants) if participants else (),
        )

    async def list_rooms(
        self, owner: str, *, limit: int, starting_after: str | None, ended: bool | None, now: datetime
    ) -> Sequence[RoomSummary]:
        self._sweep()
        its = (entry for entry in self._rooms.values() if entry.room.owner == owner and not entry.room.is_erased)
        owned = sorted(its, key=_by_age, reverse=True)
        if starting_after is not None:
            last = next((entry for entry in owned if entry.room.name == starting_after), None)
            if last is None:
                raise RoomNotFound
            owned = owned[owned.index(last) + 1 :]
        chosen = [entry for entry in owned if ended is None or entry.room.is_expired(now) is ended]
        return tuple(map(_summary, chosen[:limit]))

    async def purge_deleted(self, *, in_background: bool) -> bool:  # noqa: ARG002 (the protocol's)
        """Memory leaves nothing in files."""
        return True

    async def save_briefing(self, briefing: Briefing) -> None:
        entry = self._entry(briefing.room_name)
        self._grow(entry, size_of(briefing) - (size_of(entry.briefing) if entry.briefing else 0))
        entry.briefing = briefing

    async def add_participant(self, name: str, participant: Participant) -> None:
        entry = self._entry(name)
        self._append(entry, entry.participants, participant)

    async def add_plan(self, name: str, created_at: datetime, document: str) -> int:
        entry = self._entry(name)
        return self._append(entry, entry.plans, StoredPlan(len(entry.plans) + 1, created_at, document))

    async def save_transcript(self, name: str, transcript: StoredTranscript, *, keeps_clients: bool = False) -> bool:
        entry = self._entry(name)
        if keeps_clients and _is_from_client(entry):
            return False
        self._grow(entry, size_of(transcript) - _size_of_transcript(entry))
        entry.transcript = transcript
        entry.segments.clear()
        return True

    async def delete_transcript(self, name: str) -> None:
        entry = self._entry(name)
        self._grow(entry, -_size_of_transcript(entry))
        entry.transcript = None
        entry.segments.clear()

    async def add_segments(
        self, name: str, segments: Sequence[Segment], now: datetime, *, limit: SegmentTotals | None = None
    ) -> SegmentTotals:
        entry = self._entry(name)
        sent = {segment.id: replace(segment, updated_at=now) for segment in segments}
        replaced = [entry.segments[segment_id] for segment_id in sent if segment_id in entry.segments]
        merged = entry.segments | sent
        totals = _total(merged.values())
        if limit is not None and totals.exceeds(limit):
            raise TranscriptFull
        self._grow(entry, sum(map(size_of, sent.values())) - sum(map(size_of, replaced)))
        entry.segments = merged
        return totals

    async def segments(self, name: str) -> Sequence[Segment]:
        entry = self._find_entry(name)
        return tuple(entry.segments.values()) if entry else ()

    async def add_chat_turns(self, name: str, turns: Sequence[ChatTurn]) -> None:
        entry = self._entry(name)
        self._grow(entry, sum(map(size_of, turns)))
        entry.chat_turns.extend(turns)

    async def chat_turns(
        self, name: str, *, limit: int | None = None, starting_after: int | None = None
    ) -> Sequence[ChatTurn]:
        entry = self._find_entry(name)
        first = starting_after or 0
        page = entry.chat_turns[first : None if limit is None else first + limit] if entry else ()
        return tuple(replace(turn, number=number) for number, turn in enumerate(page, first + 1))

    async def add_debrief(self, name: str, fingerprint: str, created_at: datetime, document: str) -> int:
        entry = self._entry(name)
        debrief = StoredDebrief(len(entry.debriefs) + 1, fingerprint, created_at, document)
        return self._append(entry, entry.debriefs, debrief)

    async def find_debrief(self, name: str, fingerprint: str, since: datetime) -> StoredDebrief | None:
        entry = self._find_entry(name)
        newest_first = reversed(entry.debriefs) if entry else ()
        return next((one for one in newest_first if one.fingerprint == fingerprint and one.created_at >= since), None)

    async def add_rating(self, name: str, rater: str, submitted_at: datetime, document: str) -> StoredRating:
        entry = self._entry(name)
        submitted = entry.ratings.get(rater, [])
        rating = StoredRating(rater, len(submitted) + 1, submitted_at, document)
        self._append(entry, submitted, rating)
        entry.ratings[rater] = submitted
        return rating

    async def ratings(self, name: str) -> Sequence[StoredRating]:
        entry = self._find_entry(name)
        return tuple(one for rater in sorted(entry.ratings) for one in entry.ratings[rater]) if entry else ()

    async def add_decision(self, name: str, decided_at: datetime, document: str) -> int:
        entry = self._entry(name)
        decision = StoredDecision(len(entry.decisions) + 1, decided_at, document)
        return self._append(entry, entry.decisions, decision)

    async def decision(self, name: str) -> StoredDecision | None:
        entry = self._find_entry(name)
        return _last(entry.decisions) if entry else None

    async def add_phone_call(self, name: str, call_id: str, at: datetime) -> None:
        entry = self._entry(name)
        if call_id not in entry.phone_calls:
            # the phone rings, so the call is recorded beyond every limit too
            self._add_bytes(entry, size_of((call_id, at)))
            entry.phone_calls[call_id] = at

    async def has_phone_call(self, name: str, call_id: str) -> bool:
        entry = self._find_entry(name)
        return entry is not None and call_id in entry.phone_calls

    async def ping(self) -> None:
        """Memory always answers."""

    async def close(self) -> None:
        for content in (self._rooms, self._slots, self._uses, self._accounts):
            content.clear()
        self._bytes = 0

    def _append(self, entry: RoomEntry, records: list[Record], record: Record) -> int:
        """Add a record to a list of the room; how many the list has now."""
        self._grow(entry, size_of(record))
        records.append(record)
        return len(records)


def _last(records: Sequence[Record]) -> Record | None:
    return records[-1] if records else None


def _is_from_client(entry: RoomEntry) -> bool:
    """Whether the client has sent a transcript or a part of one."""
    return bool(entry.segments) or (entry.transcript is not None and entry.transcript.source == "client")


def _size_of_transcript(entry: RoomEntry) -> int:
    return sum(map(size_of, entry.segments.values())) + (size_of(entry.transcript) if entry.transcript else 0)


def _total(segments: Collection[Segment]) -> SegmentTotals:
    speakers = [segment.speaker for segment in segments]
    return SegmentTotals(
        segments=len(segments),
        turns=sum(1 for _ in groupby(speakers)),
        characters=sum(len(segment.text) for segment in segments),
        speakers=len(set(speakers)),
        speaker_characters=sum(map(len, set(speakers))),
    )


def _by_age(entry: RoomEntry) -> tuple[datetime, str]:
    return entry.room.created_at, entry.room.name


def _summary(entry: RoomEntry) -> RoomSummary:
    return RoomSummary(
        entry.room,
        has_briefing=entry.briefing is not None,
        has_transcript=entry.transcript is not None or bool(entry.segments),
        has_debrief=bool(entry.debriefs),
        has_decision=bool(entry.decisions),
    )
