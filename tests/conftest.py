"""Fixtures of most tests: settings, a client of the real app, vendors mocked at the wire, real servers."""

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from typing import Any

import pytest
import respx
from fastapi.testclient import TestClient

from config import Settings
from main import create_app
from tests.support.ci import pytest_collection_modifyitems, pytest_make_collect_report, pytest_runtest_makereport
from tests.support.clock import ManualClock
from tests.support.keys import KEYS
from tests.support.servers import Server, ServerMissing, pgbouncer, postgresql, redis_server
from tests.support.vendor_specs import SpecChecker

__all__ = ["pytest_collection_modifyitems", "pytest_make_collect_report", "pytest_runtest_makereport"]

# a proxy of the machine must not come between the service and the vendors that a test starts
for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
    del os.environ[name]

DEFAULTS = {"rate_limit_default": "100000/minute", "trusted_hosts": "testserver"}
"""`testserver` is the host name that TestClient sends."""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove every setting that the environment of the test run has."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def own_logging() -> Iterator[None]:
    """Restores the logging that the start configures."""
    root = logging.getLogger()
    loggers = [root, *map(logging.getLogger, ("main", "routers", "services"))]
    handlers, levels = root.handlers[:], [logger.level for logger in loggers]
    yield
    root.handlers[:] = handlers
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def settings() -> Callable[..., Settings]:
    def make(**changes: Any) -> Settings:
        return Settings(_env_file=None, **(KEYS | DEFAULTS | changes))

    return make


@pytest.fixture
def start(settings: Callable[..., Settings], clock: ManualClock) -> Iterator[Callable[..., TestClient]]:
    """Starts an app with these settings; returns a client of it."""
    with ExitStack() as stack:

        def start_app(**changes: Any) -> TestClient:
            app = create_app(settings(**changes), clock=clock)
            return stack.enter_context(TestClient(app, raise_server_exceptions=False))

        yield start_app


@pytest.fixture
def client(start: Callable[..., TestClient]) -> TestClient:
    return start()


@pytest.fixture
def sandbox(start: Callable[..., TestClient]) -> TestClient:
    return start(sandbox=True)


@pytest.fixture(scope="session")
def spec_checker() -> SpecChecker | None:
    return SpecChecker.from_environment()


@pytest.fixture
def vendors(spec_checker: SpecChecker | None) -> Iterator[respx.MockRouter]:
    """The vendors, mocked at the wire: an unexpected request fails the test, as does one that their documents refuse."""
    with respx.mock(using="httpx", assert_all_called=False) as router:
        yield router
        if spec_checker is not None:
            for call in router.calls:
                if spec_checker.knows(call.request):
                    spec_checker.check(call.request)


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[Server]:
    """A PostgreSQL server that all tests of a worker share."""
    with ExitStack() as stack:
        yield _enter(stack, postgresql())


@pytest.fixture(scope="module")
def own_server() -> Iterator[Server]:
    """A PostgreSQL server that a test may stop, kill and freeze."""
    with ExitStack() as stack:
        yield _enter(stack, postgresql())


@pytest.fixture(scope="session")
def pgbouncer_server(postgresql_server: Server) -> Iterator[Server]:
    """A PgBouncer before the shared PostgreSQL server."""
    with ExitStack() as stack:
        yield _enter(stack, pgbouncer(postgresql_server))


@pytest.fixture(scope="session")
def postgresql_url(postgresql_server: Server) -> str:
    return postgresql_server.url


@pytest.fixture(scope="session")
def pgbouncer_url(pgbouncer_server: Server) -> str:
    return pgbouncer_server.url


@pytest.fixture
def redis() -> Iterator[Server]:
    """A Redis server that a test may stop."""
    with ExitStack() as stack:
        yield _enter(stack, redis_server())


def _enter(stack: ExitStack, server: AbstractContextManager[Server]) -> Server:
    """The started server. Skips the test where the program is not installed."""
    try:
        return stack.enter_context(server)
    except ServerMissing as missing:
        pytest.skip(str(missing))
