"""A database, opened, with its schema up to date. Imported only where there is one."""

from services.storage.database import Database, open_engine
from services.storage.database_url import read_database_url
from services.storage.migrate import migrate
from services.storage.sql import SqlStorage


async def open_sql(url: str) -> SqlStorage:
    """Raises UnusableDatabaseUrl."""
    engine = open_engine(read_database_url(url))
    try:
        await migrate(engine)
    except BaseException:
        await engine.dispose()
        raise
    return SqlStorage(Database(engine))
