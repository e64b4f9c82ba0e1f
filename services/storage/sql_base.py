"""Base of the SQL storage: reads, writes that are charged to a payer, and deletions."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Executable
from sqlalchemy.ext.asyncio import AsyncConnection

from services.clock import utc_now
from services.errors import BudgetExhausted, RoomNotFound
from services.storage import statements
from services.storage.database import Database
from services.storage.purging import FilePurger
from services.storage.statements import DialectStatements
from services.storage.storage_budget import UNLIMITED, Stored, exhausted, find_excess
from setting_types import StorageBudget


@dataclass(slots=True)
class Deletion:
    """Counts the rows that are deleted over one connection."""

    connection: AsyncConnection
    rows: int = 0

    async def execute(self, statement: Executable, values: Mapping[str, Any]) -> int:
        """Runs the statement; returns the number of deleted rows."""
        rows = (await self.connection.execute(statement, values)).rowcount
        self.rows += rows
        return rows


class SqlBase:
    """Transactions over one database. Rooms that ended are deleted `kept_after_end` later, or never (None)."""

    def __init__(
        self,
        database: Database,
        clock: Callable[[], datetime] = utc_now,
        budget: StorageBudget = UNLIMITED,
        kept_after_end: timedelta | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._budget = budget
        self._kept_after_end = kept_after_end
        self._dialect = DialectStatements(database.kind)
        self._purger = FilePurger(database) if database.kind == "sqlite" else None

    async def _fetch(self, statement: Executable, name: str, **values: Any) -> Sequence[Any]:
        return await self._database.fetch(statement, {"room_name": name, **values})

    @asynccontextmanager
    async def _writing(
        self, name: str, size: int = 0, charge: Executable = statements.CHARGE, *, is_checked: bool = True
    ) -> AsyncIterator[AsyncConnection]:
        """A transaction that writes `size` bytes under the room, within the budget unless it is not checked.

        It holds the lock of the room's payer, so writes for one payer happen one after another: numbers have no gaps
        and the budget is exact. Raises RoomNotFound and BudgetExhausted.
        """
        async with self._database.transaction() as connection:
            if not (await connection.execute(self._dialect.lock_room, {"room_name": name})).first():
                raise RoomNotFound
            await self._charge(connection, name, size, charge, is_checked=is_checked)
            yield connection

    async def _charge(
        self,
        connection: AsyncConnection,
        name: str,
        size: int,
        charge: Executable = statements.CHARGE,
        *,
        is_checked: bool = True,
    ) -> None:
        """Counts more bytes for the room's payer, less those that `charge` says are replaced."""
        values = {"room_name": name, "size": size, "most": self._budget.bytes if is_checked else 0}
        if size and not (await connection.execute(charge, values)).rowcount:
            await self._refuse(connection, name, size)

    async def _refuse(self, connection: AsyncConnection, name: str, size: int) -> None:
        """Raise the reason why nothing was charged."""
        payer = (await connection.execute(statements.PAYER, {"room_name": name})).scalar_one_or_none()
        if payer is None:
            raise RoomNotFound
        stored = await self._stored(connection, payer)
        raise self._exhausted(stored, find_excess(self._budget, stored, 0, size), size)

    def _exhausted(self, stored: Stored, excess: Stored, size: int) -> BudgetExhausted:
        now, kept = self._clock(), self._kept_after_end
        return exhausted(self._budget, stored, excess, size, now=now, kept_after_end=kept)

    async def _stored(self, connection: AsyncConnection, payer: str) -> Stored:
        return Stored(*(await connection.execute(statements.STORED, {"payer": payer})).one())

    @asynccontextmanager
    async def _deletion(self) -> AsyncIterator[Deletion]:
        """A transaction that deletes rows; afterwards the file is due to be purged, even if the commit is uncertain."""
        deletion = None
        try:
            async with self._database.transaction() as connection:
                deletion = Deletion(connection)
                yield deletion
        finally:
            if self._purger is not None and deletion is not None and deletion.rows:
                self._purger.note_deletion()
