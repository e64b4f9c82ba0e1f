"""Services in processes of their own over every storage, and what looks into the storage behind their backs."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import httpx
import pytest

from tests.services.storage.conftest import (
    own_server,
    pgbouncer_server,
    pgbouncer_url,
    postgresql_server,
    postgresql_url,
)
from tests.storage_over_http.databases import drop_tables
from tests.storage_over_http.vendors import Vendors, loopback_vendors
from tests.support.api_server import ApiServer, running, start_api

__all__ = ["own_server", "pgbouncer_server", "pgbouncer_url", "postgresql_server", "postgresql_url"]

NO_LIMITS = {
    "RATE_LIMIT_DEFAULT": "100000/minute",
    "RATE_LIMIT_LLM": "100000/minute",
    "MODEL_BUDGET": "0",
    "PHONE_BUDGET": "0",
    "STORAGE_BUDGET": "0",
}


@pytest.fixture
def database(request, tmp_path) -> str:
    """`DATABASE_URL` of the kind that the test names, with nothing in it."""
    if request.param == "memory":
        return ""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/rooms.db"
    url: str = request.getfixturevalue(f"{request.param}_url")
    drop_tables(url)
    return url


@pytest.fixture
def serve(tmp_path_factory) -> Iterator[Callable[..., ApiServer]]:
    """Start a service with these settings, in the sandbox unless told otherwise."""
    with ExitStack() as stack:

        def start_server(database: str, *flags: str, workers: int = 1, **settings: str) -> ApiServer:
            own = NO_LIMITS | {"SANDBOX": "true", "DATABASE_URL": database} | settings
            server = start_api(tmp_path_factory.mktemp("server"), *flags, **own)
            return stack.enter_context(running(server, workers))

        yield start_server


@pytest.fixture
def connect() -> Iterator[Callable[..., httpx.Client]]:
    """A client of a running service."""
    with ExitStack() as stack:

        def open_client(server: ApiServer) -> httpx.Client:
            return stack.enter_context(httpx.Client(base_url=server.url, trust_env=False, timeout=60))

        yield open_client


@pytest.fixture(scope="module")
def loopback() -> Iterator[Vendors]:
    with loopback_vendors() as vendors:
        yield vendors
