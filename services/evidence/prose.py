"""What a model writes in its own words: shown as text, and never dressed up as somebody's words."""

import re
import unicodedata
from functools import lru_cache

from services.text.invisible import strip_control

_QUOTATION = frozenset({"Pi", "Pf"})
"""Unicode's initial and final quotation marks."""
_MORE_MARKS = re.compile(
    '["\u201e\u2e42\uff02\u2033\u2036\u02ba\u02dd\u02ee\u05f4'  # double, low, primes, Hebrew
    "\u275b-\u2760\u276e-\u2771\U0001f676-\U0001f678"  # ornaments
    "\u2329\u232a\u27e8-\u27eb\u3008-\u300f\u301d-\u301f\ufe3d-\ufe44\uff62\uff63]"  # angles, corners
)
_APOSTROPHES = "'`\u00b4\u2018-\u201b\u2032\u2035\u02b9\u02bb-\u02bd\u05f3\uff07"
"""They quote too, unless they stand inside of a word or behind it with nothing open: `didn't`, `the peers' work`."""
_APOSTROPHE_RUN = re.compile(rf"(?P<before>[^\W{_APOSTROPHES}]?)(?P<marks>[{_APOSTROPHES}]+)(?=(?P<after>\w?))")


def strip_quotation_marks(text: str) -> str:
    """One paragraph without control and bidirectional characters and without quotation marks.

    Words in quotation marks say that somebody said them. Only quotes that were
    cut from the source do; the model's prose has none, found or not.
    """
    unmarked = "".join(mark for mark in strip_control(" ".join(text.split())) if not _is_quotation_mark(mark))
    return " ".join(_without_single_quotes(unmarked).split())


@lru_cache(maxsize=4096)
def _is_quotation_mark(character: str) -> bool:
    if _MORE_MARKS.match(character):
        return True
    return unicodedata.category(character) in _QUOTATION and character not in "\u2018\u2019\u201b"


def _without_single_quotes(text: str) -> str:
    is_open = False

    def keep(match: re.Match[str]) -> str:
        nonlocal is_open
        before, marks, after = match["before"], match["marks"], match["after"]
        is_apostrophe = bool(before) and len(marks) == 1 and (bool(after) or not is_open)
        if not is_apostrophe:
            is_open = not is_open
        return before + marks if is_apostrophe else before

    return _APOSTROPHE_RUN.sub(keep, text)
