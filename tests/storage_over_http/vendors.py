"""Daily, OpenRouter and Vapi on loopback: one emulation for all processes, which counts and can be held up or taken down."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread

import httpx

from services.sandbox.daily import Daily
from services.sandbox.openrouter import OpenRouter
from services.sandbox.vapi import Vapi


class Vendors(ThreadingHTTPServer):
    """`asked` is set by each question to the model and each phone call, which are answered once `released` is set."""

    request_queue_size = 128

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Call)
        self.emulations = {"daily": Daily(time.time), "openrouter": OpenRouter(time.time), "vapi": Vapi(time.time)}
        self.calls: list[tuple[str, str]] = []
        self.asked = Event()
        self.released = Event()
        self.released.set()
        self.is_daily_down = False
        self._lock = Lock()

    def settings(self) -> dict[str, str]:
        url = f"http://127.0.0.1:{self.server_port}"
        return {
            "DAILY_API_KEY": "daily-key-0123456789",
            "DAILY_API_URL": f"{url}/daily",
            "OPENROUTER_API_KEY": "openrouter-key-0123456789",
            "OPENROUTER_BASE_URL": f"{url}/openrouter",
            "VAPI_API_KEY": "vapi-key-0123456789",
            "VAPI_PHONE_NUMBER_ID": "6a1f3c9e-1111-4222-8333-444455556666",
            "VAPI_BASE_URL": f"{url}/vapi",
        }

    def hold(self) -> None:
        self.asked.clear()
        self.released.clear()

    def count(self, method: str, end: str) -> int:
        """How many calls of this kind there were so far."""
        return sum(made == method and path.endswith(end) for made, path in self.calls)

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.calls.append((request.method, request.url.path))
        vendor = request.url.path.split("/")[1]
        if vendor in {"openrouter", "vapi"}:
            self.asked.set()
            self.released.wait(60)
        elif self.is_daily_down:
            return httpx.Response(500)
        with self._lock:
            return self.emulations[vendor].answer(request)


class Call(BaseHTTPRequestHandler):
    server: Vendors

    def do_GET(self) -> None:
        self.pass_on()

    def do_POST(self) -> None:
        self.pass_on()

    def do_DELETE(self) -> None:
        self.pass_on()

    def pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        url = f"http://127.0.0.1:{self.server.server_port}{self.path}"
        answer = self.server.answer(httpx.Request(self.command, url, headers=dict(self.headers), content=body))
        content = answer.read()
        self.send_response(answer.status_code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def loopback_vendors() -> Iterator[Vendors]:
    with Vendors() as vendors:
        thread = Thread(target=vendors.serve_forever)
        thread.start()
        try:
            yield vendors
        finally:
            vendors.released.set()
            vendors.shutdown()
            thread.join()
