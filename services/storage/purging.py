"""Purges SQLite's files: removes what deleted rows leave behind in them.

`secure_delete` overwrites a deleted row, but copies of rows that moved between pages earlier stay in unused parts of
those pages, and the write-ahead log holds older versions of pages. So after a deletion the file is rewritten with
VACUUM (https://www.sqlite.org/lang_vacuum.html) and the log is truncated.
"""

import asyncio
import logging
from contextlib import suppress

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from services.errors import StorageUnavailable
from services.storage.database import BUSY_MILLISECONDS, CALL_SECONDS, Database

log = logging.getLogger(__name__)

LARGE_BYTES = 256 * 1024 * 1024
"""A larger file takes seconds to rewrite, and nothing can be written meanwhile, so only the background rewrites it."""
BACKGROUND_SECONDS = 120.0
"""Maximum duration of a purge in the background; others have the deadline of a call to the database."""
TRIES = 4
READERS_MILLISECONDS = 500
"""Maximum wait of each try for readers of the log. Nothing can be written meanwhile."""
PAUSE_SECONDS = 0.2
"""Pause between two tries: SQLite does not wait for another process that is truncating the log."""
INTERRUPT_EVERY_SECONDS = 0.05


class FilePurger:
    """Purges the file of one database after deletions.

    Each process knows about its own deletions. A new process assumes that there were some, so what a stopped
    process left undone is done after the restart.
    """

    def __init__(self, database: Database, large_bytes: int = LARGE_BYTES) -> None:
        self._database = database
        self._large_bytes = large_bytes
        self._lock = asyncio.Lock()
        self._deletions = 1
        self._purged = 0
        """Number of deletions of which nothing is left in the files."""
        self._attempts = 0

    def note_deletion(self) -> None:
        """Call this after the deletion is committed."""
        self._deletions += 1

    async def purge_deleted(self, *, in_background: bool) -> bool:
        """Purges what was deleted before this call. Returns whether nothing of it is left.

        Callers that wait for the lock share the next attempt, because it covers the deletions of all of them.
        """
        deletions, attempts = self._deletions, self._attempts
        seconds = BACKGROUND_SECONDS if in_background else CALL_SECONDS
        try:
            async with asyncio.timeout(seconds), self._lock:
                if self._purged < deletions and (in_background or self._attempts == attempts):
                    await self._attempt(seconds, in_background=in_background)
        except (StorageUnavailable, TimeoutError) as error:
            log.warning("the database file still holds deleted rows: %s", _reason(error))
        return self._purged >= deletions

    async def _attempt(self, seconds: float, *, in_background: bool) -> None:
        self._attempts += 1
        deletions = self._deletions
        if await self._purge(seconds, in_background=in_background):
            self._purged = deletions

    async def _purge(self, seconds: float, *, in_background: bool) -> bool:
        """Whether the file was rewritten and its log is empty."""
        is_rewritten = False
        for _ in range(TRIES):
            async with self._database.connection(is_writing=True, seconds=seconds) as connection:
                # first, because each rewrite makes the log grow while another process reads it
                is_empty = await _truncate_log(connection)
                if is_empty and not is_rewritten and (in_background or await self._is_small(connection)):
                    await _rewrite(connection)
                    is_rewritten = True
                    is_empty = await _truncate_log(connection)
            if is_empty:
                return is_rewritten
            await asyncio.sleep(PAUSE_SECONDS)
        log.warning("the log of the database file still holds deleted rows: another process is reading it")
        return False

    async def _is_small(self, connection: AsyncConnection) -> bool:
        size = await _number(connection, "page_count") * await _number(connection, "page_size")
        return size <= self._large_bytes


def _reason(error: Exception) -> str:
    """SQLite's message if there is one: the disk may be full, for example, since a rewrite needs temporary space."""
    cause = error.__cause__
    return str(cause.orig) if isinstance(cause, DBAPIError) else "it took too long, or other processes kept it busy"


async def _number(connection: AsyncConnection, pragma: str) -> int:
    number: int = (await connection.exec_driver_sql(f"PRAGMA {pragma}")).scalar_one()
    return number


async def _truncate_log(connection: AsyncConnection) -> bool:
    """Whether all pages were moved from the log to the file and the log is empty."""
    try:
        await connection.exec_driver_sql(f"PRAGMA busy_timeout = {READERS_MILLISECONDS}")
        is_busy = await _number(connection, "wal_checkpoint(TRUNCATE)")
        await connection.exec_driver_sql(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
    except BaseException:
        await connection.invalidate()  # otherwise it keeps the short timeout
        raise
    return not is_busy


async def _rewrite(connection: AsyncConnection) -> None:
    """VACUUM. When cancelled, it is interrupted and awaited: SQLite's thread would otherwise continue, with the file
    locked.
    """
    driver = (await connection.get_raw_connection()).driver_connection
    assert driver is not None
    rewriting = asyncio.ensure_future(connection.exec_driver_sql("VACUUM"))
    try:
        await asyncio.shield(rewriting)
    except asyncio.CancelledError:
        while not rewriting.done():
            await driver.interrupt()  # has no effect before the thread has begun
            with suppress(asyncio.CancelledError):
                await asyncio.wait([rewriting], timeout=INTERRUPT_EVERY_SECONDS)
        rewriting.exception()
        raise
