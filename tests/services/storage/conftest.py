"""Every storage, on real servers."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from config import Settings
from services.storage.opening import open_storage
from services.storage.protocol import Storage
from tests.services.storage.interviews import NOW


@pytest.fixture(params=["memory", "sqlite", "postgresql", "pgbouncer"])
def database(request, tmp_path) -> str | None:
    """`DATABASE_URL` of each storage in turn."""
    urls = {"memory": lambda: None, "sqlite": lambda: f"sqlite:///{tmp_path}/rooms.db"}
    fixture = f"{request.param}_url"
    return urls.get(request.param, lambda: request.getfixturevalue(fixture))()


@pytest.fixture
async def storage(database) -> AsyncIterator[Storage]:
    """Each storage in turn, with nothing in it."""
    async with open_empty(database) as storage:
        yield storage


@asynccontextmanager
async def open_empty(database: str | None, clock: Callable[[], datetime] = lambda: NOW, **settings: Any):
    async with open_storage(Settings(_env_file=None, database_url=database, **settings), clock) as storage:
        await empty(storage)
        yield storage


def open_at(url: str) -> AbstractAsyncContextManager[Storage]:
    """The storage at this URL, with whatever is in it."""
    return open_storage(Settings(_env_file=None, database_url=url), lambda: NOW)


@pytest.fixture
async def postgresql_storage(postgresql_url) -> AsyncIterator[Storage]:
    """PostgreSQL alone, with nothing in it."""
    async with open_empty(postgresql_url) as storage:
        yield storage


async def empty(storage: Storage) -> None:
    """The servers are shared by all tests."""
    await storage.erase_ended(datetime.max.replace(tzinfo=UTC), 1_000_000)
    await storage.delete_expired_responses(datetime.max.replace(tzinfo=UTC))
    await storage.delete_expired_uses(datetime.max.replace(tzinfo=UTC))
