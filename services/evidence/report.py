"""Renders the debrief as an HTML page and as Markdown, to read, print and pass on."""

from services.evidence.debrief import Debrief
from services.evidence.rendering import HTML, MARKDOWN
from services.evidence.report_view import ReportView


def render_html(debrief: Debrief) -> str:
    """One self-contained page: no script, no request to anywhere. Send it with `rendering.HTML_CSP`."""
    return HTML.get_template("debrief.html.jinja").render(report=ReportView(debrief))


def render_markdown(debrief: Debrief) -> str:
    """The same as Markdown. Text from third parties cannot become a heading, link, image, table cell or tag."""
    return MARKDOWN.get_template("debrief.md.jinja").render(report=ReportView(debrief))
