"""Which storage the settings ask for, opened and closed."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime

from config import Settings
from services.storage.memory import MemoryStorage
from services.storage.protocol import Storage


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
    from services.storage.sql_opening import open_sql  # noqa: PLC0415 (SQLAlchemy and Alembic: 0.3 s, 30 MB)

    return await open_sql(settings.database_url.get_secret_value())


def check_database_url(settings: Settings) -> None:
    """Raises UnusableDatabaseUrl; opens nothing."""
    if settings.database_url is not None:
        from services.storage.database_url import read_database_url  # noqa: PLC0415 (the same)

        read_database_url(settings.database_url.get_secret_value())
