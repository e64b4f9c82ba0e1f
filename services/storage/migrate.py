"""Brings the schema up to date: at start, and by hand with `python -m services.storage.migrate`.

Processes that start together take turns: the first one migrates, the others
find it done.
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
from services.storage.database import open_engine
from services.storage.database_url import UnusableDatabaseUrl, place, read_database_url
from services.storage.failures import primary_code
from services.storage.tables import metadata

TURN_SECONDS = 60
"""The longest wait for another process that is migrating."""
ADVISORY_LOCK = 7_290_115_204
"""Any number that no other program locks in the same database."""


_HELD = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_KEEP_FROM_THE_WEB = f"""
DO $$ DECLARE web text; BEGIN
    FOR web IN SELECT rolname FROM pg_roles WHERE rolname IN ('anon', 'authenticated') LOOP
        EXECUTE 'REVOKE ALL ON {", ".join([*metadata.tables, "alembic_version"])} FROM ' || quote_ident(web);
    END LOOP;
END $$"""  # noqa: S608 (the names of our own tables)
"""Supabase serves the tables of its `public` schema to anyone on the web, as these two roles, unless told otherwise:
https://supabase.com/docs/guides/api/securing-your-api"""


async def migrate(engine: AsyncEngine) -> None:
    """Run what is missing. Raises UnusableDatabaseUrl when the database can't be used."""
    if engine.dialect.name == "sqlite":
        _make_file(engine)
    try:
        async with asyncio.timeout(TURN_SECONDS), engine.connect() as connection:
            if connection.dialect.name == "postgresql":
                await _check_server(connection)
            if not await connection.run_sync(_is_current):
                await _migrate_in_turn(connection)
    except TimeoutError:
        raise UnusableDatabaseUrl(f"{place(engine.url)} did not answer in time") from None
    except DBAPIError as error:
        raise UnusableDatabaseUrl(f"{place(engine.url)} can't be used: {_reason(error, engine)}") from error


async def _check_server(connection: AsyncConnection) -> None:
    """Raises UnusableDatabaseUrl where any text or any time would be refused or misread later."""
    row = await connection.execute(select(func.current_setting("server_encoding"), func.current_setting("DateStyle")))
    encoding, date_style = row.one()
    if encoding not in {"UTF8", "SQL_ASCII"}:
        raise UnusableDatabaseUrl(f"its encoding is {encoding}, which lacks letters; make it with ENCODING 'UTF8'")
    if not date_style.startswith("ISO"):
        raise UnusableDatabaseUrl(f"its DateStyle is {date_style}; ALTER DATABASE … SET datestyle TO 'ISO'")


def _make_file(engine: AsyncEngine) -> None:
    """Interviews are nobody else's business, so only the owner may read the file, and SQLite's files beside it."""
    try:
        # a file that is there is left alone: to close it again would take SQLite's locks from this process
        os.close(os.open(str(engine.url.database), os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        if Path(str(engine.url.database)).is_dir():
            raise UnusableDatabaseUrl(f"{place(engine.url)} can't be opened: Is a directory") from None
    except OSError as error:
        raise UnusableDatabaseUrl(f"{place(engine.url)} can't be opened: {error.strerror}") from error


async def _migrate_in_turn(connection: AsyncConnection) -> None:
    """All migrations in one transaction, which is also what holds the lock: a pooler may not split it."""
    if connection.dialect.name == "sqlite":
        await _use_write_ahead_log(connection)
        await connection.exec_driver_sql(f"PRAGMA busy_timeout = {TURN_SECONDS * 1000}")
        await connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        await connection.exec_driver_sql("BEGIN")
        await connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({ADVISORY_LOCK})")
    try:
        await connection.run_sync(_upgrade)
        await connection.exec_driver_sql("COMMIT")
    finally:
        # Rolls back what failed, and forgets the long wait.
        await connection.invalidate()


async def _use_write_ahead_log(connection: AsyncConnection) -> None:
    """Switching needs the file alone, and SQLite does not wait for that by itself."""
    while True:
        try:
            await connection.exec_driver_sql("PRAGMA journal_mode = WAL")
        except DBAPIError as error:
            if not isinstance(error.orig, sqlite3.Error) or primary_code(error.orig) not in _HELD:
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
            f"the database is of a newer version of this program (schema {current}, known up to "
            f"{script.get_current_head()}), or of another program; install that version, or name another database"
        )
    return current == script.get_current_head()


def _upgrade(connection: Connection) -> None:
    if _is_current(connection):
        return
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(_KEEP_FROM_THE_WEB)


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _reason(error: DBAPIError, engine: AsyncEngine) -> str:
    """The driver's own first line, which names host and user. Of a URL in it the password is taken out."""
    line = str(error.orig).strip().partition("\n")[0]
    return line.replace(f":{engine.url.password}@", ":***@")


async def _main() -> None:
    settings = load_settings()
    if settings.database_url is None:
        raise UnusableDatabaseUrl("it is empty, so rooms are kept in memory, and there is nothing to migrate")
    engine = open_engine(read_database_url(settings.database_url.get_secret_value()))
    await migrate(engine)
    await engine.dispose()
    sys.stdout.write(f"{place(engine.url)} is up to date.\n")


if __name__ == "__main__":
    try:
        asyncio.run(_main())
    except UnusableSetting as error:
        raise SystemExit(str(error)) from None
