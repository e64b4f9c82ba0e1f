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
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_PERM,
    }
)
_PRIMARY_CODE = 0xFF
"""SQLite's extended codes hold the primary one in their lowest byte."""
_FULL = "The database's disk is full; whoever runs this server should make room."
_DAMAGED = "The database file is damaged; whoever runs this server should restore it."
_MENDED_BY_HAND = {
    sqlite3.SQLITE_FULL: _FULL,
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_NOTADB: _DAMAGED,
}
"""Where waiting does not help."""


def unavailable(error: Exception) -> StorageUnavailable:
    """What callers get while the database is lost."""
    by_hand = _by_hand(error.orig) if isinstance(error, DBAPIError) else None
    if by_hand is not None:
        log.error(by_hand)
        return StorageUnavailable(by_hand)
    return StorageUnavailable(
        "The database can't be reached right now; try again in a moment.", retry_after=RETRY_AFTER
    )


def _by_hand(cause: BaseException | None) -> str | None:
    if isinstance(cause, sqlite3.Error):
        return _MENDED_BY_HAND.get(_code(cause))
    return _FULL if isinstance(cause, psycopg.errors.DiskFull) else None


def _code(error: sqlite3.Error) -> int:
    return getattr(error, "sqlite_errorcode", 0) & _PRIMARY_CODE


def is_lost(error: DBAPIError) -> bool:
    """Whether the database was away, full or too busy, so that the same call may succeed later."""
    cause = error.orig
    if isinstance(cause, sqlite3.Error):
        return _code(cause) in _LOST_SQLITE or _code(cause) in _MENDED_BY_HAND
    return error.connection_invalidated or isinstance(
        cause, psycopg.OperationalError | psycopg.InterfaceError | psycopg.errors.ReadOnlySqlTransaction
    )


def is_missing_room(error: IntegrityError) -> bool:
    """Whether the row names a room that is not there."""
    cause = error.orig
    if isinstance(cause, sqlite3.Error):
        return cause.sqlite_errorcode == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY
    return isinstance(cause, psycopg.errors.ForeignKeyViolation)
