"""Renders a question plan as an HTML page and as Markdown, to have at hand during the call and to print."""

from collections.abc import Mapping
from typing import NamedTuple

from services.briefing import BriefingFields
from services.evidence.rendering import HTML, MARKDOWN
from services.plan import Plan, PlannedQuestion, PlanSource
from services.prompts.inputs import without_placeholder

_KINDS = {
    "behaviour": "what the candidate did",
    "situation": "what the candidate would do",
    "knowledge": "what the candidate knows",
}
_SOURCES = {"resume": "from the resume", "job": "from the job description"}


class _Section(NamedTuple):
    """One focus area: why it is there, its questions, and the texts of its levels by number."""

    name: str
    because: PlanSource | None
    questions: list[PlannedQuestion]
    levels: Mapping[str, str]


class PlanView:
    """One plan, arranged for reading."""

    kinds = _KINDS
    sources = _SOURCES

    def __init__(self, plan: Plan, briefing: BriefingFields | None) -> None:
        self.plan = plan
        self.candidate = without_placeholder(briefing.candidate_name) if briefing else ""
        self.role = without_placeholder(briefing.role) if briefing else ""

    @property
    def sections(self) -> list[_Section]:
        """The focus areas with a question or a scale."""
        plan = self.plan
        sources = {area.name: area.because for area in plan.focus_areas}
        levels = {scale.focus_area: scale.levels.model_dump(by_alias=True) for scale in plan.scales}
        names = dict.fromkeys((*sources, *(question.focus_area for question in plan.questions), *levels))
        questions = {name: [question for question in plan.questions if question.focus_area == name] for name in names}
        sections = [_Section(name, sources.get(name), questions[name], levels.get(name, {})) for name in names]
        return [section for section in sections if section.questions or section.levels]


def render_plan_html(plan: Plan, briefing: BriefingFields | None) -> str:
    """One self-contained page: no script, no request to anywhere. Send it with `rendering.HTML_CSP`."""
    return HTML.get_template("plan.html.jinja").render(view=PlanView(plan, briefing))


def render_plan_markdown(plan: Plan, briefing: BriefingFields | None) -> str:
    """The same as Markdown. Text from third parties cannot become a heading, link, image, table cell or tag."""
    return MARKDOWN.get_template("plan.md.jinja").render(view=PlanView(plan, briefing))
