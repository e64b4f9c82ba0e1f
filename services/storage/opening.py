"""Opens the storage that the settings name: memory, or a database with its schema up to date."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from config import Settings
from services.storage.memory import MemoryStorage
from services.storage.protocol import Storage

# What needs SQLAlchemy and Alembic is imported only where there is a database: it takes 0.3 s and 30 MB.


@asynccontextmanager
async def open_storage(settings: Settings, clock: Callable[[], datetime]) -> AsyncIterator[Storage]:
    """The storage, closed on leaving. `clock` gives the time in UTC. Raises UnusableDatabaseUrl."""
    storage = await _open(settings, clock)
    try:
        yield storage
    finally:
        await storage.close()


async def _open(settings: Settings, clock: Callable[[], datetime]) -> Storage:
    if settings.database_url is None:
        return MemoryStorage(clock, budget=settings.storage_budget)
    from services.storage.database import Database, open_engine  # noqa: PLC0415
    from services.storage.database_url import read_database_url  # noqa: PLC0415
    from services.storage.migrate import migrate  # noqa: PLC0415
    from services.storage.sql import SqlStorage  # noqa: PLC0415

    engine = open_engine(read_database_url(settings.database_url.get_secret_value()), settings.database_pool_size)
    try:
        await migrate(engine)
    except BaseException:
        await engine.dispose()
        raise
    kept_after_end = None if settings.retention_days is None else timedelta(days=settings.retention_days)
    return SqlStorage(Database(engine), clock, settings.storage_budget, kept_after_end)


def check_database_url(settings: Settings) -> None:
    """Raises UnusableDatabaseUrl; opens nothing."""
    if settings.database_url is not None:
        from services.storage.database_url import read_database_url  # noqa: PLC0415

        read_database_url(settings.database_url.get_secret_value())
