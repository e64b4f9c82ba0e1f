"""Proposed quotes, parsed into the words to look up.

Models put quotation marks around a quote, copy the head of the turn, the time or the speaker's name, add list marks,
and leave words out with an ellipsis. None of that belongs to the words.
"""

import re
from collections.abc import Collection, Iterator
from typing import NamedTuple

from services.evidence.prose import APOSTROPHES, QUOTATION_MARKS
from services.evidence.search_text import search_form
from services.evidence.word_boundaries import is_long_enough_to_quote
from services.text.normalization import normalize

_ELLIPSIS = re.compile(r"[ \t]?(?:[\[(][ \t]?)?(?:\u2026|\.[ \t]?\.[ \t]?\.)[\u2026.]*(?:[ \t]?[\])])?")
_TURN = r"(?:T|[Tt]urn )\d{1,9}(?:[ ,][^)\]\n]{0,80})?"
_TURN_HEAD = re.compile(rf"\[{_TURN}\]:?|^\({_TURN}\):?|\({_TURN}\)$|^[\W_]{{0,3}}T\d{{1,9}}\b[^:\n]{{0,60}}:")
"""A reference to the turn. Round brackets inside of a quote belong to its words."""
_LIST_MARK = re.compile(r"^(?:[>#]+|[-*\u2022\u2013\u2014]|\d{1,3}[.)])\s+")
_TIME = re.compile(r"^[\[(]?\d{1,2}:\d{2}(?::\d{2})?(?:[.,]\d{1,3})?[\])]?\s*[-\u2013:]?\s+(?=\S)")
_LABEL = re.compile(r"^[\W_]{0,3}(?P<name>[^:\uff1a\n]{1,80}?)[\W_]{0,3}[:\uff1a][\W_]{0,3}(?=\S)")
_IN_BRACKETS = re.compile(r"\s*[(\[][^)\]]{0,60}[)\]]?$")
_OUTER_MARKS = re.compile(rf"[{QUOTATION_MARKS}{APOSTROPHES}*_\s]*")
_ENOUGH = 1000
"""Characters in which the minimum number of words is counted."""


class Words(NamedTuple):
    """Words to be found in one place."""

    written: str
    """The words as the model wrote them."""
    form: str
    """The words as they are looked up."""

    @property
    def are_enough(self) -> bool:
        return is_long_enough_to_quote(self.form[:_ENOUGH])


def read_proposal(quote: str, labels: Collection[str]) -> Iterator[tuple[Words, ...]]:
    """The ways to read a proposed quote, the most literal first: words, or the pieces that an ellipsis joins.

    `labels` are the normalized labels of speakers, which may be copied in front of a quote. Words and pieces that are
    too short to be a quote are left out with the reading that they belong to.
    """
    for text in _without_head(_LIST_MARK.sub("", _TURN_HEAD.sub(" ", quote).strip()), labels):
        for written in ([text], [piece for piece in _ELLIPSIS.split(text) if piece.strip()]):
            words = tuple(Words(bare := _without_outer_marks(piece), search_form(bare)) for piece in written)
            if words and all(piece.are_enough for piece in words):
                yield words


def _without_head(text: str, labels: Collection[str]) -> Iterator[str]:
    """The text, and the text without a time and a speaker's label in front of it."""
    yield text
    time = _TIME.match(text)
    said = text[time.end() :] if time else text
    label = _LABEL.match(said)
    if label and normalize(_IN_BRACKETS.sub("", label["name"])) in labels:
        said = said[label.end() :]
    if said != text:
        yield said


def _without_outer_marks(text: str) -> str:
    text = text[len(_marks_before(text)) :]
    return text[: len(text) - len(_marks_before(text[::-1]))]


def _marks_before(text: str) -> str:
    marks = _OUTER_MARKS.match(text)
    return marks[0] if marks else ""
