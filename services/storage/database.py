"""A database as SQLAlchemy reaches it: engine, pool, transactions, deadlines, and what its errors mean.

Connections commit each statement by themselves, so a call that is one statement is one round trip. With psycopg that
holds for a pooler in transaction mode as well: a statement is parsed, bound and run in one message pair, and leaves
nothing on the server.
"""

import asyncio
import logging
import select
import sqlite3
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from typing import Any

import psycopg
from psycopg.abc import RV, PQGen
from psycopg.waiting import wait_async
from sqlalchemy import Executable, Row, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, IntegrityError, InvalidatePoolError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from services.errors import ServiceError, StorageUnavailable

log = logging.getLogger(__name__)

CALL_SECONDS = 10.0
"""Deadline of a call to the database, unless the caller gives another. SQLite's busy timeout may be added to it."""
POOL_SIZE = 10
POOL_SECONDS = 5.0
"""Maximum wait for a free connection."""
BUSY_MILLISECONDS = 5000
"""Maximum wait of SQLite for another process that is writing."""
RETRY_AFTER_SECONDS = 3
_MAX_REASON = 300

_POOL_EXHAUSTED = (
    f"all connections were in use for {POOL_SECONDS:g} s; raise DATABASE_POOL_SIZE, or find what holds them"
)
_UNREACHABLE = "The database can't be reached right now; try again in a moment."
_READ_ONLY = "The database is read-only right now; the operator of this server should check it."
_REFUSED = "The database refuses this; the operator of this server should check the rights of its role."
_FULL = "The disk of the database, or of its temporary files, is full; the operator should free space."
_DAMAGED = "The database file is damaged; the operator of this server should restore it."
_SQLITE_ERRORS = {
    sqlite3.SQLITE_BUSY: _UNREACHABLE,
    sqlite3.SQLITE_LOCKED: _UNREACHABLE,
    sqlite3.SQLITE_IOERR: _UNREACHABLE,
    sqlite3.SQLITE_CANTOPEN: _UNREACHABLE,
    sqlite3.SQLITE_PROTOCOL: _UNREACHABLE,
    sqlite3.SQLITE_READONLY: _READ_ONLY,
    sqlite3.SQLITE_PERM: _READ_ONLY,
    sqlite3.SQLITE_FULL: _FULL,
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_NOTADB: _DAMAGED,
}

_SQLITE_PRAGMAS = (
    f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}",
    "PRAGMA foreign_keys = ON",
    # deleted rows are overwritten
    "PRAGMA secure_delete = ON",
    # a commit is on the disk before it is acknowledged, so a power cut loses none
    "PRAGMA synchronous = FULL",
)
_PSYCOPG_OPTIONS: dict[str, Any] = {
    # some servers use another encoding than UTF-8 unless one is requested
    "client_encoding": "utf8",
    # prepared statements live in a session of the server, which a pooler may give to another client
    "prepare_threshold": None,
    "connect_timeout": 5,
    # detect a dead peer within about 20 seconds
    "keepalives_idle": 10,
    "keepalives_interval": 3,
    "keepalives_count": 3,
}
_NO_LOCK = nullcontext()


class _Connection(psycopg.AsyncConnection[Any]):
    """Closes when a call is cancelled. psycopg would send a cancel request and wait for it: with a server that does not
    answer, ten seconds more.
    """

    async def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:  # noqa: ASYNC109 (psycopg's signature)
        try:
            return await wait_async(gen, self.pgconn.socket, interval=interval, timeout=timeout)
        except asyncio.CancelledError:
            self.pgconn.finish()
            raise


def open_engine(url: URL, pool_size: int = POOL_SIZE) -> AsyncEngine:
    """An engine that has not connected yet. `pool_size` is its most connections to PostgreSQL."""
    if url.get_backend_name() == "sqlite":
        engine = _create_engine(url, pool_size=4)
        event.listen(engine.sync_engine, "connect", _set_pragmas)
        return engine
    engine = _create_engine(
        url,
        pool_size=pool_size,
        # poolers and firewalls drop connections that were idle for long
        pool_recycle=300,
        use_native_hstore=False,
        connect_args=_connect_options(url),
    )
    event.listen(engine.sync_engine, "checkout", _check_connection)
    return engine


def _connect_options(url: URL) -> dict[str, Any]:
    """Our options, unless the URL sets them."""
    options = {name: value for name, value in _PSYCOPG_OPTIONS.items() if name not in url.query}
    return options | {"async_creator_fn": _Connection.connect}


def _create_engine(url: URL, **options: Any) -> AsyncEngine:
    return create_async_engine(
        url,
        isolation_level="AUTOCOMMIT",
        skip_autocommit_rollback=True,
        hide_parameters=True,
        max_overflow=0,
        pool_timeout=POOL_SECONDS,
        pool_use_lifo=True,
        **options,
    )


def _set_pragmas(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    try:
        for pragma in _SQLITE_PRAGMAS:
            cursor.execute(pragma)
        cursor.close()
    except sqlite3.Error:
        # SQLAlchemy drops a connection that fails here without closing it, so its thread would stay
        connection.close()
        raise


def _check_connection(connection: Any, record: Any, _proxy: object) -> None:
    """Replace the pool's connections when the server has closed this one.

    Instead of pool_pre_ping, which costs a round trip before each statement (`make bench` prints it): an idle
    connection has nothing to read unless the server closed it.
    """
    is_used, record.info["is_used"] = record.info.get("is_used", False), True
    if is_used and _is_readable(connection.driver_connection):
        raise InvalidatePoolError


def _is_readable(connection: Any) -> bool:
    if connection.closed:
        return True
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))


