"""Which errors of a database mean that it is no use for now, what callers are told then, and which are our defects."""

import logging
import sqlite3

import psycopg
from sqlalchemy.exc import DBAPIError, IntegrityError

from services.errors import StorageUnavailable

log = logging.getLogger(__name__)

RETRY_AFTER = 3

_LOST = "The database can't be reached right now; try again in a moment."
_READS_ONLY = "The database can only be read right now; whoever runs this server should check it."
_REFUSED = "The database refuses this; whoever runs this server should check the rights of its role."
_FULL = "The disk of the database, or of its temporary files, is full; whoever runs this server should make room."
_DAMAGED = "The database file is damaged; whoever runs this server should restore it."
_SQLITE = {
    sqlite3.SQLITE_BUSY: _LOST,
    sqlite3.SQLITE_LOCKED: _LOST,
    sqlite3.SQLITE_IOERR: _LOST,
    sqlite3.SQLITE_CANTOPEN: _LOST,
    sqlite3.SQLITE_PROTOCOL: _LOST,
    sqlite3.SQLITE_READONLY: _READS_ONLY,
    sqlite3.SQLITE_PERM: _READS_ONLY,
    sqlite3.SQLITE_FULL: _FULL,
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_NOTADB: _DAMAGED,
}


def primary_code(error: sqlite3.Error) -> int:
    """SQLite's code without what extends it, which stands in the higher bytes: https://www.sqlite.org/rescode.html"""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def unavailable(detail: str = _LOST) -> StorageUnavailable:
    """What callers get while the database is no use. Where somebody has to mend it, waiting does not help."""
    if detail == _LOST:
        return StorageUnavailable(detail, retry_after=RETRY_AFTER)
    log.error(detail)
    return StorageUnavailable(detail)


def reads_only() -> StorageUnavailable:
    """What callers get from a server that takes no writes, such as a standby."""
    return unavailable(_READS_ONLY)


def loss(error: DBAPIError) -> str | None:
    """What is the matter with the database, in a sentence for callers; None for a defect of ours."""
    cause = error.orig
    if isinstance(cause, sqlite3.Error):
        return _SQLITE.get(primary_code(cause))
    match cause:
        case psycopg.errors.ReadOnlySqlTransaction():
            return _READS_ONLY
        case psycopg.errors.InsufficientPrivilege():
            return _REFUSED
        case psycopg.errors.DiskFull():
            return _FULL
        case psycopg.OperationalError() | psycopg.InterfaceError():
            return _LOST
        case _:
            return _LOST if error.connection_invalidated else None


def is_missing_room(error: IntegrityError) -> bool:
    """Whether the row names a room that is not there."""
    cause = error.orig
    if isinstance(cause, sqlite3.Error):
        return cause.sqlite_errorcode == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY
    return isinstance(cause, psycopg.errors.ForeignKeyViolation)
