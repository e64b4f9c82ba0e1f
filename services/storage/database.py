"""A database as SQLAlchemy reaches it: engine, pool, transactions, bounded waits.

Connections commit each statement by themselves, so a call that is one
statement is one round trip. Through psycopg that holds for a pooler in
transaction mode as well: a statement is parsed, bound and run in one message
pair, and nothing is left behind on the server.
"""

import asyncio
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
from sqlalchemy.exc import DBAPIError, InvalidatePoolError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from services.storage.failures import loss, unavailable

CALL_SECONDS = 10.0
"""The longest that a call waits for the database, all in all, unless it asks for more. SQLite's own wait for another
process, below, may come on top."""
POOL_SECONDS = 5.0
BUSY_MILLISECONDS = 5000
"""How long SQLite waits for another process that is writing."""

_ANYTIME = nullcontext()

_SQLITE_PRAGMAS = (
    f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}",
    "PRAGMA foreign_keys = ON",
    # What is erased is overwritten.
    "PRAGMA secure_delete = ON",
    # A commit is on the disk before it is acknowledged, so a power cut loses none either.
    "PRAGMA synchronous = FULL",
)
_PSYCOPG_OPTIONS: dict[str, Any] = {
    # Some servers speak another encoding than UTF-8 where nothing is asked for.
    "client_encoding": "utf8",
    # Statements that live on in a server's session break behind a pooler.
    "prepare_threshold": None,
    "connect_timeout": 5,
    # A peer that vanished without a word is noticed within about 20 seconds.
    "keepalives_idle": 10,
    "keepalives_interval": 3,
    "keepalives_count": 3,
}


class _Connection(psycopg.AsyncConnection[Any]):
    """Hangs up when a call is given up. psycopg would ask the server to stop, and a server
    that answers nothing could keep the caller for ten seconds more.
    """

    async def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:  # noqa: ASYNC109 (psycopg's signature)
        try:
            return await wait_async(gen, self.pgconn.socket, interval=interval, timeout=timeout)
        except asyncio.CancelledError:
            self.pgconn.finish()
            raise


def open_engine(url: URL) -> AsyncEngine:
    """An engine that has not connected yet."""
    if url.get_backend_name() == "sqlite":
        engine = _open(url, pool_size=4)
        event.listen(engine.sync_engine, "connect", _set_pragmas)
        return engine
    engine = _open(
        url,
        pool_size=10,
        # Poolers and firewalls drop connections that were idle for long.
        pool_recycle=300,
        use_native_hstore=False,
        connect_args=_connect_options(url),
    )
    event.listen(engine.sync_engine, "checkout", _refuse_dropped)
    return engine


def _connect_options(url: URL) -> dict[str, Any]:
    """What the URL says itself counts more."""
    options = {name: value for name, value in _PSYCOPG_OPTIONS.items() if name not in url.query}
    return options | {"async_creator_fn": _Connection.connect}


def _open(url: URL, **options: Any) -> AsyncEngine:
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
        # SQLAlchemy forgets a connection that fails here, and its thread would live on.
        connection.close()
        raise


def _refuse_dropped(connection: Any, record: Any, _proxy: object) -> None:
    """Replace connections that the server has closed meanwhile, without a round trip to ask.

    An idle connection has nothing to read unless the server said goodbye. After a
    restart of the server all are like that, so the whole pool is replaced.
    """
    is_used, record.info["is_used"] = record.info.get("is_used", False), True
    if is_used and _has_news(connection.driver_connection):
        raise InvalidatePoolError


def _has_news(connection: Any) -> bool:
    if connection.closed:
        return True
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))


class Database:
    """Runs statements, and says StorageUnavailable when the database is lost or too slow."""

    def __init__(self, engine: AsyncEngine, *, call_seconds: float = CALL_SECONDS) -> None:
        self.kind = engine.dialect.name
        self.file = engine.url.database
        """SQLite's path; PostgreSQL's name."""
        self._call_seconds = call_seconds
        self._engine = engine
        # PostgreSQL's weakest level, whatever the server's default: who waited for a lock sees what its holder did
        self._begin = "BEGIN IMMEDIATE" if self.kind == "sqlite" else "BEGIN ISOLATION LEVEL READ COMMITTED"
        # SQLite lets one write at a time: those who wait do it here, not on a connection that readers need.
        self._turn: AbstractAsyncContextManager[None] = asyncio.Lock() if self.kind == "sqlite" else _ANYTIME

    async def fetch(self, statement: Executable, values: Mapping[str, Any] | None = None) -> Sequence[Row[Any]]:
        """All rows, in one round trip."""
        async with self.connection() as connection:
            return (await connection.execute(statement, values)).fetchall()

    async def write(self, statement: Executable, values: Mapping[str, Any] | None = None) -> int:
        """How many rows were written, in one round trip."""
        async with self.connection(is_writing=True) as connection:
            return (await connection.execute(statement, values)).rowcount

    async def write_returning(self, statement: Executable, values: Mapping[str, Any]) -> Sequence[Row[Any]]:
        """The rows that were written, in one round trip."""
        async with self.connection(is_writing=True) as connection:
            return (await connection.execute(statement, values)).fetchall()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """Several statements that happen together or not at all."""
        async with self.connection(is_writing=True) as connection:
            await connection.exec_driver_sql(self._begin)
            try:
                yield connection
                await connection.exec_driver_sql("COMMIT")
            except BaseException:
                # Closing the connection is the one way to roll back that always works.
                await connection.invalidate()
                raise

    @asynccontextmanager
    async def connection(
        self, *, is_writing: bool = False, seconds: float | None = None
    ) -> AsyncIterator[AsyncConnection]:
        """A connection for so many seconds, `call_seconds` where nothing else is said."""
        turn = self._turn if is_writing else _ANYTIME
        try:
            async with asyncio.timeout(seconds or self._call_seconds), turn, self._engine.connect() as connection:
                yield connection
        except (TimeoutError, PoolTimeout) as error:
            raise unavailable() from error
        except DBAPIError as error:
            if detail := loss(error):
                raise unavailable(detail) from error
            raise

    async def close(self) -> None:
        await self._engine.dispose()
