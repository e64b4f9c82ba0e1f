"""Slots of work that runs once, in a database."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, Executable, and_, bindparam, delete, or_, select, update
from sqlalchemy.exc import IntegrityError

from services.errors import RoomNotFound
from services.storage.database import Database, is_missing_room
from services.storage.records import Claim, StoredResponse
from services.storage.statements import INSERTS
from services.storage.tables import idempotency_slots as slots

_FIND = select(slots.c.fingerprint, slots.c.lease, slots.c.status, slots.c.headers, slots.c.body).where(
    slots.c.slot == bindparam("slot")
)
_COMPLETE = (
    update(slots)
    .where(slots.c.slot == bindparam("key"))
    .values({name: bindparam(name) for name in ("status", "headers", "body", "room", "until")})
)
_RENEW = (
    update(slots)
    .where(slots.c.slot == bindparam("key"), slots.c.lease == bindparam("held"), slots.c.status.is_(None))
    .values(lease=bindparam("end"))
)
_DELETE = delete(slots).where(slots.c.slot == bindparam("slot"))
_RELEASE = _DELETE.where(slots.c.status.is_(None))
DELETE_EXPIRED = delete(slots).where(slots.c.until <= bindparam("now"))


def _claim_statement(kind: str) -> Executable:
    """Insert the slot, or take it over where it is free; a row comes back only then."""
    statement = INSERTS[kind](slots).values(
        {name: bindparam(name) for name in ("slot", "fingerprint", "until", "lease", "room")}
    )
    held, new = slots.c, statement.excluded
    now = bindparam("now", type_=held.until.type)
    claimed = {"fingerprint": new.fingerprint, "until": new.until, "lease": new.lease, "room": new.room}
    emptied = {"status": None, "headers": None, "body": None}
    may_take_over = and_(bindparam("is_repeatable", type_=Boolean), held.status.is_(None), held.lease <= now)
    is_free = or_(held.until <= now, may_take_over)
    upsert = statement.on_conflict_do_update(index_elements=["slot"], set_=claimed | emptied, where=is_free)
    returning: Executable = upsert.returning(held.slot)
    return returning


class SqlSlots:
    """The methods of `Storage` about slots."""

    _database: Database

    def __init__(self, database: Database) -> None:
        self._database = database
        self._claim = _claim_statement(database.kind)

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
        while True:
            if await self._insert_slot(values):
                return Claim("started")
            if held := await self._database.fetch(_FIND, {"slot": slot}):
                return _read_claim(held[0], fingerprint, now, is_repeatable=is_repeatable)
            # the slot was released between the two statements

    async def _insert_slot(self, values: dict[str, Any]) -> bool:
        try:
            return bool(await self._database.write_returning(self._claim, values))
        except IntegrityError as error:
            if is_missing_room(error):
                raise RoomNotFound from error
            raise

    async def renew_slot(self, slot: str, held: datetime, lease: datetime) -> bool:
        return bool(await self._database.write(_RENEW, {"key": slot, "held": held, "end": lease}))

    async def complete_slot(self, slot: str, response: StoredResponse, room: str | None, until: datetime) -> None:
        values = {"status": response.status, "headers": json.dumps(response.headers), "body": response.body}
        try:
            await self._database.write(_COMPLETE, values | {"key": slot, "room": room, "until": until})
        except IntegrityError as error:
            if not is_missing_room(error):
                raise
            await self._database.write(_DELETE, {"slot": slot})

    async def release_slot(self, slot: str) -> None:
        await self._database.write(_RELEASE, {"slot": slot})


def _read_claim(row: Sequence[Any], used_for: str, now: datetime, *, is_repeatable: bool) -> Claim:
    """The result of a claim that did not get the slot."""
    fingerprint, lease, status, headers, body = row
    if fingerprint != used_for:
        return Claim("mismatch")
    if status is not None:
        pairs = tuple((name, value) for name, value in json.loads(headers))
        return Claim("done", StoredResponse(status, pairs, body, is_replayed=True))
    return Claim("running" if is_repeatable or now < lease else "abandoned")
