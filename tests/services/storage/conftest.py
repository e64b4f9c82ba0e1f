"""Every storage, on real servers."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from config import Settings
from services.storage.opening import open_storage
from services.storage.protocol import Storage
from tests.services.storage.interviews import NOW


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(params=["memory", "sqlite", "postgresql", "pgbouncer"])
async def storage(request, tmp_path) -> AsyncIterator[Storage]:
    """Each storage in turn, with nothing in it."""
    urls = {"memory": lambda: None, "sqlite": lambda: f"sqlite:///{tmp_path}/rooms.db"}
    fixture = f"{request.param}_url"
    url = urls.get(request.param, lambda: request.getfixturevalue(fixture))()
    settings = Settings(_env_file=None, database_url=url)
    async with open_storage(settings, lambda: NOW) as storage:
        await empty(storage)
        yield storage


@pytest.fixture
async def postgresql_storage(postgresql_url) -> AsyncIterator[Storage]:
    """PostgreSQL alone, with nothing in it."""
    async with open_storage(Settings(_env_file=None, database_url=postgresql_url), lambda: NOW) as storage:
        await empty(storage)
        yield storage


async def empty(storage: Storage) -> None:
    """The servers are shared by all tests."""
    await storage.erase_ended(datetime.max.replace(tzinfo=UTC), 1_000_000)
    await storage.delete_expired_responses(datetime.max.replace(tzinfo=UTC))
