"""Text from third parties in a report: printed literally, and never as markup."""

import pytest

from services.evidence.report import render_html, render_markdown
from tests.services.evidence import debriefs
from tests.services.evidence.report_pages import Page, flat, rendered

HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "</style><script>alert(1)</script>",
    "</title></head><body onload=alert(1)>",
    '"><svg onload=alert(1)>',
    "<!-- comment",
    "![beacon](https://evil.example/pixel.png)",
    "[click](javascript:alert(1))",
    "<https://evil.example/>",
    "[reference]: https://evil.example/",
    "{{ 7 * 7 }} {% include 'wording.jinja' %}",
    "one | two | three",
    "`code` ``` fence ``` ~~~",
    "**bold** __bold__ *slanted* _slanted_ ~~struck~~",
    "first\n# Heading\n\n- item\n\n---\n> quoted\n\n    indented",
    "first\r\n===\r\nsecond\u2028third\u0085fourth",
    "# Heading #",
    "- item",
    "+ item",
    "12. item",
    "3) item",
    "> quoted",
    "=== ",
    "&lt;b&gt; &amp; &#60;b&#62;",
    "\\",
    "trailing\\",
]
RENDERERS = pytest.mark.parametrize("render", [render_html, render_markdown])


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_adds_no_element_or_attribute_to_the_page(text):
    harmless = Page(render_html(debriefs.everywhere("harmless"))).shape

    shape = Page(render_html(debriefs.everywhere(text))).shape

    assert shape == harmless


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_adds_no_element_to_rendered_markdown(text):
    harmless = Page(rendered(render_markdown(debriefs.everywhere("harmless")))).shape

    shape = Page(rendered(render_markdown(debriefs.everywhere(text)))).shape

    assert shape == harmless


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_printed_literally(text):
    debrief = debriefs.everywhere(text)

    page, markdown = Page(render_html(debrief)), Page(rendered(render_markdown(debrief)))

    places = 27
    assert page.text.count(flat(text)) >= places
    assert markdown.text.count(flat(text)) >= places


@pytest.mark.parametrize(
    "text", ["https://evil.example/a", "HTTP://evil.example", "www.evil.example", "a@evil.example"]
)
def test_url_in_text_is_not_linked_by_markdown(text):
    markdown = render_markdown(debriefs.everywhere(text))

    assert text not in markdown
    assert flat(text) in Page(rendered(markdown)).text


@RENDERERS
@pytest.mark.parametrize("hidden", ["\u202e", "\u2066", "\x00", "\x1b", "\U000e0041", "\ud800"])
def test_a_character_that_hides_or_reorders_text_is_named_instead(render, hidden):
    report = render(debriefs.everywhere(f"before{hidden}{hidden}after"))

    assert hidden not in report
    assert "2 hidden characters" in report
    report.encode()


@RENDERERS
@pytest.mark.parametrize("text", ["می‌خواهم", "👩‍💻 wrote it", "क्‍ष"])
def test_joiners_of_scripts_and_emoji_stay(render, text):
    assert text in render(debriefs.everywhere(text))
