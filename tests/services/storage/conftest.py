"""Every storage, on real servers.

`TEST_DATABASE_URL` names a PostgreSQL database that the tests may empty; without it
a server is started where PostgreSQL is installed.
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from services.storage.memory import MemoryStorage
from tests.servers import Server, ServerMissing, pgbouncer, postgresql
from tests.services.storage.interviews import NOW


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(params=["memory"])
def storage(request):
    return MemoryStorage(lambda: NOW)


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[Server]:
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


def _start(stack, server) -> Server:
    """Skips where the program is missing, except in CI, which has to bring it."""
    try:
        return stack.enter_context(server())
    except ServerMissing as missing:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(f"{missing} Or set TEST_DATABASE_URL to a PostgreSQL database that may be emptied.")
