"""SQLite's files, rid of what was erased.

`secure_delete` overwrites what is deleted, but where rows moved between pages
before, copies of them stay in the pages' unused middle; and the write-ahead log
holds pages as they were. So after an erasure the file is written anew and the
log is emptied.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from secrets import randbelow
from time import monotonic

from filelock import FileLock, Timeout
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


class FilePurger:
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
        self._file_lock = FileLock(f"{database.file}-scrub", mode=0o600, blocking=False)
        self._turn = asyncio.Lock()
        self._begun = 0
        self._is_clean = True

    async def mark(self, connection: AsyncConnection) -> None:
        """Note, in the transaction that erases something, that it is due. No two marks are alike, so that whoever
        was slow to settle an older one leaves this one standing.
        """
        await connection.exec_driver_sql(f"PRAGMA user_version = {1 + randbelow(_MARKS)}")

    async def purge_deleted(self, *, in_background: bool) -> bool:
        """Scrub what is due; whether nothing is left. A large file is written anew for the patient only, once a day.

        Those who wait for their turn share the next one: it covers what all of them erased.
        """
        begun, seconds = self._begun, PATIENCE_SECONDS if in_background else CALL_SECONDS
        try:
            async with asyncio.timeout(seconds), self._turn:
                if self._begun == begun or (in_background and not self._is_clean):
                    self._begun += 1
                    self._is_clean = False
                    self._is_clean = await self._is_nothing_due() or await self._scrub(
                        seconds, in_background=in_background
                    )
                return self._is_clean
        except (StorageUnavailable, DBAPIError, OSError) as error:
            log.warning("the database file still holds what was erased: %s", _reason(error))
            return False

    async def _is_nothing_due(self) -> bool:
        async with self._database.connection() as connection:
            return await _number(connection, "user_version") == _CLEAN

    async def _scrub(self, seconds: float, *, in_background: bool) -> bool:
        rewritten = _CLEAN
        async with _alone(self._file_lock):
            for _ in range(TRIES):
                async with self._database.connection(is_writing=True, seconds=seconds) as connection:
                    mark = await _number(connection, "user_version")
                    if mark == _CLEAN:
                        return True
                    # first, since each rewriting makes the log grow while somebody reads it
                    is_empty = await _empty_log(connection)
                    if is_empty and not rewritten and await self._may_rewrite(connection, in_background=in_background):
                        rewritten = mark
                        await _rewrite(connection)
                        is_empty = await _empty_log(connection)
                if is_empty and rewritten:
                    await self._settle(rewritten)
                if is_empty:
                    return bool(rewritten)
                await asyncio.sleep(PAUSE_SECONDS)
        log.warning("the log of the database file still holds what was erased: another process is reading it")
        return False

    async def _may_rewrite(self, connection: AsyncConnection, *, in_background: bool) -> bool:
        """A large file's next time is a day later, whatever comes of it."""
        size = await _number(connection, "page_count") * await _number(connection, "page_size")
        if size <= self._large_bytes:
            return True
        if not in_background or self._clock() < self._large_again:
            return False
        self._large_again = self._clock() + LARGE_EVERY_SECONDS
        return True

    async def _settle(self, mark: int) -> None:
        """What was erased since bears another mark and is due still."""
        async with self._database.transaction() as connection:
            if await _number(connection, "user_version") == mark:
                await connection.exec_driver_sql(f"PRAGMA user_version = {_CLEAN}")


@asynccontextmanager
async def _alone(lock: FileLock) -> AsyncIterator[None]:
    """One process at a time: they would take each other for readers. A process that is killed lets go of the lock."""
    while True:
        try:
            lock.acquire()
        except Timeout:
            await asyncio.sleep(PAUSE_SECONDS)
        else:
            break
    try:
        yield
    finally:
        lock.release()


def _reason(error: Exception) -> str:
    """SQLite's own words, such as that the disk of its temporary folder is full, which a rewriting needs."""
    cause = error if isinstance(error, DBAPIError) else error.__cause__
    if isinstance(cause, DBAPIError):
        return str(cause.orig)
    return getattr(error, "strerror", None) or "it took too long, or other processes kept it busy"


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
