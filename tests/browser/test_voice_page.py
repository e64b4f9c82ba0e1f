"""A page at http://localhost:3000 in a real browser: it gets a voice token across origins and posts its SDP offer."""

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest
import uvicorn
from playwright.sync_api import Browser, Page, sync_playwright

from config import Settings
from main import create_app
from tests.support.http_server import http_server
from tests.support.waiting import wait_until

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
    """An SDP offer that a browser posted to OpenAI."""

    authorization: str
    content_type: str
    body: str


class OpenAICalls:
    """Accepts SDP offers from any origin, as OpenAI does, and records them."""

    def __init__(self) -> None:
        self.handshakes: list[Handshake] = []

    def answer(self, request: httpx.Request) -> httpx.Response:
        from_anywhere = {"Access-Control-Allow-Origin": "*"}
        if request.method == "OPTIONS":
            allowed = {"Access-Control-Allow-Headers": "authorization, content-type"}
            return httpx.Response(204, headers=from_anywhere | allowed)
        headers = request.headers
        offer = Handshake(headers["Authorization"], headers["Content-Type"], request.content.decode())
        self.handshakes.append(offer)
        return httpx.Response(201, headers=from_anywhere | {"Content-Type": "application/sdp"}, content=b"v=0\r\n")


@pytest.fixture(scope="module")
def openai() -> OpenAICalls:
    return OpenAICalls()


@pytest.fixture(scope="module")
def api(openai: OpenAICalls) -> Iterator[str]:
    """The service in the sandbox; its browsers post their offers to `openai`."""
    with http_server(openai.answer) as openai_url:
        settings = Settings(_env_file=None, sandbox=True, openai_base_url=f"{openai_url}/v1")
        server = uvicorn.Server(uvicorn.Config(create_app(settings), port=0, log_config=None))
        thread = threading.Thread(target=server.run)
        thread.start()
        try:
            wait_until(lambda: server.started or not thread.is_alive(), "the service is ready")
            yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser in which two hosts on port 3000 lead to the port that serves the page."""
    html = {"Content-Type": "text/html; charset=utf-8"}
    with http_server(lambda _: httpx.Response(200, headers=html, content=PAGE)) as url, sync_playwright() as playwright:
        hosts = ("localhost", "elsewhere.localhost")
        rules = ", ".join(f"MAP {host}:3000 {url.removeprefix('http://')}" for host in hosts)
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


def test_page_gets_a_token_and_posts_its_offer_with_it(browser, api, openai):
    candidate = {"candidate_name": "Grace Hopper", "role": "Engineer", "resume": "Compilers.", "job_description": "…"}

    with opened(browser, api) as page:
        origin = page.evaluate("location.origin")
        call = page.evaluate("candidate => talkTo(candidate)", candidate)

    [handshake] = openai.handshakes
    secret = call["token"]["body"]["client_secret"]
    assert origin == "http://localhost:3000"
    assert call["handshake"] == 201
    assert secret.startswith("ek_")
    assert handshake == Handshake(f"Bearer {secret}", "application/sdp", call["offer"])
    assert "m=audio" in call["offer"]
    assert "m=application" in call["offer"]


def test_page_can_read_request_id_and_sandbox_headers(browser, api):
    with opened(browser, api) as page:
        answer = page.evaluate("ask('/api/realtime/session', {candidate_name: 'Grace'})")

    assert answer["requestId"]
    assert answer["sandbox"] == "true"


def test_page_can_read_why_its_request_was_invalid(browser, api):
    with opened(browser, api) as page:
        answer = page.evaluate("ask('/api/realtime/session', {candidate_name: ''})")

    assert answer["status"] == 422
    assert "candidate_name" in answer["body"]["detail"]


def test_page_of_another_origin_can_not_read_the_response(browser, api):
    with opened(browser, api, "http://elsewhere.localhost:3000") as page:
        outcome = page.evaluate("ask('/api/realtime/session', {candidate_name: 'Grace'}).catch(error => error.name)")

    assert outcome == "TypeError"
