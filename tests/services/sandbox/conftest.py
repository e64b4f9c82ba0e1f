"""A client of an emulated vendor, with a clock that tests move."""

from collections.abc import Callable

import httpx
import pytest

from config import Provider
from services.sandbox import sandbox_transport
from tests.support.clock import ManualTimer

KEY = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
START = 1795428000.0

BASE_URLS = {
    "daily": "https://api.daily.co/v1",
    "openrouter": "https://openrouter.ai/api/v1",
    "openai": "https://api.openai.com/v1",
    "vapi": "https://api.vapi.ai",
}

Connect = Callable[[Provider], httpx.AsyncClient]


@pytest.fixture
def clock() -> ManualTimer:
    return ManualTimer(START)


@pytest.fixture
def connect(clock: ManualTimer) -> Connect:
    return lambda vendor: client_of(vendor, sandbox_transport(vendor, clock))


def client_of(vendor: Provider, transport: httpx.AsyncBaseTransport) -> httpx.AsyncClient:
    headers = {"Authorization": f"Bearer {KEY}"}
    return httpx.AsyncClient(base_url=BASE_URLS[vendor], headers=headers, transport=transport)
