"""A page at http://localhost:3000 in a real browser: it mints a secret across origins and posts its SDP offer."""

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

import pytest
import uvicorn
from playwright.sync_api import Browser, Page, sync_playwright

from config import Settings
from main import create_app

CHROMIUM = shutil.which("chromium")
PAGE = (Path(__file__).parent / "voice_page.html").read_bytes()

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="needs Chromium on the PATH: apt-get install chromium, then run this again"
)

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
)


class Handshake(NamedTuple):
    """What a browser posted to OpenAI."""

    authorization: str
    content_type: str
    body: str


class Loopback(BaseHTTPRequestHandler):
    """A server of a test, which knows what was asked."""

    def log_message(self, *_):
        """Tests tell what they need."""

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)


class WebServer(Loopback):
    """Serves the page, whatever is asked for."""

    def do_GET(self):
        self.answer(200, PAGE, Content_Type="text/html; charset=utf-8")


class OpenAICalls(Loopback):
    """Takes SDP offers as OpenAI does, from any origin."""

    handshakes: list[Handshake]

    def do_OPTIONS(self):
        allowed = {"Access_Control_Allow_Headers": "authorization, content-type"}
        self.answer(204, Access_Control_Allow_Origin="*", **allowed)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.handshakes.append(Handshake(self.headers["Authorization"], self.headers["Content-Type"], body))
        self.answer(201, b"v=0\r\n", Access_Control_Allow_Origin="*", Content_Type="application/sdp")


@contextmanager
def serving(handler: type[Loopback]) -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def handshakes() -> list[Handshake]:
    return []


@pytest.fixture(scope="module")
def api(handshakes: list[Handshake]) -> Iterator[str]:
    """The service in the sandbox, on a port of its own. Its OpenAI takes offers on another."""
    taking = type("Taking", (OpenAICalls,), {"handshakes": handshakes})
    with serving(taking) as openai_port:
        settings = Settings(_env_file=None, sandbox=True, openai_base_url=f"http://127.0.0.1:{openai_port}/v1")
        server = uvicorn.Server(uvicorn.Config(create_app(settings), port=0, log_config=None))
        thread = threading.Thread(target=server.run)
        thread.start()
        try:
            while not server.started:
                assert thread.is_alive()
                thread.join(0.02)
            yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser for which the page stands on port 3000, wherever it really is."""
    with serving(WebServer) as port, sync_playwright() as playwright:
        rules = ", ".join(f"MAP {name}:3000 127.0.0.1:{port}" for name in ("localhost", "elsewhere.localhost"))
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, f"--host-resolver-rules={rules}"])
        yield browser
        browser.close()


@contextmanager
def opened(browser: Browser, api: str, origin: str = "http://localhost:3000") -> Iterator[Page]:
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{origin}/?api={api}")
    yield page
    context.close()


def test_the_page_mints_a_secret_and_posts_its_offer_with_it(browser, api, handshakes):
    candidate = {"candidate_name": "Grace Hopper", "role": "Engineer", "resume": "Compilers.", "job_description": "…"}

    with opened(browser, api) as page:
        origin = page.evaluate("location.origin")
        call = page.evaluate("candidate => talkTo(candidate)", candidate)

    [handshake] = handshakes
    secret = call["minted"]["body"]["client_secret"]
    assert origin == "http://localhost:3000"
    assert call["handshake"] == 201
    assert secret.startswith("ek_")
    assert handshake == Handshake(f"Bearer {secret}", "application/sdp", call["offer"])
    assert "m=audio" in call["offer"]
    assert "m=application" in call["offer"]


def test_the_page_may_read_the_headers_that_help_it(browser, api):
    with opened(browser, api) as page:
        answer = page.evaluate("ask('/api/realtime/session', {candidate_name: 'Grace'})")

    assert answer["requestId"]
    assert answer["sandbox"] == "true"


def test_the_page_may_read_why_it_was_refused(browser, api):
    with opened(browser, api) as page:
        answer = page.evaluate("ask('/api/realtime/session', {candidate_name: ''})")

    assert answer["status"] == 422
    assert "candidate_name" in answer["body"]["detail"]


def test_a_page_of_another_origin_gets_nothing(browser, api):
    with opened(browser, api, "http://elsewhere.localhost:3000") as page:
        outcome = page.evaluate("ask('/api/realtime/session', {candidate_name: 'Grace'}).catch(error => error.name)")

    assert outcome == "TypeError"
