"""SQLite's files, rid of what was erased.

`secure_delete` overwrites what is deleted, but where rows moved between pages
before, copies of them stay in the pages' unused middle; and the write-ahead log
holds pages as they were. So after an erasure the file is written anew and the
log is emptied.
"""

import asyncio
import logging

from sqlalchemy.ext.asyncio import AsyncConnection

from services.errors import StorageUnavailable
from services.storage.database import BUSY_MILLISECONDS, Database

log = logging.getLogger(__name__)

LARGE_BYTES = 256 * 1024 * 1024
"""A file of more than this takes seconds to write anew, and nobody can write to it meanwhile."""
REWRITE_SECONDS = 120.0
"""The longest that it may take."""
READERS_MILLISECONDS = 1000
"""How long the log waits for those who read from it. Nobody can write meanwhile."""


class Scrubber:
    """Knows how many erasures are due to be scrubbed: the file says so itself, in its `user_version`, which SQLite
    leaves to programs (https://www.sqlite.org/pragma.html#pragma_user_version). So it is known after a restart,
    and to every process.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._turn = asyncio.Lock()
        self._begun = 0
        self._is_clean = True

    async def mark(self, connection: AsyncConnection) -> None:
        """Note, in the transaction that erases something, that it is due."""
        due = await _due(connection)
        await connection.exec_driver_sql(f"PRAGMA user_version = {due + 1}")

    async def scrub(self, *, is_patient: bool) -> bool:
        """Scrub what is due; whether nothing is left. A large file is written anew for the patient only.

        Those who wait for their turn share the next one: it covers what all of them erased.
        """
        begun = self._begun
        async with self._turn:
            if self._begun == begun or (is_patient and not self._is_clean):
                self._begun += 1
                self._is_clean = await self._scrub(is_patient=is_patient)
            return self._is_clean

    async def _scrub(self, *, is_patient: bool) -> bool:
        try:
            async with self._database.connection() as connection:
                due = await _due(connection)
                is_rewritten = is_patient or await _size(connection) <= LARGE_BYTES
            if due == 0:
                return True
            if not await self._clean(is_rewritten=is_rewritten):
                log.warning("the log of the database file still holds what was erased: another program is reading it")
                return False
            if is_rewritten:
                await self._settle(due)
        except StorageUnavailable:
            log.warning("the database file still holds what was erased: another program is using it")
            return False
        return is_rewritten

    async def _clean(self, *, is_rewritten: bool) -> bool:
        """Empty the log, before as well as after: while somebody reads, each rewriting would make it longer."""
        async with self._database.connection(is_writing=True, seconds=REWRITE_SECONDS) as connection:
            is_empty = await _empty_log(connection)
            if is_empty and is_rewritten:
                await connection.exec_driver_sql("VACUUM")
                is_empty = await _empty_log(connection)
            return is_empty

    async def _settle(self, due: int) -> None:
        """What was erased since is due still."""
        async with self._database.transaction() as connection:
            if await _due(connection) == due:
                await connection.exec_driver_sql("PRAGMA user_version = 0")


async def _due(connection: AsyncConnection) -> int:
    due: int = (await connection.exec_driver_sql("PRAGMA user_version")).scalar_one()
    return due


async def _size(connection: AsyncConnection) -> int:
    pages: int = (await connection.exec_driver_sql("PRAGMA page_count")).scalar_one()
    page_size: int = (await connection.exec_driver_sql("PRAGMA page_size")).scalar_one()
    return pages * page_size


async def _empty_log(connection: AsyncConnection) -> bool:
    """Whether everything stands in the file itself now and the log is empty."""
    await connection.exec_driver_sql(f"PRAGMA busy_timeout = {READERS_MILLISECONDS}")
    try:
        is_busy = (await connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")).scalar_one()
    finally:
        await connection.exec_driver_sql(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
    return not is_busy
