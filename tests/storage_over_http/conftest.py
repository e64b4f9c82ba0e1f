"""Services in processes of their own over every storage."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import httpx
import pytest

from tests.storage_over_http.databases import drop_tables
from tests.storage_over_http.vendors import Vendors, loopback_vendors
from tests.support.api_server import ApiServer, running_api
from tests.support.keys import NO_RATE_LIMITS, PATIENT, as_environment
from tests.support.waiting import LIMIT_SECONDS

UNLIMITED = as_environment(NO_RATE_LIMITS | PATIENT)
"""Settings without rate limits, and with deadlines that no test reaches."""


@pytest.fixture
def database(request, tmp_path) -> str:
    """`DATABASE_URL` of an empty database of the kind that the test names."""
    if request.param == "memory":
        return ""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/rooms.db"
    url: str = request.getfixturevalue(f"{request.param}_url")
    drop_tables(url)
    return url


@pytest.fixture
def serve(tmp_path_factory) -> Iterator[Callable[..., ApiServer]]:
    """Starts a service with these settings, in the sandbox unless they say otherwise."""
    with ExitStack() as stack:

        def start_server(database: str, *, workers: int = 1, **settings: str) -> ApiServer:
            directory = tmp_path_factory.mktemp("server")
            settings = UNLIMITED | {"SANDBOX": "true", "DATABASE_URL": database} | settings
            return stack.enter_context(running_api(directory, workers=workers, **settings))

        yield start_server


@pytest.fixture
def connect() -> Iterator[Callable[..., httpx.Client]]:
    """Opens a client of a running service."""
    with ExitStack() as stack:

        def open_client(server: ApiServer) -> httpx.Client:
            client = httpx.Client(base_url=server.url, trust_env=False, timeout=LIMIT_SECONDS)
            return stack.enter_context(client)

        yield open_client


@pytest.fixture(scope="module")
def loopback() -> Iterator[Vendors]:
    with loopback_vendors() as vendors:
        yield vendors
