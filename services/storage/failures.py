"""Which errors of a database mean that it is lost for now, and which are defects of ours."""

import logging
import sqlite3

import psycopg
from sqlalchemy.exc import DBAPIError, IntegrityError

from services.errors import StorageUnavailable

log = logging.getLogger(__name__)

RETRY_AFTER = 3

_LOST_SQLITE = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_PERM,
    }
)
_PRIMARY_CODE = 0xFF
"""SQLite's extended codes hold the primary one in their lowest byte."""


def unavailable(error: Exception) -> StorageUnavailable:
    """What callers get while the database is lost, or its disk is full: then waiting does not help."""
    if isinstance(error, DBAPIError) and _is_full(error.orig):
        log.error("the database's disk is full")
        return StorageUnavailable("The database's disk is full; whoever runs this server should make room.")
    return StorageUnavailable(
        "The database can't be reached right now; try again in a moment.", retry_after=RETRY_AFTER
    )


def _is_full(cause: BaseException | None) -> bool:
    if isinstance(cause, sqlite3.Error):
        return getattr(cause, "sqlite_errorcode", 0) & _PRIMARY_CODE == sqlite3.SQLITE_FULL
    return isinstance(cause, psycopg.errors.DiskFull)


def is_lost(error: DBAPIError) -> bool:
    """Whether the database was away, full or too busy, so that the same call may succeed later."""
    cause = error.orig
    if isinstance(cause, sqlite3.Error):
        return getattr(cause, "sqlite_errorcode", 0) & _PRIMARY_CODE in _LOST_SQLITE
    return error.connection_invalidated or isinstance(
        cause, psycopg.OperationalError | psycopg.InterfaceError | psycopg.errors.ReadOnlySqlTransaction
    )


def is_missing_room(error: IntegrityError) -> bool:
    """Whether the row names a room that is not there."""
    cause = error.orig
    if isinstance(cause, sqlite3.Error):
        return cause.sqlite_errorcode == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY
    return isinstance(cause, psycopg.errors.ForeignKeyViolation)
