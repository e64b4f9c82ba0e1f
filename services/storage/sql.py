"""Storage in SQLite or PostgreSQL: one code path, shared by as many processes as there are."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Executable, insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from services.briefing import Briefing
from services.errors import RoomNotFound
from services.storage import statements
from services.storage.database import Database
from services.storage.failures import is_missing_room, reads_only
from services.storage.purging import FilePurger
from services.storage.records import ChatTurn, Claim, Quota, Receipt, Room, StoredDebrief, StoredResponse, StoredRoom
from services.storage.statements import Upserts
from services.storage.tables import CHILDREN, chat_turns


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


class SqlStorage:
    """Storage that outlives the process. `database` has the schema already."""

    is_ephemeral = False

    def __init__(self, database: Database) -> None:
        self.kind = database.kind
        self._database = database
        self._upserts = Upserts(database.kind)
        self._purger = FilePurger(database) if database.kind == "sqlite" else None

    async def save_room(self, room: Room) -> None:
        await self._database.write(self._upserts.save_room, asdict(room))

    async def find(self, name: str, *, briefing: bool = False, debrief: bool = False) -> StoredRoom | None:
        rows = await self._database.fetch(statements.FIND[briefing, debrief], {"name": name})
        return statements.read_interview(rows[0], briefing=briefing, debrief=debrief) if rows else None

    async def save_briefing(self, briefing: Briefing) -> None:
        values = {"room": briefing.room_name, "document": briefing.model_dump_json()}
        async with _room_must_exist():
            await self._database.write(self._upserts.save_briefing, values)

    async def add_chat_turns(self, name: str, turns: Sequence[ChatTurn]) -> None:
        if not turns:
            return
        rows = [asdict(turn) | {"room": name} for turn in turns]
        async with _room_must_exist():
            await self._database.write(insert(chat_turns).values(rows))

    async def chat_turns(self, name: str) -> Sequence[ChatTurn]:
        rows = await self._database.fetch(statements.CHAT_TURNS, {"name": name})
        return tuple(map(statements.read_turn, rows))

    async def add_debrief(self, name: str, fingerprint: str, created_at: datetime, document: str) -> int:
        values = {"name": name, "fingerprint": fingerprint, "created_at": created_at, "document": document}
        while True:
            async with _room_must_exist():
                rows = await self._database.write_returning(self._upserts.add_debrief, values)
            if rows:
                version: int = rows[0][0]
                return version
            # Either the room is gone, or another process took this version and the next is ours to try.
            if await self.find(name) is None:
                raise RoomNotFound

    async def find_debrief(self, name: str, fingerprint: str, since: datetime) -> StoredDebrief | None:
        values = {"name": name, "fingerprint": fingerprint, "since": since}
        rows = await self._database.fetch(statements.FIND_DEBRIEF, values)
        return statements.read_debrief(rows[0]) if rows else None

    async def add_phone_call(self, name: str, call_id: str, at: datetime) -> None:
        async with _room_must_exist():
            await self._database.write(self._upserts.add_phone_call, {"room": name, "call_id": call_id, "at": at})

    async def has_phone_call(self, name: str, call_id: str) -> bool:
        return bool(await self._database.fetch(statements.HAS_PHONE_CALL, {"name": name, "call_id": call_id}))

    async def consume_quota(self, name: str, quota: Quota, use: str, now: datetime) -> datetime | None:
        values = {"name": name, "quota": quota.name, "since": now - quota.window, "most": quota.most}
        async with self._database.transaction() as connection:
            # With the room locked, nobody else counts meanwhile.
            if not (await connection.execute(statements.LOCK_QUOTAS, values)).fetchall():
                raise RoomNotFound
            latest = (await connection.execute(statements.LATEST_USES, values)).fetchall()
            if len(latest) == quota.most:
                at: datetime = latest[-1][0]
                return at + quota.window
            await connection.execute(statements.ADD_USE, {"id": use, "room": name, "quota": quota.name, "at": now})
        return None

    async def refund_quota(self, name: str, use: str) -> None:
        await self._database.write(statements.REFUND_QUOTA, {"name": name, "use": use})

    async def erase(self, name: str) -> Receipt:
        values = {"name": name}
        async with self._deletion() as deletion:
            # With the room locked, a concurrent erasure waits, and finds nothing left to count.
            await deletion.connection.execute(statements.LOCK_ROOM, values)
            counts = [await deletion.execute(statements.erase_from(table), values) for table in CHILDREN]
            room = await deletion.execute(statements.ERASE_ROOM, values)
        return Receipt(room, *counts)

    async def erase_ended(self, before: datetime, limit: int) -> int:
        async with self._deletion() as deletion:
            erased = await deletion.connection.execute(statements.ERASE_ENDED, {"before": before, "limit": limit})
            deletion.rows = len(erased.fetchall())
        return deletion.rows

    async def purge_deleted(self, *, in_background: bool) -> bool:
        return self._purger is None or await self._purger.purge_deleted(in_background=in_background)

    async def claim_slot(
        self,
        slot: str,
        fingerprint: str,
        *,
        now: datetime,
        until: datetime,
        lease: datetime,
        room: str | None = None,
        is_repeatable: bool = True,
    ) -> Claim:
        values = {"slot": slot, "fingerprint": fingerprint, "until": until, "lease": lease, "room": room}
        conditions = {"now": now, "is_repeatable": is_repeatable}
        while True:
            async with _room_must_exist():
                if await self._database.write_returning(self._upserts.claim_slot, values | conditions):
                    return Claim("started")
            if held := await self._database.fetch(statements.FIND_SLOT, {"slot": slot}):
                return statements.read_claim(held[0], fingerprint, now, is_repeatable=is_repeatable)
            # The slot was released between the two statements.

    async def renew_slot(self, slot: str, held: datetime, lease: datetime) -> bool:
        return bool(await self._database.write(statements.RENEW_SLOT, {"key": slot, "held": held, "end": lease}))

    async def complete_slot(self, slot: str, response: StoredResponse, room: str | None, until: datetime) -> None:
        values = {"status": response.status, "headers": json.dumps(response.headers), "body": response.body}
        try:
            await self._database.write(statements.COMPLETE_SLOT, values | {"key": slot, "room": room, "until": until})
        except IntegrityError as error:
            if not is_missing_room(error):
                raise
            await self._database.write(statements.DELETE_SLOT, {"slot": slot})

    async def release_slot(self, slot: str) -> None:
        await self._database.write(statements.RELEASE_SLOT, {"slot": slot})

    async def delete_expired_responses(self, now: datetime) -> int:
        async with self._deletion() as deletion:
            return await deletion.execute(statements.DELETE_EXPIRED_RESPONSES, {"now": now})

    async def ping(self) -> None:
        if self.kind == "sqlite":
            await self._database.fetch(statements.PING)
        elif (await self._database.fetch(statements.PING_TO_WRITE))[0][0] == "on":
            raise reads_only()

    async def close(self) -> None:
        await self._database.close()

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


@asynccontextmanager
async def _room_must_exist() -> AsyncIterator[None]:
    """Raises RoomNotFound where the database refuses a row because its room does not exist."""
    try:
        yield
    except IntegrityError as error:
        if is_missing_room(error):
            raise RoomNotFound from error
        raise
