"""Uses of budgets, in a database."""

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    BindParameter,
    Executable,
    bindparam,
    case,
    delete,
    func,
    insert,
    select,
    tuple_,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from services.errors import RoomNotFound
from services.storage.budget_uses import CountedUse, bucket_of, find_exhausted
from services.storage.database import is_missing_room
from services.storage.records import BudgetUse, Exhausted
from services.storage.sql_base import SqlBase
from services.storage.statements import INSERTS
from services.storage.tables import budget_uses, rooms

_SUBJECTS: BindParameter[Any] = bindparam("subjects", expanding=True)
_LOCK = select(func.pg_advisory_xact_lock(func.unnest(bindparam("locks", type_=ARRAY(BigInteger)))))
_COUNTED = select(budget_uses.c.subject, budget_uses.c.amount, budget_uses.c.ends_at).where(
    budget_uses.c.subject.in_(_SUBJECTS),
    budget_uses.c.ends_at > bindparam("now", type_=budget_uses.c.ends_at.type),
)
_RESERVE = insert(budget_uses)
_TAKE_RESERVED = (
    delete(budget_uses)
    .where(budget_uses.c.subject.in_(_SUBJECTS), budget_uses.c.id == bindparam("reservation"))
    .returning(budget_uses.c.subject, budget_uses.c.room, budget_uses.c.ends_at)
)
_LOCK_ROOMS = (
    select(rooms.c.name)
    .where(rooms.c.name.in_(select(budget_uses.c.room).where(budget_uses.c.id == bindparam("reservation"))))
    .order_by(rooms.c.name)
    .with_for_update(read=True, key_share=True)
)
"""Locks rooms before uses, as an erasure does, so neither waits for the other's rows."""
_expired = (
    select(budget_uses.c.subject, budget_uses.c.id)
    .where(budget_uses.c.ends_at <= bindparam("now", type_=budget_uses.c.ends_at.type))
    .with_for_update(skip_locked=True)
)
_DELETE_EXPIRED = delete(budget_uses).where(tuple_(budget_uses.c.subject, budget_uses.c.id).in_(_expired))


def _merge_statement(kind: str) -> Executable:
    """Add a use to the record of its bucket."""
    statement = INSERTS[kind](budget_uses)
    old, new = budget_uses.c, statement.excluded
    later = case((old.ends_at > new.ends_at, old.ends_at), else_=new.ends_at)
    merged = {"amount": old.amount + new.amount, "ends_at": later}
    upsert: Executable = statement.on_conflict_do_update(index_elements=["subject", "id"], set_=merged)
    return upsert


_MERGE = {kind: _merge_statement(kind) for kind in INSERTS}


class SqlUses(SqlBase):
    """The methods of `Storage` about budgets."""

    async def reserve_uses(self, reservation: str, uses: Sequence[BudgetUse], now: datetime) -> Exhausted | None:
        try:
            async with self._database.transaction() as connection:
                await self._lock_subjects(connection, uses)
                if exhausted := find_exhausted(uses, await _read_counted(connection, uses, now)):
                    return exhausted
                await connection.execute(_RESERVE, [_row(use, reservation, now) for use in uses])
        except IntegrityError as error:
            if is_missing_room(error):
                raise RoomNotFound from error
            raise
        return None

    async def settle_uses(self, reservation: str, uses: Sequence[BudgetUse], amount: int) -> None:
        windows = {use.subject: use.window for use in uses}
        async with self._deletion() as deletion:
            values = {"subjects": list(windows), "reservation": reservation}
            await deletion.connection.execute(_LOCK_ROOMS, {"reservation": reservation})
            reserved = (await deletion.connection.execute(_TAKE_RESERVED, values)).all()
            rows = [
                {
                    "subject": subject,
                    "id": bucket_of(ends_at, windows[subject]),
                    "room": room,
                    "amount": amount,
                    "ends_at": ends_at,
                }
                for subject, room, ends_at in sorted(reserved, key=lambda row: row.subject)
            ]
            if rows and amount:
                await deletion.connection.execute(_MERGE[self._database.kind], rows)

    async def delete_expired_uses(self, now: datetime) -> int:
        async with self._deletion() as deletion:
            return await deletion.execute(_DELETE_EXPIRED, {"now": now})

    async def _lock_subjects(self, connection: AsyncConnection, uses: Sequence[BudgetUse]) -> None:
        """Locks the subjects in sorted order, so that two reservations never wait for each other. SQLite's transaction
        is a lock.
        """
        if self._database.kind == "postgresql":
            locks = sorted({_lock_of(use.subject) for use in uses})
            await connection.execute(_LOCK, {"locks": locks})


async def _read_counted(
    connection: AsyncConnection, uses: Sequence[BudgetUse], now: datetime
) -> dict[str, list[CountedUse]]:
    rows = await connection.execute(_COUNTED, {"subjects": [use.subject for use in uses], "now": now})
    counted: dict[str, list[CountedUse]] = {}
    for subject, amount, ends_at in rows:
        counted.setdefault(subject, []).append(CountedUse(amount, ends_at))
    return counted


def _row(use: BudgetUse, reservation: str, now: datetime) -> dict[str, object]:
    return {
        "subject": use.subject,
        "id": reservation,
        "room": use.room,
        "amount": use.amount,
        "ends_at": now + use.window,
    }


def _lock_of(subject: str) -> int:
    """A number for PostgreSQL's advisory locks. Two subjects with the same one merely wait for each other."""
    return int.from_bytes(sha256(subject.encode()).digest()[:8], "big", signed=True)
