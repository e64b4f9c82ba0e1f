"""A client of an emulated vendor, and a clock that tests turn by hand."""

from collections.abc import Callable
from dataclasses import dataclass

import httpx
import pytest

from config import Provider
from services.sandbox import sandbox_transport

KEY = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
START = 1795428000.0

BASE_URLS = {
    "daily": "https://api.daily.co/v1",
    "openrouter": "https://openrouter.ai/api/v1",
    "openai": "https://api.openai.com/v1",
    "vapi": "https://api.vapi.ai",
}

Connect = Callable[[Provider], httpx.AsyncClient]


@dataclass
class Clock:
    """Unix seconds that move only when told."""

    seconds: float = START

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def connect(clock: Clock) -> Connect:
    return lambda vendor: client_of(vendor, sandbox_transport(vendor, clock))


def client_of(vendor: Provider, transport: httpx.AsyncBaseTransport) -> httpx.AsyncClient:
    headers = {"Authorization": f"Bearer {KEY}"}
    return httpx.AsyncClient(base_url=BASE_URLS[vendor], headers=headers, transport=transport)
