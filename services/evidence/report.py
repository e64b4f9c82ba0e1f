"""Renders the debrief as an HTML page and as Markdown, to read, print and pass on."""

from services.evidence.rendering import HTML, MARKDOWN
from services.evidence.report_view import PeopleReview, ReportView
from services.evidence.sealing import ReadableDebrief

NO_REVIEW = PeopleReview()


def render_html(debrief: ReadableDebrief, people: PeopleReview = NO_REVIEW) -> str:
    """One self-contained page: no script, no request to anywhere. Send it with `rendering.HTML_CSP`."""
    return HTML.get_template("debrief.html.jinja").render(report=ReportView(debrief, people))


def render_markdown(debrief: ReadableDebrief, people: PeopleReview = NO_REVIEW) -> str:
    """The same as Markdown. Text from third parties cannot become a heading, link, image, table cell or tag."""
    return MARKDOWN.get_template("debrief.md.jinja").render(report=ReportView(debrief, people))
