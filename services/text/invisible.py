"""Text from strangers on its way to a model: cleaned, and fenced in blocks it cannot forge.

Cleaning and fencing reduce accidents; they are no barrier. What holds is that
code checks whatever a model answers (OWASP LLM01:2025).
"""

import re

_INVISIBLE = re.compile(
    "[\u0000-\u0008\u000b-\u001f\u007f-\u009f"  # controls but tab and newline
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"  # soft hyphen, fillers, Mongolian selectors
    "\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb"  # zero width, bidirectional, annotation
    "\ufe00-\ufe0f\U000e0000-\U000e0fff]"  # variation selectors, tags
)
_NEWLINES = re.compile(r"\r\n?|[\u000b\u000c\u001c-\u001f\u0085\u2028\u2029]")

_UNPRINTABLE = re.compile("[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\U000e0000-\U000e007f]")


def strip_invisible(text: str) -> str:
    """The copy a model reads: no invisible, bidirectional or control characters. Quotes are cut from the original."""
    return _INVISIBLE.sub("", _NEWLINES.sub("\n", text))


def strip_control(text: str) -> str:
    """A model's answer without controls, bidirectional overrides and tags; joiners that scripts and emoji need stay."""
    return _UNPRINTABLE.sub("", text)


def has_bidirectional_or_tag_characters(text: str) -> bool:
    """Whether tag or bidirectional characters are in it, which hide or reorder what a person sees."""
    return not text.isascii() and re.search("[\u202a-\u202e\u2066-\u2069\U000e0000-\U000e007f]", text) is not None
