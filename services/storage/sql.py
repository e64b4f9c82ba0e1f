"""Storage in SQLite or PostgreSQL: the same code for both, shared by any number of processes."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Executable
from sqlalchemy.ext.asyncio import AsyncConnection

from services.briefing import Briefing
from services.errors import RoomNotFound, TranscriptFull
from services.storage import rows, sql_slots, statements
from services.storage.database import Database, read_only
from services.storage.purging import FilePurger
from services.storage.records import (
    ChatTurn,
    Participant,
    Quota,
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
from services.storage.statements import Upserts
from services.storage.tables import COUNTED

MAX_TURNS = 2**31 - 1
"""More chat turns than a room can have: no limit."""


@dataclass(slots=True)
class _Deletion:
    """Counts the rows that are deleted over one connection."""

    connection: AsyncConnection
    rows: int = 0

    async def execute(self, statement: Executable, values: Mapping[str, Any]) -> int:
        """How many rows the statement deleted."""
        rows = (await self.connection.execute(statement, values)).rowcount
        self.rows += rows
        return rows


class SqlStorage(SqlSlots):
    """Storage that survives a restart. The schema of `database` is up to date."""

    is_ephemeral = False

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._upserts = Upserts(database.kind)
        self._purger = FilePurger(database) if database.kind == "sqlite" else None

    async def save_room(self, room: Room) -> None:
        await self._database.write(self._upserts.save_room, asdict(room))

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
            await deletion.connection.execute(statements.LOCK_ROOM_TO_ERASE, values)
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
        values = {"room": briefing.room_name, "document": briefing.model_dump_json()}
        async with self._writing(briefing.room_name) as connection:
            await connection.execute(self._upserts.save_briefing, values)

    async def add_participant(self, name: str, participant: Participant) -> None:
        await self._append(name, statements.ADD_PARTICIPANT, asdict(participant))

    async def add_plan(self, name: str, created_at: datetime, document: str) -> int:
        return await self._append(name, statements.ADD_PLAN, {"created_at": created_at, "document": document})

    async def save_transcript(self, name: str, transcript: StoredTranscript, *, keeps_clients: bool = False) -> bool:
        values = {"room_name": name}
        async with self._writing(name) as connection:
            if keeps_clients and (await connection.execute(statements.IS_FROM_CLIENT, values)).first():
                return False
            await connection.execute(statements.DELETE_SEGMENTS, values)
            await connection.execute(self._upserts.save_transcript, asdict(transcript) | {"room": name})
        return True

    async def delete_transcript(self, name: str) -> None:
        values = {"room_name": name}
        async with self._deletion() as deletion:
            if not (await deletion.connection.execute(statements.LOCK_ROOM, values)).first():
                raise RoomNotFound
            for statement in (statements.DELETE_TRANSCRIPT, statements.DELETE_SEGMENTS):
                await deletion.execute(statement, values)

    async def add_segments(
        self, name: str, segments: Sequence[Segment], now: datetime, *, limit: SegmentTotals | None = None
    ) -> SegmentTotals:
        sent = {segment.id: segment for segment in segments}
        async with self._writing(name) as connection:
            known = await connection.execute(statements.KNOWN_SEGMENTS, {"room_name": name, "ids": list(sent)})
            numbers = {row.id: row.number for row in known}
            last = max(numbers.values(), default=0)
            new = [segment_id for segment_id in sent if segment_id not in numbers]
            numbers |= {segment_id: last + place for place, segment_id in enumerate(new, 1)}
            values = [
                asdict(segment) | {"room": name, "number": numbers[segment.id], "updated_at": now}
                for segment in sent.values()
            ]
            if values:
                await connection.execute(self._upserts.save_segments, values)
            totals = SegmentTotals(*(await connection.execute(statements.SEGMENT_TOTALS, {"room_name": name})).one())
            if limit is not None and totals.exceeds(limit):
                raise TranscriptFull
        return totals

    async def segments(self, name: str) -> Sequence[Segment]:
        return tuple(Segment(*row) for row in await self._fetch(statements.SEGMENTS, name))

    async def add_chat_turns(self, name: str, turns: Sequence[ChatTurn]) -> None:
        async with self._writing(name) as connection:
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
        return await self._append(name, statements.ADD_DEBRIEF, values)

    async def find_debrief(self, name: str, fingerprint: str, since: datetime) -> StoredDebrief | None:
        found = await self._fetch(statements.FIND_DEBRIEF, name, fingerprint=fingerprint, since=since)
        return StoredDebrief(*found[0]) if found else None

    async def add_rating(self, name: str, rater: str, submitted_at: datetime, document: str) -> StoredRating:
        values = {"rater": rater, "same_rater": rater, "submitted_at": submitted_at, "document": document}
        number = await self._append(name, statements.ADD_RATING, values)
        return StoredRating(rater, number, submitted_at, document)

    async def ratings(self, name: str) -> Sequence[StoredRating]:
        submitted = [StoredRating(*row) for row in await self._fetch(statements.RATINGS, name)]
        # not sorted by the database, whose order of names depends on its locale
        return tuple(sorted(submitted, key=lambda rating: (rating.rater, rating.number)))

    async def add_decision(self, name: str, decided_at: datetime, document: str) -> int:
        return await self._append(name, statements.ADD_DECISION, {"decided_at": decided_at, "document": document})

    async def decision(self, name: str) -> StoredDecision | None:
        found = await self._fetch(statements.DECISION, name)
        return StoredDecision(*found[0]) if found else None

    async def add_phone_call(self, name: str, call_id: str, at: datetime) -> None:
        async with self._writing(name) as connection:
            await connection.execute(self._upserts.add_phone_call, {"room": name, "call_id": call_id, "at": at})

    async def has_phone_call(self, name: str, call_id: str) -> bool:
        return bool(await self._fetch(statements.HAS_PHONE_CALL, name, call_id=call_id))

    async def consume_quota(self, name: str, quota: Quota, use: str, now: datetime) -> datetime | None:
        values = {"room_name": name, "quota": quota.name, "since": now - quota.window, "most": quota.most}
        async with self._writing(name) as connection:
            latest = (await connection.execute(statements.LATEST_USES, values)).fetchall()
            if len(latest) == quota.most:
                at: datetime = latest[-1][0]
                return at + quota.window
            await connection.execute(statements.ADD_USE, {"id": use, "room": name, "quota": quota.name, "at": now})
        return None

    async def refund_quota(self, name: str, use: str) -> None:
        await self._database.write(statements.REFUND_QUOTA, {"room_name": name, "use": use})

    async def delete_expired_responses(self, now: datetime) -> int:
        async with self._deletion() as deletion:
            return await deletion.execute(sql_slots.DELETE_EXPIRED, {"now": now})

    async def ping(self) -> None:
        if self._database.kind == "sqlite":
            await self._database.fetch(statements.PING)
        elif (await self._database.fetch(statements.PING_TO_WRITE))[0][0] == "on":
            raise read_only()

    async def close(self) -> None:
        await self._database.close()

    async def _fetch(self, statement: Executable, name: str, **values: Any) -> Sequence[Any]:
        return await self._database.fetch(statement, {"room_name": name, **values})

    async def _append(self, name: str, statement: Executable, values: Mapping[str, Any]) -> int:
        """Add the next numbered record of the room; its number."""
        async with self._writing(name) as connection:
            number: int = (await connection.execute(statement, {**values, "room_name": name})).scalar_one()
        return number

    @asynccontextmanager
    async def _writing(self, name: str) -> AsyncIterator[AsyncConnection]:
        """A transaction that holds the room's lock, so that writes under a room happen one after another."""
        async with self._database.transaction() as connection:
            if not (await connection.execute(statements.LOCK_ROOM, {"room_name": name})).first():
                raise RoomNotFound
            yield connection

    @asynccontextmanager
    async def _deletion(self) -> AsyncIterator[_Deletion]:
        """A transaction that deletes rows; afterwards the file is due to be purged, even if the commit is uncertain."""
        deletion = None
        try:
            async with self._database.transaction() as connection:
                deletion = _Deletion(connection)
                yield deletion
        finally:
            if self._purger is not None and deletion is not None and deletion.rows:
                self._purger.note_deletion()
