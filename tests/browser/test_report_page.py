"""The report in a real browser, as it is served: with its policy, on a desktop and a phone, in the dark and on paper."""

import re
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from services.evidence.debrief import Debrief
from services.evidence.rendering import HTML_CSP
from services.evidence.report import render_html
from tests.services.evidence import debriefs

CHROMIUM = shutil.which("chromium")

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="needs Chromium on the PATH: apt-get install chromium, then run this again"
)

PHONE = ViewportSize(width=390, height=844)
DESKTOP = ViewportSize(width=1280, height=800)
ON_ANY_SCREEN = pytest.mark.parametrize("screen", [PHONE, DESKTOP], ids=["phone", "desktop"])

EVERY_KIND = pytest.mark.parametrize(
    "debrief",
    [
        debriefs.typical(),
        debriefs.inferred(),
        debriefs.not_enough(),
        debriefs.nothing_to_analyse(),
        debriefs.everywhere("</style><img src=/beacon onerror=alert(1)>" + "unbroken" * 40),
    ],
    ids=["typical", "inferred", "not enough", "nothing", "hostile"],
)

VIOLATIONS = """
window.violations = [];
document.addEventListener("securitypolicyviolation", event => window.violations.push(event.violatedDirective));
"""

CONTRASTS = """
() => {
  const light = color => {
    const [r, g, b] = color.match(/[\\d.]+/g).map(Number).map(v => v / 255)
      .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const paper = light(getComputedStyle(document.body).backgroundColor);
  return [...document.body.querySelectorAll("*")].map(element => {
    const ink = light(getComputedStyle(element).color);
    return (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
  });
}
"""


@dataclass
class Site:
    """One report on a loopback address, and the requests for it."""

    address: str
    asked: list[str] = field(default_factory=list)


@contextmanager
def served(debrief: Debrief, policy: str = HTML_CSP) -> Iterator[Site]:
    body = render_html(debrief).encode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            site.asked.append(self.path)
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Content-Security-Policy", policy)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            """Nothing: the test records the requests."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        site = Site(f"http://127.0.0.1:{server.server_port}/debrief")
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield site
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    quiet = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*quiet, "--no-first-run"])
        yield browser
        browser.close()


@contextmanager
def opened(browser: Browser, site: Site, screen: ViewportSize = DESKTOP, *, dark: bool = False) -> Iterator[Page]:
    context = browser.new_context(viewport=screen, color_scheme="dark" if dark else "light")
    context.add_init_script(VIOLATIONS)
    page = context.new_page()
    page.goto(site.address)
    yield page
    context.close()


@EVERY_KIND
def test_page_keeps_its_policy_and_makes_no_requests(browser, debrief):
    with served(debrief) as site, opened(browser, site) as page:
        page.wait_for_load_state("networkidle")
        violations = page.evaluate("window.violations")

        assert violations == []
        assert site.asked == ["/debrief"]


def test_a_policy_for_another_style_sheet_would_be_noticed(browser):
    other = HTML_CSP.replace("sha256-", "sha256-A")

    with served(debriefs.typical(), other) as site, opened(browser, site) as page:
        violations = page.evaluate("window.violations")

    assert violations == ["style-src-elem"]


def test_the_style_sheet_applies_under_the_policy(browser):
    with served(debriefs.typical()) as site, opened(browser, site) as page:
        columns = page.evaluate("getComputedStyle(document.querySelector('main > section')).display")

    assert columns == "grid"


@EVERY_KIND
@ON_ANY_SCREEN
def test_report_does_not_scroll_sideways(browser, debrief, screen):
    with served(debrief) as site, opened(browser, site, screen) as page:
        width = page.evaluate("document.documentElement.scrollWidth")

    assert width == screen["width"]


@ON_ANY_SCREEN
def test_the_recommendation_and_what_it_depends_on_are_in_the_first_screen(browser, screen):
    with served(debriefs.typical()) as site, opened(browser, site, screen) as page:
        box = page.locator(".firmness").bounding_box()
        text = page.locator(".answer").inner_text()

    assert text == "Hire"
    assert box is not None
    assert box["y"] + box["height"] <= screen["height"]


def test_the_whole_scorecard_is_in_the_first_screen_of_a_desktop(browser):
    with served(debriefs.typical()) as site, opened(browser, site) as page:
        box = page.locator(".scorecard").bounding_box()

    assert box is not None
    assert box["y"] + box["height"] <= DESKTOP["height"]


@ON_ANY_SCREEN
def test_warning_boxes_are_in_the_first_screen_above_the_recommendation(browser, screen):
    with served(debriefs.inferred()) as site, opened(browser, site, screen) as page:
        boxes = [box.bounding_box() for box in page.locator(".box").all()]
        answer = page.locator(".answer").bounding_box()

    assert len(boxes) == 2
    assert all(box["y"] + box["height"] <= min(answer["y"], screen["height"]) for box in boxes)


def test_the_chosen_words_are_visibly_emphasised(browser):
    with served(debriefs.typical()) as site, opened(browser, site) as page:
        line = page.locator("mark").first.evaluate("mark => getComputedStyle(mark).textDecorationLine")

    assert line == "underline"


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("debrief", [debriefs.typical(), debriefs.inferred()], ids=["typical", "inferred"])
def test_every_text_has_enough_contrast(browser, debrief, dark):
    with served(debrief) as site, opened(browser, site, dark=dark) as page:
        contrasts = page.evaluate(CONTRASTS)

    assert len(contrasts) > 80
    assert min(contrasts) >= 4.5


def test_a_quote_can_be_reached_from_the_rating_that_rests_on_it(browser):
    with served(debriefs.typical()) as site, opened(browser, site) as page:
        page.get_by_role("link", name="3", exact=True).click()

        assert page.locator(":target blockquote").inner_text() == debriefs.IDEMPOTENCY.text


def test_every_section_has_a_heading(browser):
    with served(debriefs.typical()) as site, opened(browser, site) as page:
        names = [page.get_by_role("region", name=name).count() for name in ("Recommendation", "Scorecard", "Warnings")]
        level_one = page.get_by_role("heading", level=1).inner_text()

    assert names == [1, 1, 1]
    assert level_one == "Ada Okafor"


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_a_typical_debrief_prints_to_two_pages(browser, tmp_path: Path, dark):
    with served(debriefs.typical()) as site, opened(browser, site, dark=dark) as page:
        printed = page.pdf(path=tmp_path / "debrief.pdf", prefer_css_page_size=True)

    assert len(re.findall(rb"/Type\s*/Page\b", printed)) == 2


def test_print_is_black_on_white_in_dark_mode(browser):
    with served(debriefs.typical()) as site, opened(browser, site, dark=True) as page:
        page.emulate_media(media="print")
        colors = page.evaluate("(style => [style.color, style.backgroundColor])(getComputedStyle(document.body))")

    assert colors == ["rgb(0, 0, 0)", "rgb(255, 255, 255)"]
