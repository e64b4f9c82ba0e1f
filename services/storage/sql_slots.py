"""Slots of work that runs once, in a database."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Executable,
    Update,
    and_,
    bindparam,
    delete,
    func,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from services.errors import RoomNotFound
from services.storage import statements
from services.storage.database import is_missing_room
from services.storage.records import Claim, StoredResponse
from services.storage.sql_base import SqlBase
from services.storage.statements import INSERTS
from services.storage.storage_budget import ROW_BYTES, size_in_bytes
from services.storage.tables import idempotency_slots as slots
from services.storage.tables import rooms

_FIND = select(slots.c.fingerprint, slots.c.lease, slots.c.status, slots.c.headers, slots.c.body, slots.c.until).where(
    slots.c.slot == bindparam("slot")
)
_COMPLETE = (
    update(slots)
    .where(slots.c.slot == bindparam("key"))
    .values({name: bindparam(name) for name in ("status", "headers", "body", "room", "until")})
)
_RENEW = (
    update(slots)
    .where(slots.c.slot == bindparam("key"), slots.c.lease == bindparam("old_lease"), slots.c.status.is_(None))
    .values(lease=bindparam("new_lease"))
)
_DELETE = delete(slots).where(slots.c.slot == bindparam("slot"))
_IS_LOCKED = slots.c.room.in_(bindparam("locked", expanding=True))
_RELEASE = _DELETE.where(slots.c.status.is_(None))


def _claim_statement(kind: str) -> Executable:
    """Insert the slot, or take it over where it has no response and is free; a row comes back only then."""
    statement = INSERTS[kind](slots).values(
        {name: bindparam(name) for name in ("slot", "fingerprint", "until", "lease", "room")}
    )
    old, new = slots.c, statement.excluded
    now = bindparam("now", type_=old.until.type)
    claimed = {"fingerprint": new.fingerprint, "until": new.until, "lease": new.lease, "room": new.room}
    is_lost = and_(bindparam("is_repeatable", type_=Boolean), old.lease <= now)
    is_free = and_(old.status.is_(None), or_(old.until <= now, is_lost))
    upsert = statement.on_conflict_do_update(index_elements=["slot"], set_=claimed, where=is_free)
    returning: Executable = upsert.returning(old.slot)
    return returning


_CLAIMS = {kind: _claim_statement(kind) for kind in INSERTS}


class SqlSlots(SqlBase):
    """The methods of `Storage` about slots. Responses are charged to the payer of their room."""

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
        values |= {"now": now, "is_repeatable": is_repeatable}
        if room is not None:
            await self._check_budget(room)
        while not await self._insert_slot(values):
            found = await self._database.fetch(_FIND, {"slot": slot})
            if found and now < found[0].until:
                return _read_claim(found[0], fingerprint, now, is_repeatable=is_repeatable)
            # the slot was released between the two statements, or its response has expired
            await self._delete_expired(slots.c.slot == slot, now)
        return Claim("started")

    async def _check_budget(self, room: str) -> None:
        """Refuses work whose response would exceed the budget. The response is charged when it is known."""
        if self._budget.bytes:
            async with self._database.connection() as connection:
                values = {"room_name": room, "size": ROW_BYTES, "most": self._budget.bytes}
                if not (await connection.execute(statements.FITS, values)).first():
                    await self._refuse(connection, room, ROW_BYTES)

    async def _insert_slot(self, values: dict[str, Any]) -> bool:
        try:
            return bool(await self._database.write_returning(_CLAIMS[self._database.kind], values))
        except IntegrityError as error:
            if is_missing_room(error):
                raise RoomNotFound from error
            raise

    async def renew_slot(self, slot: str, old_lease: datetime, new_lease: datetime) -> bool:
        return bool(await self._database.write(_RENEW, {"key": slot, "old_lease": old_lease, "new_lease": new_lease}))

    async def complete_slot(self, slot: str, response: StoredResponse, room: str | None, until: datetime) -> None:
        values = {"status": response.status, "headers": json.dumps(response.headers), "body": response.body}
        try:
            async with self._database.transaction() as connection:
                if room is not None and not await self._is_there(connection, room):
                    await connection.execute(_DELETE, {"slot": slot})
                    return
                completed = await connection.execute(_COMPLETE, values | {"key": slot, "room": room, "until": until})
                if completed.rowcount and room is not None:
                    await self._charge(connection, room, size_in_bytes(response.body), is_checked=False)
        except IntegrityError as error:
            if not is_missing_room(error):
                raise
            await self._database.write(_DELETE, {"slot": slot})

    async def _is_there(self, connection: AsyncConnection, room: str) -> bool:
        return bool((await connection.execute(statements.LOCK_ROOM_TO_WRITE, {"room_name": room})).first())

    async def release_slot(self, slot: str) -> None:
        await self._database.write(_RELEASE, {"slot": slot})

    async def delete_expired_responses(self, now: datetime) -> int:
        return await self._delete_expired(true(), now)

    async def _delete_expired(self, which: ColumnElement[bool], now: datetime) -> int:
        """Delete slots whose time is over, and credit the payers of their rooms.

        Only the slots of rooms that were locked are touched; one that came meanwhile is deleted the next time.
        """
        is_expired = and_(which, slots.c.until <= bindparam("now", type_=slots.c.until.type))
        async with self._deletion() as deletion:
            locked = (await deletion.connection.execute(_lock_rooms_of(is_expired), {"now": now})).scalars().all()
            values = {"now": now, "locked": list(locked)}
            await deletion.connection.execute(_credit_statement(and_(is_expired, _IS_LOCKED)), values)
            is_deletable = or_(slots.c.room.is_(None), _IS_LOCKED)
            return await deletion.execute(delete(slots).where(is_expired, is_deletable), values)


def _lock_rooms_of(which: ColumnElement[bool]) -> Executable:
    """Lock the rooms of these slots, in one order, before the slots: an erasure locks a room before its slots too."""
    names = select(slots.c.room).where(slots.c.room.is_not(None), which)
    return select(rooms.c.name).where(rooms.c.name.in_(names)).order_by(rooms.c.name).with_for_update(key_share=True)


def _credit_statement(is_expired: ColumnElement[bool]) -> Update:
    """Subtract the responses of these slots from the bytes of their rooms."""
    has_body = and_(is_expired, slots.c.body.is_not(None))
    size = select(func.sum(func.length(slots.c.body) + ROW_BYTES)).where(slots.c.room == rooms.c.name, has_body)
    with_expired = select(slots.c.room).where(slots.c.room.is_not(None), has_body)
    credited = rooms.c.stored_bytes - size.scalar_subquery()
    return update(rooms).where(rooms.c.name.in_(with_expired)).values(stored_bytes=credited)


def _read_claim(row: Sequence[Any], used_for: str, now: datetime, *, is_repeatable: bool) -> Claim:
    """The result of a claim that did not get the slot."""
    fingerprint, lease, status, headers, body, _ = row
    if fingerprint != used_for:
        return Claim("mismatch")
    if status is not None:
        pairs = tuple((name, value) for name, value in json.loads(headers))
        return Claim("done", StoredResponse(status, pairs, body, is_replayed=True))
    return Claim("running" if is_repeatable or now < lease else "abandoned")
