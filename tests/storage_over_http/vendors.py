"""Daily, OpenRouter and Vapi on loopback: one emulation for all processes, which records calls and can be paused."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Lock

import httpx

from services.sandbox.daily import Daily
from services.sandbox.openrouter import OpenRouter
from services.sandbox.vapi import Vapi
from tests.support.http_server import http_server
from tests.support.keys import as_environment, vendors_at
from tests.support.waiting import LIMIT_SECONDS


class Vendors:
    """`asked` is set by each call to the model or to Vapi, which are answered once `released` is set."""

    def __init__(self) -> None:
        self.url = ""
        self.emulations = {"daily": Daily(time.time), "openrouter": OpenRouter(time.time), "vapi": Vapi(time.time)}
        self.calls: list[tuple[str, str]] = []
        self.asked = Event()
        self.released = Event()
        self.released.set()
        self._lock = Lock()

    def settings(self) -> dict[str, str]:
        """Environment variables that make the service use these vendors."""
        return as_environment(vendors_at(self.url))

    def hold(self) -> None:
        """Pause the model and Vapi."""
        self.asked.clear()
        self.released.clear()

    def count(self, method: str, end: str) -> int:
        """The number of calls of this kind so far."""
        return sum(made == method and path.endswith(end) for made, path in self.calls)

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.calls.append((request.method, request.url.path))
        vendor = request.url.path.split("/")[1]
        if vendor != "daily":
            self.asked.set()
            self.released.wait(LIMIT_SECONDS)
        with self._lock:
            return self.emulations[vendor].answer(request)


@contextmanager
def loopback_vendors() -> Iterator[Vendors]:
    vendors = Vendors()
    with http_server(vendors.answer) as vendors.url:
        try:
            yield vendors
        finally:
            vendors.released.set()
