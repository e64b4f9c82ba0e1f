"""What a model writes in its own words: shown as text, and never dressed up as somebody's words."""

import re

from services.evidence.untrusted import printable

_QUOTATION_MARKS = re.compile('["\u00ab\u00bb\u201c-\u201f\u2033\u275d\u275e\u300c-\u300f\u301d-\u301f\uff02]')
_SINGLE_QUOTED = re.compile(r"(?<!\w)['`\u2018\u201a\u201b\u2039]+(?=\w)(.{1,400}?)['`\u2019\u203a]+(?!\w)", re.DOTALL)


def plain_prose(text: str) -> str:
    """One paragraph without control and bidirectional characters and without quotation marks.

    Words in quotation marks say that somebody said them. Only quotes that were
    cut from the source do; the model's prose has none, found or not.
    """
    unmarked = _QUOTATION_MARKS.sub("", printable(text.replace("\n", " ")))
    return _SINGLE_QUOTED.sub(r"\1", " ".join(unmarked.split()))
