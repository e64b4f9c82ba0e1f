"""Prints text, tables and debriefs, wrapped to the width of the terminal."""

import shutil
import textwrap
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

EXCERPT_LINES = 16

Json = dict[str, Any]


def print_title(text: str) -> None:
    """Print the title of a step."""
    print(f"\n{text}\n{'─' * len(text)}")


def print_paragraph(text: str, indent: str = "  ") -> None:
    """Print wrapped text."""
    _print_wrapped(text, indent, indent)


def print_facts(facts: Mapping[str, Any]) -> None:
    """Print labels in one column and their values in the next."""
    column = max((len(label) for label in facts), default=0) + 2
    for label, value in facts.items():
        start = f"  {label:<{column}}"
        _print_wrapped(str(value), start, " " * len(start))


def print_list(title: str, texts: Sequence[str]) -> None:
    """Print a title and a bullet for each text, or nothing where there are none."""
    if texts:
        print(f"\n  {title}")
    for text in texts:
        _print_wrapped(text, "  • ", "    ")


def print_excerpt(text: str) -> None:
    """Print the first lines of a long text, and how many more there are."""
    wrapped = [line for given in text.splitlines() for line in textwrap.wrap(given, _width() - 4) or [""]]
    for line in wrapped[:EXCERPT_LINES]:
        print(f"  │ {line}".rstrip())
    if len(wrapped) > EXCERPT_LINES:
        print(f"  │ … and {len(wrapped) - EXCERPT_LINES} more lines")


def print_scorecard(rows: Sequence[Json]) -> None:
    """Print each competency of a debrief with its rating."""
    print()
    column = max((len(row["competency"]) for row in rows), default=0) + 2
    for row in rows:
        rating = row["rating"]
        picture = f"{'●' * rating}{'○' * (5 - rating)}  {rating}" if rating else "not assessed"
        print(f"  {row['competency']:<{column}}{picture}")


def print_agreement(rows: Sequence[Json]) -> None:
    """Print each competency with the ratings of people and of the model, and whether to discuss it."""
    print()
    column = max((len(row["competency"]) for row in rows), default=0) + 2
    for row in rows:
        people, model = (("–" if rating is None else f"{rating:g}") for rating in (row["mean"], row["model"]))
        mark = "  to discuss" if row["to_discuss"] else ""
        print(f"  {row['competency']:<{column}}people {people}, model {model}{mark}")


def print_claims(title: str, claims: Sequence[Json]) -> None:
    """Print claims of a debrief, each with its quotes, or nothing where there are none."""
    if claims:
        print(f"\n  {title}")
    for claim in claims:
        _print_wrapped(claim["claim"], "  • ", "    ")
        for quote in claim["quotes"]:
            print_paragraph(f"“{quote['text']}” {_place(quote)}", indent="      ")


def shortened(credential: str) -> str:
    """The first characters of a credential and its length."""
    return f"{credential[:12]}… ({len(credential)} characters, not shown)"


def formatted_time(text: str) -> str:
    """An ISO 8601 time, to the minute."""
    return f"{datetime.fromisoformat(text):%Y-%m-%d %H:%M} UTC"


class StreamPrinter:
    """Prints text word by word as it arrives, wrapped at blanks."""

    def __init__(self, start: str) -> None:
        self._column = 0
        self._unfinished = f" {start}"

    def add(self, text: str) -> None:
        *words, self._unfinished = (self._unfinished + text).replace("\n", " ").split(" ")
        for word in words:
            self._print_word(word)

    def end(self) -> None:
        self._print_word(self._unfinished)
        print()

    def _print_word(self, word: str) -> None:
        is_full = self._column + 1 + len(word) > _width()
        print(f"\n  {word}" if is_full else f" {word}", end="", flush=True)
        self._column = 2 + len(word) if is_full else self._column + 1 + len(word)


def _print_wrapped(text: str, first: str, rest: str) -> None:
    """Wrap at blanks only, so that links stay whole."""
    lines = textwrap.wrap(
        text, _width(), initial_indent=first, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False
    )
    print("\n".join(lines))


def _width() -> int:
    return max(50, min(100, shutil.get_terminal_size().columns))


def _place(quote: Json) -> str:
    if quote["source"] == "notes":
        return "(your notes)"
    return f"(turn {quote['turn']}{', ' + quote['at'] if quote['at'] else ''})"