class Database:
    """Runs statements. Raises StorageUnavailable when the database can't be reached or is too slow."""

    def __init__(self, engine: AsyncEngine, *, call_seconds: float = CALL_SECONDS) -> None:
        self.kind = engine.dialect.name
        self._call_seconds = call_seconds
        self._engine = engine
        # READ COMMITTED whatever the server's default: after a wait for a lock, the holder's changes are visible
        self._begin = "BEGIN IMMEDIATE" if self.kind == "sqlite" else "BEGIN ISOLATION LEVEL READ COMMITTED"
        # SQLite allows one writer at a time: others wait here, not on a connection that readers need
        self._write_lock: AbstractAsyncContextManager[None] = asyncio.Lock() if self.kind == "sqlite" else _NO_LOCK

    async def fetch(self, statement: Executable, values: Mapping[str, Any] | None = None) -> Sequence[Row[Any]]:
        """All rows, in one round trip."""
        async with self.connection() as connection:
            return (await connection.execute(statement, values)).fetchall()

    async def write(self, statement: Executable, values: Mapping[str, Any] | None = None) -> int:
        """The number of rows that were written, in one round trip."""
        async with self.connection(is_writing=True) as connection:
            return (await connection.execute(statement, values)).rowcount

    async def write_returning(self, statement: Executable, values: Mapping[str, Any]) -> Sequence[Row[Any]]:
        """The rows that were written, in one round trip."""
        async with self.connection(is_writing=True) as connection:
            return (await connection.execute(statement, values)).fetchall()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """A transaction: its statements are committed together, or rolled back when the block raises."""
        async with self.connection(is_writing=True) as connection:
            await connection.exec_driver_sql(self._begin)
            try:
                yield connection
                await connection.exec_driver_sql("COMMIT")
            except BaseException as error:
                await _roll_back(connection, error)
                raise

    @asynccontextmanager
    async def connection(
        self, *, is_writing: bool = False, seconds: float | None = None
    ) -> AsyncIterator[AsyncConnection]:
        """A connection for at most `seconds`."""
        lock = self._write_lock if is_writing else _NO_LOCK
        seconds = seconds or self._call_seconds
        try:
            async with asyncio.timeout(seconds), lock, self._engine.connect() as connection:
                yield connection
        except TimeoutError as error:
            raise _unavailable(_UNREACHABLE, f"no answer within {seconds:g} s") from error
        except PoolTimeout as error:
            raise _unavailable(_UNREACHABLE, _POOL_EXHAUSTED) from error
        except DBAPIError as error:
            if detail := _explain(error):
                raise _unavailable(detail, _said(error)) from error
            raise

    async def close(self) -> None:
        await self._engine.dispose()


async def _roll_back(connection: AsyncConnection, error: BaseException) -> None:
    """Close the connection, which always rolls back; keep it where the error is our own refusal."""
    try:
        if isinstance(error, ServiceError):
            await connection.exec_driver_sql("ROLLBACK")
            return
    except BaseException:
        await connection.invalidate()
        raise
    await connection.invalidate()


def _unavailable(detail: str, reason: str) -> StorageUnavailable:
    """The error for callers, with its reason in the log. Where the operator has to act, waiting does not help."""
    log.error("the database is unavailable: %s", reason)
    return StorageUnavailable(detail, retry_after=RETRY_AFTER_SECONDS if detail == _UNREACHABLE else None)


def read_only() -> StorageUnavailable:
    """The error for a server that accepts no writes, such as a standby."""
    return _unavailable(_READ_ONLY, "it accepts no writes, as a standby")


def _said(error: DBAPIError) -> str:
    """The first line of what the database or its driver said. The lines after it may show values of a row."""
    return ascii(str(error.orig).strip().partition("\n")[0])[:_MAX_REASON]


def _explain(error: DBAPIError) -> str | None:
    """Why the database can't be used, as a sentence for callers; None when the statement itself is wrong."""
    cause = error.orig
    if isinstance(cause, sqlite3.Error):
        return _SQLITE_ERRORS.get(sqlite_code(cause))
    match cause:
        case psycopg.errors.ReadOnlySqlTransaction():
            return _READ_ONLY
        case psycopg.errors.InsufficientPrivilege():
            return _REFUSED
        case psycopg.errors.DiskFull():
            return _FULL
        case psycopg.OperationalError() | psycopg.InterfaceError():
            return _UNREACHABLE
        case _:
            return _UNREACHABLE if error.connection_invalidated else None


def sqlite_code(error: sqlite3.Error) -> int:
    """The primary result code: the lowest byte of SQLite's extended code. https://www.sqlite.org/rescode.html"""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def is_missing_room(error: IntegrityError) -> bool:
    """Whether the row refers to a room that does not exist."""
    cause = error.orig
    if isinstance(cause, sqlite3.Error):
        return cause.sqlite_errorcode == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY
    return isinstance(cause, psycopg.errors.ForeignKeyViolation)
