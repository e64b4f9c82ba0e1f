"""How reports are rendered: Jinja environments for pages and Markdown that escape everything.

All text comes from third parties or a model, so escaping is not left to the templates: each environment passes every
expression through one function before it is written.
"""

import base64
import hashlib
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from services.evidence.report_view import SPEAKER_UNKNOWN
from services.text.invisible import name_hidden

_TEMPLATES = Path(__file__).parent / "templates"

_MARKS = re.compile(r"[\\`*_{}\[\]#|~$@!]|:(?=//)|(?<=www)\.|^[-+=:]", re.IGNORECASE)
_LIST_NUMBER = re.compile(r"^(\d{1,9})([.)])(?=\s|$)")
"""Markdown syntax: marks, bare links, heading underlines, the start of a list."""

SCALE = (
    "1 clearly lacking",
    "2 below what the job needs",
    "3 meets it",
    "4 above",
    "5 outstanding and specific",
)
"""What the ratings mean, in the words of the model's prompt."""

_STYLE = Markup((_TEMPLATES / "report.css").read_text(encoding="utf-8"))  # noqa: S704 our own file, no `</style` in it
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

_PAGE_CSP = f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; img-src 'none'; base-uri 'none'; form-action 'none'"
"""Also in the page itself, so that it applies to a saved copy. A `frame-ancestors` there would be ignored."""

HTML_CSP = f"{_PAGE_CSP}; frame-ancestors 'none'"
"""The `Content-Security-Policy` to send with a page: its one style sheet, by hash, and nothing else."""


def _dots(rating: int) -> str:
    return "●" * rating + "○" * (5 - rating)


def _day(moment: datetime) -> str:
    utc = moment.astimezone(UTC)
    return f"{utc.day} {utc:%B %Y}"


def _rfc3339(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _visible(text: str) -> str:
    """The text on one line, with hidden characters named."""
    return " ".join(name_hidden(text).split())


def _written_to_html(value: Any) -> Any:
    """Finalizes an expression of the page; autoescape follows."""
    return _visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _written_to_markdown(value: Any) -> Any:
    """Finalizes an expression of the Markdown. `<` and `&` become entities, which every renderer reads."""
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
    environment.filters.update(dots=_dots, day=_day, rfc3339=_rfc3339)
    environment.globals.update(SCALE=SCALE, SPEAKER_UNKNOWN=SPEAKER_UNKNOWN, style=_STYLE, csp=_PAGE_CSP)
    return environment


HTML = _environment(_written_to_html)
MARKDOWN = _environment(_written_to_markdown)
