"""Invisible characters: named ranges of Unicode, and what is done with each kind.

This is the only place that lists such characters. The names follow the Unicode Standard
(https://www.unicode.org/charts/); every character of the category Cf is in one of the ranges.
"""

import re

_CONTROLS = "\u0000-\u0008\u000e-\u001b\u007f-\u0084\u0086-\u009f"
"""C0 and C1 controls that are not white space, and DEL."""
_LINE_CONTROLS = "\u000b-\u000d\u001c-\u001f\u0085"
"""Controls that are white space: vertical tab, form feed, carriage return, the four separators, next line."""
_BIDIRECTIONAL = "\u202a-\u202e\u2066-\u2069"
"""Embeddings, overrides and isolates: they reorder the text that a person sees."""
_TAGS = "\U000e0000-\U000e007f"
"""Copies of ASCII that nothing displays: they can carry a hidden message."""
_ZERO_WIDTH = (
    "\u00ad\u034f\u061c\u180e\u200b-\u200f\u2060-\u2065\u206a-\u206f\ufeff\ufff9-\ufffb"
    "\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
)
"""Soft hyphen, joiners, direction marks, byte order mark, annotations, controls of hieroglyphs, shorthand and music."""
_FILLERS = "\u115f\u1160\u17b4\u17b5\u3164\uffa0"
"""Letters without a shape, of Hangul and Khmer."""
_SELECTORS = "\u180b-\u180d\u180f\ufe00-\ufe0f\U000e0080-\U000e0fff"
"""Variation selectors, and the rest of their block, which is reserved for more of the kind."""
_NUMBER_SIGNS = "\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd"
"""Format characters that do have a shape: they are drawn around the digits that follow."""
_SURROGATES = "\ud800-\udfff"

INVISIBLE = _CONTROLS + _BIDIRECTIONAL + _TAGS + _ZERO_WIDTH + _FILLERS + _SELECTORS
"""The ranges for a regular expression's character class, white space left out."""

_LINE_BREAKS = re.compile(r"\r\n?|[\u000b\u000c\u001c-\u001f\u0085\u2028\u2029]")
_HAS_NO_GLYPH = re.compile(f"[{INVISIBLE}]")
_IS_FORMAT = re.compile(f"[{INVISIBLE}{_NUMBER_SIGNS}]")
_IS_UNPRINTABLE = re.compile(f"[{_CONTROLS}{_LINE_CONTROLS}{_BIDIRECTIONAL}{_TAGS}]")
_REORDERS_OR_HIDES = re.compile(f"[{_BIDIRECTIONAL}{_TAGS}]")
_MISLEADS_READERS = re.compile(f"[{_CONTROLS}{_BIDIRECTIONAL}{_TAGS}{_SURROGATES}]+")
_IS_UNSTORABLE = re.compile(f"[\u0000{_SURROGATES}]")
_HAS_GLYPH = re.compile(f"[^\\s{INVISIBLE}{_NUMBER_SIGNS}]")


def strip_invisible(text: str) -> str:
    """The copy that a model reads: line breaks are newlines, and no invisible character is left."""
    return _HAS_NO_GLYPH.sub("", _LINE_BREAKS.sub("\n", text))


def strip_control(text: str) -> str:
    """A model's answer without controls, bidirectional overrides and tags; joiners that scripts and emoji need stay."""
    return _IS_UNPRINTABLE.sub("", text)


def strip_format(text: str) -> str:
    """The text without format and control characters, for comparison."""
    return text if text.isascii() and text.isprintable() else _IS_FORMAT.sub("", text)


def has_bidirectional_or_tag_characters(text: str) -> bool:
    """Whether tag or bidirectional characters are in it, which hide or reorder what a person sees."""
    return not text.isascii() and _REORDERS_OR_HIDES.search(text) is not None


def has_visible(text: str, start: int = 0, end: int | None = None) -> bool:
    """Whether `text[start:end]` has a character that a reader sees."""
    return _HAS_GLYPH.search(text, start, len(text) if end is None else end) is not None


def name_hidden(text: str) -> str:
    """The text for a printed report: a run of hidden characters becomes `[3 hidden characters]`."""
    return _MISLEADS_READERS.sub(_count_hidden, text)


def replace_unstorable(text: str) -> str:
    """The text with U+FFFD for lone surrogates, which UTF-8 lacks, and for U+0000, which PostgreSQL cannot store."""
    return _IS_UNSTORABLE.sub("\ufffd", text)


def _count_hidden(run: re.Match[str]) -> str:
    return f"[{len(run[0])} hidden character{'s' if len(run[0]) > 1 else ''}]"
