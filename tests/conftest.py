"""What most tests need: settings of their own, a client on the real app, the vendors mocked at the wire."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import respx
from fastapi.testclient import TestClient

from config import Settings
from main import create_app
from tests.support.vendor_specs import SpecChecker

KEYS = {
    "daily_api_key": "daily-key-0123456789",
    "openrouter_api_key": "openrouter-key-0123456789",
    "openai_api_key": "openai-key-0123456789",
    "vapi_api_key": "vapi-key-0123456789",
    "vapi_phone_number_id": "6a1f3c9e-1111-4222-8333-444455556666",
}


class TestClock:
    """A time that tests move by hand."""

    __test__ = False

    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **by: float) -> None:
        self.now += timedelta(**by)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the machine that the tests run on."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def clock() -> TestClock:
    return TestClock()


@pytest.fixture
def settings() -> Callable[..., Settings]:
    def make(**changes: Any) -> Settings:
        return Settings(_env_file=None, **(KEYS | {"rate_limit_default": "100000/minute"} | changes))

    return make


@pytest.fixture
def start(settings: Callable[..., Settings], clock: TestClock) -> Iterator[Callable[..., TestClient]]:
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
