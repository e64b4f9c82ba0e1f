"""Brings the schema up to date: at start, and by hand with `python -m services.storage.migrate`.

Of several processes that start together, the first one migrates while the others wait.
"""

import asyncio
import os
import sqlite3
import sys
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from config import UnusableSetting, load_settings
from services.storage.database import open_engine, sqlite_code
from services.storage.database_url import UnusableDatabaseUrl, location, read_database_url
from services.storage.tables import metadata

MIGRATION_SECONDS = 60
"""Deadline of a migration, including the wait for another process that is migrating."""
ADVISORY_LOCK = 7_290_115_204
"""A random number, so that no other program uses the same lock in this database."""

_LOCKED = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_REVOKE_PUBLIC_ACCESS = f"""
DO $$ DECLARE web text; BEGIN
    FOR web IN SELECT rolname FROM pg_roles WHERE rolname IN ('anon', 'authenticated') LOOP
        EXECUTE 'REVOKE ALL ON {", ".join([*metadata.tables, "alembic_version"])} FROM ' || quote_ident(web);
    END LOOP;
END $$"""  # noqa: S608 (our own table names)
"""Supabase's REST API serves the tables of the `public` schema to anyone who has the project's public key, as these two
roles: https://supabase.com/docs/guides/api/securing-your-api"""


async def migrate(engine: AsyncEngine) -> None:
    """Run the migrations that are missing. Raises UnusableDatabaseUrl when the database can't be used."""
    if engine.dialect.name == "sqlite":
        _make_file(engine)
    try:
        async with asyncio.timeout(MIGRATION_SECONDS), engine.connect() as connection:
            if connection.dialect.name == "postgresql":
                await _check_server(connection)
            if not await connection.run_sync(_is_current):
                await _migrate_with_lock(connection)
    except TimeoutError:
        raise UnusableDatabaseUrl(f"{location(engine.url)} did not answer in time") from None
    except UnicodeError:
        raise UnusableDatabaseUrl(f"{location(engine.url)} has no valid host name") from None
    except DBAPIError as error:
        raise UnusableDatabaseUrl(f"{location(engine.url)} can't be used: {_reason(error, engine)}") from error


async def _check_server(connection: AsyncConnection) -> None:
    """Raises UnusableDatabaseUrl for a server that can't store every text, or sends times in another format."""
    row = await connection.execute(select(func.current_setting("server_encoding"), func.current_setting("DateStyle")))
    encoding, date_style = row.one()
    if encoding not in {"UTF8", "SQL_ASCII"}:
        raise UnusableDatabaseUrl(
            f"its encoding is {encoding}, which can't store every text; create it with ENCODING 'UTF8'"
        )
    if not date_style.startswith("ISO"):
        raise UnusableDatabaseUrl(f"its DateStyle is {date_style}; ALTER DATABASE … SET datestyle TO 'ISO'")


def _make_file(engine: AsyncEngine) -> None:
    """Create the file so that only its owner may read it. SQLite gives its other files the same permissions."""
    try:
        # an existing file is not opened: closing it would drop SQLite's locks of this process
        # (https://www.sqlite.org/howtocorrupt.html, 2.2)
        os.close(os.open(str(engine.url.database), os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        if Path(str(engine.url.database)).is_dir():
            raise UnusableDatabaseUrl(f"{location(engine.url)} can't be opened: Is a directory") from None
    except OSError as error:
        raise UnusableDatabaseUrl(f"{location(engine.url)} can't be opened: {error.strerror}") from error


async def _migrate_with_lock(connection: AsyncConnection) -> None:
    """Run all migrations in one transaction, which also holds the lock, so that it works through a pooler."""
    if connection.dialect.name == "sqlite":
        await _use_write_ahead_log(connection)
        await connection.exec_driver_sql(f"PRAGMA busy_timeout = {MIGRATION_SECONDS * 1000}")
        await connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        await connection.exec_driver_sql("BEGIN")
        await connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({ADVISORY_LOCK})")
    try:
        await connection.run_sync(_upgrade)
        await connection.exec_driver_sql("COMMIT")
    finally:
        # rolls back a failed migration, and drops the long busy timeout
        await connection.invalidate()


async def _use_write_ahead_log(connection: AsyncConnection) -> None:
    """Retries, because SQLite does not wait for the exclusive lock that the switch needs."""
    while True:
        try:
            await connection.exec_driver_sql("PRAGMA journal_mode = WAL")
        except DBAPIError as error:
            if not isinstance(error.orig, sqlite3.Error) or sqlite_code(error.orig) not in _LOCKED:
                raise
            await asyncio.sleep(0.05)
        else:
            return


def _is_current(connection: Connection) -> bool:
    current = MigrationContext.configure(connection).get_current_revision()
    script = ScriptDirectory.from_config(_config())
    known = {revision.revision for revision in script.walk_revisions()}
    if current is not None and current not in known:
        raise UnusableDatabaseUrl(
            f"the database belongs to a newer version of this service (its schema is {current}, this version knows "
            f"{script.get_current_head()}) or to another program; install that version, or use another database"
        )
    return current == script.get_current_head()


def _upgrade(connection: Connection) -> None:
    if _is_current(connection):
        return
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(_REVOKE_PUBLIC_ACCESS)


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _reason(error: DBAPIError, engine: AsyncEngine) -> str:
    """The first line of the driver's message, which names host and user, without the password."""
    line = str(error.orig).strip().partition("\n")[0]
    return line.replace(f":{engine.url.password}@", ":***@")


async def _main() -> None:
    settings = load_settings()
    if settings.database_url is None:
        raise UnusableDatabaseUrl("it is empty, so rooms are kept in memory and there is nothing to migrate")
    engine = open_engine(read_database_url(settings.database_url.get_secret_value()))
    await migrate(engine)
    await engine.dispose()
    sys.stdout.write(f"{location(engine.url)} is up to date.\n")


if __name__ == "__main__":
    try:
        asyncio.run(_main())
    except UnusableSetting as error:
        raise SystemExit(str(error)) from None
