"""Which storage the settings ask for, opened and closed."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime

from config import Settings
from services.storage.database import Database, open_engine
from services.storage.database_url import read_database_url
from services.storage.memory import MemoryStorage
from services.storage.migrate import migrate
from services.storage.protocol import Storage
from services.storage.sql import SqlStorage


@asynccontextmanager
async def open_storage(settings: Settings, clock: Callable[[], datetime]) -> AsyncIterator[Storage]:
    """The storage, its schema up to date. Raises UnusableDatabaseUrl; `clock` gives the time in UTC."""
    storage = await _open(settings, clock)
    try:
        yield storage
    finally:
        await storage.close()


async def _open(settings: Settings, clock: Callable[[], datetime]) -> Storage:
    if settings.database_url is None:
        return MemoryStorage(clock)
    engine = open_engine(read_database_url(settings.database_url.get_secret_value()))
    try:
        await migrate(engine)
    except BaseException:
        await engine.dispose()
        raise
    return SqlStorage(Database(engine))
