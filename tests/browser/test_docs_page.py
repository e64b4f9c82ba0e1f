"""The documentation page in a real browser: its scripts run under its policy, and no others.

The CDN is answered for here, so no network is needed.
"""

import re
import shutil

import pytest
from playwright.sync_api import expect, sync_playwright

from tests.support.api_server import api_server

CHROMIUM = shutil.which("chromium")

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="needs Chromium on the PATH: apt-get install chromium, then run this again"
)

SWAGGER = """
window.SwaggerUIBundle = options => {
  const style = document.createElement("style");
  style.textContent = "body { color: rgb(1, 2, 3) }";
  document.head.append(style);
  fetch(options.url).then(answer => answer.json()).then(api => { document.title = "Shows " + api.info.title; });
};
window.SwaggerUIBundle.presets = {};
"""
REDOC = """
const worker = new Worker(URL.createObjectURL(new Blob(["postMessage('ready')"])));
const url = document.querySelector("redoc").getAttribute("spec-url");
worker.onmessage = () => fetch(url).then(answer => answer.json())
  .then(api => { document.title = "Shows " + api.info.title; });
"""
CDN = {
    "https://cdn.jsdelivr.net/npm/swagger-ui-dist@5/swagger-ui-bundle.js": SWAGGER,
    "https://cdn.jsdelivr.net/npm/redoc@2/bundles/redoc.standalone.js": REDOC,
}
VIOLATIONS = """
window.violations = [];
document.addEventListener("securitypolicyviolation", event => {
  window.violations.push(event.violatedDirective);
  console.warn("violated " + event.violatedDirective);
});
"""
PAGES = pytest.mark.parametrize("path", ["/docs", "/redoc"])


def answer_for_the_cdn(route):
    url = route.request.url
    kind = "text/css" if url.endswith(".css") else "text/javascript"
    route.fulfill(body=CDN.get(url, ""), content_type=kind)


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
    context = browser.new_context()
    context.add_init_script(VIOLATIONS)
    context.route(re.compile("^https://"), answer_for_the_cdn)
    yield context.new_page()
    context.close()


@PAGES
def test_the_page_shows_the_document_and_keeps_its_policy(page, url, path):
    page.goto(url + path)

    expect(page).to_have_title("Shows Interview Room API")
    assert page.evaluate("window.violations") == []


def test_the_page_may_style_itself(page, url):
    page.goto(f"{url}/docs")

    expect(page.locator("body")).to_have_css("color", "rgb(1, 2, 3)")


@PAGES
@pytest.mark.parametrize(
    "script", ['{src: "https://cdn.jsdelivr.net/npm/another@1/script.js"}', '{textContent: "window.isRun = true"}']
)
def test_another_script_does_not_run(page, url, path, script):
    page.goto(url + path)

    with page.expect_console_message(lambda message: message.text == "violated script-src-elem"):
        page.evaluate(f"document.body.append(Object.assign(document.createElement('script'), {script}))")

    assert page.evaluate("window.isRun") is None
