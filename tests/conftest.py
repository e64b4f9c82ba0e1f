"""What most tests need: settings of their own, a client on the real app, the vendors mocked at the wire."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import respx
from fastapi.testclient import TestClient

from config import Settings
from main import create_app
from tests.support.clock import ManualClock
from tests.support.keys import KEYS
from tests.support.vendor_specs import SpecChecker

for scheme in ("http", "https", "no", "all"):
    os.environ.pop(f"{scheme}_proxy", None)
    os.environ.pop(f"{scheme}_PROXY".upper(), None)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the machine that the tests run on."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def settings() -> Callable[..., Settings]:
    def make(**changes: Any) -> Settings:
        return Settings(_env_file=None, **(KEYS | {"rate_limit_default": "100000/minute"} | changes))

    return make


@pytest.fixture
def start(settings: Callable[..., Settings], clock: ManualClock) -> Iterator[Callable[..., TestClient]]:
    """Start an app with these settings, and get a client on it."""
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
    """The vendors, mocked at the wire. What a test does not expect fails it; what was sent fits their documents."""
    with respx.mock(using="httpx", assert_all_called=False) as router:
        yield router
        if spec_checker is not None:
            for call in router.calls:
                if spec_checker.knows(call.request):
                    spec_checker.check(call.request)
