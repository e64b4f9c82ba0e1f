"""The debrief as a page and as Markdown, for a person to read, print and hand on.

Everything that is printed came from strangers or from a model, so escaping is
not left to the templates: each environment passes every expression through
one function before it is written.
"""

import base64
import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from services.evidence.debrief import Debrief, Evidence, Quote, ScorecardRow
from services.prompts.inputs import without_placeholder
from services.text.invisible import name_hidden

_TEMPLATES = Path(__file__).parent / "templates"

_MARKS = re.compile(r"[\\`*_{}\[\]#|~$@!]|:(?=//)|(?<=www)\.|^[-+=:]", re.IGNORECASE)
_LIST_NUMBER = re.compile(r"^(\d{1,9})([.)])(?=\s|$)")
"""What Markdown could read as its own: marks, links written out, an underline, the start of a list."""

SCALE = (
    "1 clearly lacking",
    "2 below what the job needs",
    "3 meets it",
    "4 above",
    "5 outstanding and specific",
)
"""What the ratings mean, in the words in which the model was told."""

SPEAKER_UNKNOWN = "speaker unknown"

_STYLE = Markup((_TEMPLATES / "debrief.css").read_text(encoding="utf-8"))  # noqa: S704 our own file, no `</style` in it
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

_PAGE_CSP = f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; img-src 'none'; base-uri 'none'; form-action 'none'"
"""Stands in the page too, so that a saved copy is held by it. A `frame-ancestors` there would be ignored."""

HTML_CSP = f"{_PAGE_CSP}; frame-ancestors 'none'"
"""The `Content-Security-Policy` to send with the page: its one style sheet, by hash, and nothing else."""


def render_html(debrief: Debrief) -> str:
    """One self-contained page: no script, no request to anywhere. Send it with `HTML_CSP`."""
    return _HTML.get_template("debrief.html.jinja").render(report=_Report(debrief), style=_STYLE, csp=_PAGE_CSP)


def render_markdown(debrief: Debrief) -> str:
    """The same as Markdown. No text of a stranger can become a heading, link, image, table cell or tag in it."""
    return _MARKDOWN.get_template("debrief.md.jinja").render(report=_Report(debrief))


@dataclass(frozen=True)
class _Report:
    """What both templates ask of a debrief."""

    debrief: Debrief

    @property
    def candidate(self) -> str:
        briefing = self.debrief.original_briefing
        return without_placeholder(briefing.candidate_name) if briefing else ""

    @property
    def role(self) -> str:
        briefing = self.debrief.original_briefing
        return without_placeholder(briefing.role) if briefing else ""

    @property
    def claims(self) -> list[tuple[str, list[Evidence]]]:
        kinds = (("Strengths", "strength"), ("Improvements", "improvement"))
        return [(title, [claim for claim in self.debrief.evidence if claim.kind == kind]) for title, kind in kinds]

    @property
    def is_rated(self) -> bool:
        return any(row.rating is not None for row in self.debrief.scorecard)

    @property
    def not_assessed(self) -> list[ScorecardRow]:
        return [row for row in self.debrief.scorecard if row.rating is None]

    @property
    def quotes_of_ratings_alone(self) -> list[Quote]:
        """Quotes that carry a rating and no claim, each once."""
        claimed = {_place_of(quote) for claim in self.debrief.evidence for quote in claim.quotes}
        rated = {_place_of(quote): quote for row in self.debrief.scorecard for quote in row.quotes}
        return [quote for place, quote in rated.items() if place not in claimed]

    @property
    def has_quotes(self) -> bool:
        return any(True for _ in self._quotes())

    @property
    def has_normalized(self) -> bool:
        return any(quote.status == "normalized" for quote in self._quotes())

    @property
    def has_unknown_speaker(self) -> bool:
        return any(quote.speaker == "unknown" for quote in self._quotes())

    def numbering(self) -> Callable[[Quote], int]:
        """Numbers quotes in the order in which the report prints them; the same words have the same number."""
        numbers: dict[tuple[str, int, int], int] = {}
        for quote in self._quotes():
            numbers.setdefault(_place_of(quote), len(numbers) + 1)
        return lambda quote: numbers[_place_of(quote)]

    def _quotes(self) -> Iterator[Quote]:
        for _, claims in self.claims:
            for claim in claims:
                yield from claim.quotes
        yield from self.quotes_of_ratings_alone


def _place_of(quote: Quote) -> tuple[str, int, int]:
    return quote.source, quote.start, quote.end


def _where(quote: Quote) -> list[str]:
    """Where a quote stands, who said it and how it was matched, piece by piece."""
    if quote.source == "notes":
        return ["interviewer’s notes", f"characters {quote.start}–{quote.end}", quote.status]
    turn = [] if quote.turn is None else [f"turn {quote.turn}"]
    at = [quote.at] if quote.at else []
    speaker = SPEAKER_UNKNOWN if quote.speaker in {None, "unknown"} else str(quote.speaker)
    return [*turn, *at, speaker, quote.status]


def _dots(rating: int) -> str:
    return "●" * rating + "○" * (5 - rating)


def _day(moment: datetime) -> str:
    utc = moment.astimezone(UTC)
    return f"{utc.day} {utc:%B %Y}"


def _rfc3339(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _visible(text: str) -> str:
    """One line in which nothing is hidden: a run of hidden characters is named where it stood."""
    return " ".join(name_hidden(text).split())


def _written_to_html(value: Any) -> Any:
    """Every expression of the page; autoescape follows."""
    return _visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _written_to_markdown(value: Any) -> Any:
    """Every expression of the Markdown. `<` and `&` become entities: not every reader of Markdown can escape them."""
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    text = _LIST_NUMBER.sub(r"\1\\\2", _MARKS.sub(r"\\\g<0>", _visible(value)))
    return Markup(text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"))  # noqa: S704 escaped here


def _environment(written: Callable[[Any], Any]) -> Environment:
    environment = Environment(
        autoescape=True,
        finalize=written,
        loader=FileSystemLoader(_TEMPLATES),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(where=_where, dots=_dots, day=_day, rfc3339=_rfc3339)
    environment.globals.update(SCALE=SCALE, SPEAKER_UNKNOWN=SPEAKER_UNKNOWN)
    return environment


_HTML = _environment(_written_to_html)
_MARKDOWN = _environment(_written_to_markdown)
