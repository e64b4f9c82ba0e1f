"""SQLite's files, rid of what was erased.

`secure_delete` overwrites what is deleted, but where rows moved between pages
before, copies of them stay in the pages' unused middle; and the write-ahead log
holds pages as they were. So after an erasure the file is written anew and the
log is emptied.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from secrets import randbelow
from time import monotonic

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from services.errors import StorageUnavailable
from services.storage.database import BUSY_MILLISECONDS, CALL_SECONDS, Database

log = logging.getLogger(__name__)

LARGE_BYTES = 256 * 1024 * 1024
"""A file of more than this takes seconds to write anew, and nobody can write to it meanwhile."""
LARGE_EVERY_SECONDS = 86400.0
"""How often each process writes one anew, at most."""
PATIENCE_SECONDS = 120.0
"""The longest that a patient caller waits; others wait as long as for any call."""
TRIES = 4
READERS_MILLISECONDS = 500
"""How long each try waits for those who read from the log. Nobody can write meanwhile."""
PAUSE_SECONDS = 0.2
"""Between two tries: SQLite does not wait for another process that is emptying the log."""
INTERRUPT_EVERY_SECONDS = 0.05

_CLEAN = 0
_MARKS = 2**31 - 1


class Scrubber:
    """Knows whether something is due to be scrubbed: the file says so itself, in its `user_version`, which SQLite
    leaves to programs (https://www.sqlite.org/pragma.html#pragma_user_version). So it is known after a restart,
    and to every process. `clock` counts seconds.
    """

    def __init__(
        self, database: Database, large_bytes: int = LARGE_BYTES, clock: Callable[[], float] = monotonic
    ) -> None:
        self._database = database
        self._large_bytes = large_bytes
        self._clock = clock
        self._large_again = clock()
        self._turn = asyncio.Lock()
        self._begun = 0
        self._is_clean = True

    async def mark(self, connection: AsyncConnection) -> None:
        """Note, in the transaction that erases something, that it is due. No two marks are alike, so that whoever
        was slow to settle an older one leaves this one standing.
        """
        await connection.exec_driver_sql(f"PRAGMA user_version = {1 + randbelow(_MARKS)}")

    async def scrub(self, *, is_patient: bool) -> bool:
        """Scrub what is due; whether nothing is left. A large file is written anew for the patient only, once a day.

        Those who wait for their turn share the next one: it covers what all of them erased.
        """
        begun, seconds = self._begun, PATIENCE_SECONDS if is_patient else CALL_SECONDS
        try:
            async with asyncio.timeout(seconds), self._turn:
                if self._begun == begun or (is_patient and not self._is_clean):
                    self._begun += 1
                    self._is_clean = False
                    self._is_clean = await self._try(seconds, is_patient=is_patient)
                return self._is_clean
        except (StorageUnavailable, DBAPIError, TimeoutError) as error:
            log.warning("the database file still holds what was erased: %s", _reason(error))
            return False

    async def _try(self, seconds: float, *, is_patient: bool) -> bool:
        """Other processes may be scrubbing too; while they get on, so that the mark changes, no try counts."""
        tries, last = 0, _CLEAN
        while tries < TRIES:
            async with self._database.connection() as connection:
                mark = await _number(connection, "user_version")
                size = await _number(connection, "page_count") * await _number(connection, "page_size")
            if mark == _CLEAN:
                return True
            tries, last = tries + 1 if mark == last else 1, mark
            is_large = size > self._large_bytes
            is_rewriting = not is_large or (is_patient and self._clock() >= self._large_again)
            async with self._database.connection(is_writing=True, seconds=seconds) as connection:
                # first, since with every rewriting the log grows for as long as somebody reads from it
                is_empty = await _empty_log(connection)
                if is_empty and is_rewriting:
                    if is_large:
                        self._large_again = self._clock() + LARGE_EVERY_SECONDS
                    await _rewrite(connection)
                    is_empty = await _empty_log(connection)
            if is_empty and is_rewriting:
                await self._settle(mark)
            if is_empty:
                return is_rewriting
            await asyncio.sleep(PAUSE_SECONDS)
        log.warning("the log of the database file still holds what was erased: another process is reading it")
        return False

    async def _settle(self, mark: int) -> None:
        """What was erased since bears another mark and is due still."""
        async with self._database.transaction() as connection:
            if await _number(connection, "user_version") == mark:
                await connection.exec_driver_sql(f"PRAGMA user_version = {_CLEAN}")


def _reason(error: Exception) -> str:
    """SQLite's own words, such as that the disk of its temporary folder is full, which a rewriting needs."""
    cause = error.__cause__
    return str(cause.orig) if isinstance(cause, DBAPIError) else "other processes kept it busy for too long"


async def _number(connection: AsyncConnection, pragma: str) -> int:
    number: int = (await connection.exec_driver_sql(f"PRAGMA {pragma}")).scalar_one()
    return number


async def _empty_log(connection: AsyncConnection) -> bool:
    """Whether everything stands in the file itself now and the log is empty."""
    try:
        await connection.exec_driver_sql(f"PRAGMA busy_timeout = {READERS_MILLISECONDS}")
        is_busy = await _number(connection, "wal_checkpoint(TRUNCATE)")
        await connection.exec_driver_sql(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
    except BaseException:
        await connection.invalidate()  # it would go on with the short patience
        raise
    return not is_busy


async def _rewrite(connection: AsyncConnection) -> None:
    """Cancelled, it is interrupted and waited for: SQLite's thread would go on by itself, with the file locked."""
    driver = (await connection.get_raw_connection()).driver_connection
    assert driver is not None
    rewriting = asyncio.ensure_future(connection.exec_driver_sql("VACUUM"))
    try:
        await asyncio.shield(rewriting)
    except asyncio.CancelledError:
        while not rewriting.done():
            await driver.interrupt()  # has no effect where the thread has not begun yet
            with suppress(asyncio.CancelledError):
                await asyncio.wait([rewriting], timeout=INTERRUPT_EVERY_SECONDS)
        rewriting.exception()
        raise
