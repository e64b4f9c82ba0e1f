"""Every storage, on real servers.

`TEST_DATABASE_URL` names a PostgreSQL database that the tests may empty; without it
a server is started where PostgreSQL is installed.
"""

import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from config import Settings
from services.storage.opening import open_storage
from services.storage.protocol import Storage
from tests.services.storage.interviews import NOW
from tests.support.servers import Server, ServerMissing, pgbouncer, postgresql


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


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


@pytest.fixture
async def postgresql_storage(postgresql_url) -> AsyncIterator[Storage]:
    """PostgreSQL alone, with nothing in it."""
    async with open_empty(postgresql_url) as storage:
        yield storage


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[Server]:
    with ExitStack() as stack:
        yield _start(stack, postgresql)


@pytest.fixture(scope="module")
def own_server() -> Iterator[Server]:
    """A PostgreSQL server that a test may stop, kill and freeze."""
    with ExitStack() as stack:
        yield _start(stack, postgresql)


@pytest.fixture(scope="session")
def pgbouncer_server(postgresql_server: Server) -> Iterator[Server]:
    with ExitStack() as stack:
        yield _start(stack, lambda: pgbouncer(postgresql_server))


@pytest.fixture(scope="session")
def postgresql_url(request: pytest.FixtureRequest) -> str:
    given = os.environ.get("TEST_DATABASE_URL")
    return given or request.getfixturevalue("postgresql_server").url


@pytest.fixture(scope="session")
def pgbouncer_url(pgbouncer_server: Server) -> str:
    return pgbouncer_server.url


async def empty(storage: Storage) -> None:
    """The servers are shared by all tests."""
    await storage.erase_ended(datetime.max.replace(tzinfo=UTC), 1_000_000)
    await storage.delete_expired_responses(datetime.max.replace(tzinfo=UTC))
    await storage.delete_expired_uses(datetime.max.replace(tzinfo=UTC))


def _start(stack, server) -> Server:
    """Skips where the program is missing, except in CI, which has to bring it."""
    try:
        return stack.enter_context(server())
    except ServerMissing as missing:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(f"{missing} Or set TEST_DATABASE_URL to a PostgreSQL database that may be emptied.")
