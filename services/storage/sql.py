"""Storage in SQLite or PostgreSQL: the same code for both, shared by any number of processes."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Executable
from sqlalchemy.ext.asyncio import AsyncConnection

from services.briefing import Briefing
from services.errors import RoomNotFound, TranscriptFull
from services.storage import rows, statements
from services.storage.database import read_only
from services.storage.records import (
    ChatTurn,
    Participant,
    Receipt,
    Room,
    RoomSummary,
    Segment,
    SegmentTotals,
    StoredDebrief,
    StoredDecision,
    StoredRating,
    StoredRoom,
    StoredTranscript,
)
from services.storage.sql_slots import SqlSlots
from services.storage.sql_uses import SqlUses
from services.storage.storage_budget import ROW_BYTES, UNLIMITED, Stored, find_excess, size_in_bytes
from services.storage.tables import COUNTED

MAX_TURNS = 2**31 - 1
"""More chat turns than a room can have: no limit."""


class SqlStorage(SqlSlots, SqlUses):
    """Storage that survives a restart. The schema of `database` is up to date."""

    is_ephemeral = False

    async def check_room_budget(self, payer: str) -> None:
        if self._budget != UNLIMITED:
            async with self._database.connection() as connection:
                self._check_fits(await self._stored(connection, payer), ROW_BYTES)

    async def save_room(self, room: Room) -> None:
        size = size_in_bytes(room.name, room.url, room.created_by, room.daily_id, room.owner, room.candidate_name)
        async with self._database.transaction() as connection:
            if room.payer is not None and self._budget != UNLIMITED:
                await self._charge_payer(connection, room, room.payer, size)
            await connection.execute(self._dialect.save_room, asdict(room) | {"stored_bytes": size})

    async def _charge_payer(self, connection: AsyncConnection, room: Room, payer: str, size: int) -> None:
        await connection.execute(self._dialect.lock_payer, {"payer": payer})
        if not (await connection.execute(statements.PAYER, {"room_name": room.name})).all():
            self._check_fits(await self._stored(connection, payer), size)

    def _check_fits(self, stored: Stored, size: int) -> None:
        """Raises BudgetExhausted where one more room does not fit."""
        excess = find_excess(self._budget, stored, 1, size)
        if excess.rooms or excess.bytes:
            raise self._exhausted(stored, excess, size)

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
        asked = {"briefing": briefing, "debrief": debrief, "plan": plan, "transcript": transcript}
        parts = tuple(part for part, is_asked in asked.items() if is_asked)
        found = await self._fetch(statements.find_statement(*parts), name)
        if not found:
            return None
        people = await self._fetch(statements.PARTICIPANTS, name) if participants else ()
        return rows.read_room(found[0], parts, tuple(Participant(*person) for person in people))

    async def list_rooms(
        self, owner: str, *, limit: int, starting_after: str | None, ended: bool | None, now: datetime
    ) -> Sequence[RoomSummary]:
        statement = statements.list_statement(is_continued=starting_after is not None, ended=ended)
        values = {"owner": owner, "limit": limit, "starting_after": starting_after, "now": now}
        found = await self._database.fetch(statement, values)
        if not found and starting_after is not None:
            await self._check_owned(starting_after, owner)
        return tuple(map(rows.read_summary, found))

    async def _check_owned(self, name: str, owner: str) -> None:
        if not await self._fetch(statements.IS_OWNED, name, owner=owner):
            raise RoomNotFound

    async def erase(self, name: str) -> Receipt:
        values = {"room_name": name}
        async with self._deletion() as deletion:
            # with the room locked, a concurrent erasure waits, and finds nothing left to count
            if not (await deletion.connection.execute(statements.LOCK_ROOM_TO_ERASE, values)).first():
                return Receipt()  # nothing is stored without its room
            counts = {
                kind: await deletion.execute(statements.erase_from(table), values) for kind, table in COUNTED.items()
            }
            room = await deletion.execute(statements.ERASE_ROOM, values)
        return Receipt(room=room, **counts)

    async def erase_ended(self, before: datetime, limit: int) -> int:
        async with self._deletion() as deletion:
            erased = await deletion.connection.execute(statements.ERASE_ENDED, {"before": before, "limit": limit})
            deletion.rows = len(erased.fetchall())
        return deletion.rows

    async def purge_deleted(self, *, in_background: bool) -> bool:
        return self._purger is None or await self._purger.purge_deleted(in_background=in_background)

    async def save_briefing(self, briefing: Briefing) -> None:
        name, document = briefing.room_name, briefing.model_dump_json()
        async with self._writing(name, size_in_bytes(document), self._dialect.charge_briefing) as connection:
            await connection.execute(self._dialect.save_briefing, {"room": name, "document": document})

    async def add_participant(self, name: str, participant: Participant) -> None:
        size = size_in_bytes(participant.name, participant.user_id)
        await self._append(name, statements.ADD_PARTICIPANT, asdict(participant), size)

    async def add_plan(self, name: str, created_at: datetime, document: str) -> int:
        values = {"created_at": created_at, "document": document}
        return await self._append(name, statements.ADD_PLAN, values, size_in_bytes(document))

    async def save_transcript(self, name: str, transcript: StoredTranscript, *, keeps_clients: bool = False) -> bool:
        values = {"room_name": name}
        async with self._writing(name) as connection:
            if keeps_clients and (await connection.execute(statements.IS_FROM_CLIENT, values)).first():
                return False
            await self._charge(connection, name, size_in_bytes(transcript.document), self._dialect.charge_transcript)
            await connection.execute(statements.DELETE_SEGMENTS, values)
            await connection.execute(self._dialect.save_transcript, asdict(transcript) | {"room": name})
        return True

    async def delete_transcript(self, name: str) -> None:
        values = {"room_name": name}
        async with self._deletion() as deletion:
            if not (await deletion.connection.execute(self._dialect.lock_room, values)).first():
                raise RoomNotFound
            await deletion.connection.execute(self._dialect.charge_transcript, values | {"size": 0, "most": 0})
            for statement in (statements.DELETE_TRANSCRIPT, statements.DELETE_SEGMENTS):
                await deletion.execute(statement, values)

    async def add_segments(
        self, name: str, segments: Sequence[Segment], now: datetime, *, limit: SegmentTotals | None = None
    ) -> SegmentTotals:
        sent = {segment.id: segment for segment in segments}
        async with self._writing(name) as connection:
            found = await connection.execute(self._dialect.known_segments, {"room_name": name, "ids": list(sent)})
            known = {segment_id: (number, size) for segment_id, number, size in found}
            last: int = (await connection.execute(statements.LAST_SEGMENT, {"room_name": name})).scalar_one()
            new = [segment_id for segment_id in sent if segment_id not in known]
            numbers = {segment_id: number for segment_id, (number, _) in known.items()}
            numbers |= {segment_id: last + place for place, segment_id in enumerate(new, 1)}
            values = [
                asdict(segment) | {"room": name, "number": numbers[segment.id], "updated_at": now}
                for segment in sent.values()
            ]
            if values:
                await connection.execute(self._dialect.save_segments, values)
            totals = SegmentTotals(*(await connection.execute(statements.SEGMENT_TOTALS, {"room_name": name})).one())
            if limit is not None and totals.exceeds(limit):
                raise TranscriptFull
            size = sum(size_in_bytes(one.id, one.speaker, one.text, one.at) for one in sent.values())
            await self._charge(connection, name, size - sum(replaced for _, replaced in known.values()))
        return totals

    async def segments(self, name: str) -> Sequence[Segment]:
        return tuple(Segment(*row) for row in await self._fetch(statements.SEGMENTS, name))

    async def add_chat_turns(self, name: str, turns: Sequence[ChatTurn]) -> None:
        async with self._writing(name, sum(size_in_bytes(turn.content) for turn in turns)) as connection:
            last = (await connection.execute(statements.LAST_CHAT_TURN, {"room_name": name})).scalar_one()
            values = [asdict(turn) | {"room": name, "number": last + place} for place, turn in enumerate(turns, 1)]
            if values:
                await connection.execute(statements.ADD_CHAT_TURN, values)

    async def chat_turns(
        self, name: str, *, limit: int | None = None, starting_after: int | None = None
    ) -> Sequence[ChatTurn]:
        most = MAX_TURNS if limit is None else limit
        found = await self._fetch(statements.CHAT_TURNS, name, after=starting_after or 0, limit=most)
        return tuple(ChatTurn(*row) for row in found)

    async def add_debrief(self, name: str, fingerprint: str, created_at: datetime, document: str) -> int:
        values = {"fingerprint": fingerprint, "created_at": created_at, "document": document}
        return await self._append(name, statements.ADD_DEBRIEF, values, size_in_bytes(document))

    async def find_debrief(self, name: str, fingerprint: str, since: datetime) -> StoredDebrief | None:
        found = await self._fetch(statements.FIND_DEBRIEF, name, fingerprint=fingerprint, since=since)
        return StoredDebrief(*found[0]) if found else None

    async def add_rating(self, name: str, rater: str, submitted_at: datetime, document: str) -> StoredRating:
        values = {"rater": rater, "same_rater": rater, "submitted_at": submitted_at, "document": document}
        number = await self._append(name, statements.ADD_RATING, values, size_in_bytes(rater, document))
        return StoredRating(rater, number, submitted_at, document)

    async def ratings(self, name: str) -> Sequence[StoredRating]:
        submitted = [StoredRating(*row) for row in await self._fetch(statements.RATINGS, name)]
        # not sorted by the database, whose order of names depends on its locale
        return tuple(sorted(submitted, key=lambda rating: (rating.rater, rating.number)))

    async def add_decision(self, name: str, decided_at: datetime, document: str) -> int:
        values = {"decided_at": decided_at, "document": document}
        return await self._append(name, statements.ADD_DECISION, values, size_in_bytes(document))

    async def decision(self, name: str) -> StoredDecision | None:
        found = await self._fetch(statements.DECISION, name)
        return StoredDecision(*found[0]) if found else None

    async def add_phone_call(self, name: str, call_id: str, at: datetime) -> None:
        if await self.has_phone_call(name, call_id):
            return
        # the phone rings, so the call is recorded beyond the budget too
        async with self._writing(name, size_in_bytes(call_id), is_checked=False) as connection:
            await connection.execute(self._dialect.add_phone_call, {"room": name, "call_id": call_id, "at": at})

    async def has_phone_call(self, name: str, call_id: str) -> bool:
        return bool(await self._fetch(statements.HAS_PHONE_CALL, name, call_id=call_id))

    async def ping(self) -> None:
        if self._database.kind == "sqlite":
            await self._database.fetch(statements.PING)
        elif (await self._database.fetch(statements.PING_TO_WRITE))[0][0] == "on":
            raise read_only()

    async def close(self) -> None:
        await self._database.close()

    async def _append(self, name: str, statement: Executable, values: Mapping[str, Any], size: int) -> int:
        """Add the next numbered record of the room; its number."""
        async with self._writing(name, size) as connection:
            number: int = (await connection.execute(statement, {**values, "room_name": name})).scalar_one()
        return number
