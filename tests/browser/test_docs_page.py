"""The documentation pages in a real browser without a network: only their viewers run under their policy."""

import re
import shutil

import pytest
from playwright.sync_api import expect, sync_playwright

from tests.support.api_server import api_server

CHROMIUM = shutil.which("chromium")

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="needs Chromium on the PATH: apt-get install chromium, then run this again"
)

VIOLATIONS = """
window.violations = [];
document.addEventListener("securitypolicyviolation", event => {
  window.violations.push(event.violatedDirective + " " + event.blockedURI);
  console.warn("violated " + event.violatedDirective);
});
"""
PAGES = pytest.mark.parametrize("path", ["/docs", "/redoc"])
BLOCKED = {"/docs": [], "/redoc": ["img-src https://cdn.redoc.ly/redoc/logo-mini.svg"]}
"""Redoc's logo on another server, which the policy blocks."""
SECONDS = 60_000


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    with api_server(tmp_path_factory.mktemp("docs"), SANDBOX="true") as address:
        yield address


@pytest.fixture(scope="module")
def browser():
    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        yield browser
        browser.close()


@pytest.fixture
def page(browser):
    """A page that can reach only the server under test; `elsewhere` lists its other requests."""
    context = browser.new_context()
    context.add_init_script(VIOLATIONS)
    page = context.new_page()
    page.set_default_timeout(SECONDS)
    page.elsewhere = []

    def refuse(route):
        page.elsewhere.append(route.request.url)
        route.abort()

    context.route(re.compile(r"^https?://(?!127\.0\.0\.1[:/])"), refuse)
    yield page
    context.close()


@PAGES
def test_the_page_shows_every_operation_without_another_server(page, url, path):
    page.goto(url + path)

    expect(page.get_by_text("/api/rooms", exact=True).first).to_be_visible(timeout=SECONDS)
    expect(page.get_by_text("/health/ready", exact=True).first).to_be_attached(timeout=SECONDS)
    assert page.evaluate("window.violations") == BLOCKED[path]
    assert page.elsewhere == []


def test_a_call_can_be_tried_out_from_the_page(page, url):
    page.goto(f"{url}/docs")
    page.get_by_text("/health", exact=True).click()
    page.get_by_role("button", name="Try it out").click()
    page.get_by_role("button", name="Execute").click()

    expect(page.get_by_text('"interview-room-api"').first).to_be_visible(timeout=SECONDS)


@PAGES
@pytest.mark.parametrize(
    "script", ['{src: "https://cdn.jsdelivr.net/npm/another@1/script.js"}', '{textContent: "window.isRun = true"}']
)
def test_another_script_does_not_run(page, url, path, script):
    page.goto(url + path)

    with page.expect_console_message(lambda message: message.text == "violated script-src-elem"):
        page.evaluate(f"document.body.append(Object.assign(document.createElement('script'), {script}))")

    assert page.evaluate("window.isRun") is None


def test_the_root_leads_to_the_documentation(page, url):
    page.goto(url)

    expect(page).to_have_url(f"{url}/docs")
