"""Words: counting them in any script, and joining pieces of speech.

Chinese, Japanese, Thai, Lao, Tibetan, Burmese and Khmer put no spaces between words.
"""

import re
from collections.abc import Iterable

IDEOGRAPHS = (
    "\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3040-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u3100-\u312f\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff"
)
"""Chinese and Japanese letters, as ranges of a character class; about two of them make a word."""
SYLLABLES = "\u0e00-\u0eff\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff"
"""Letters of Thai, Lao, Tibetan, Burmese and Khmer, as ranges of a character class; about four of them make a word."""

_IDEOGRAPH = re.compile(f"[{IDEOGRAPHS}]")
_SYLLABLE = re.compile(f"[{SYLLABLES}]")
_UNSPACED = re.compile(f"[{IDEOGRAPHS}{SYLLABLES}]")
_SPACED_WORD = re.compile(r"[^\W_]\S*")
_NEEDS_NO_SPACE = re.compile(f"[{IDEOGRAPHS}{SYLLABLES}\u3000-\u303f\uff00-\uff65]")
"""Letters of those scripts, and the full-width punctuation of Chinese and Japanese."""


def count_words(text: str) -> int:
    """The number of words; in scripts without spaces it is estimated from the number of letters."""
    if text.isascii():
        return len(_SPACED_WORD.findall(text))
    quarters = 2 * len(_IDEOGRAPH.findall(text)) + len(_SYLLABLE.findall(text))
    return len(_SPACED_WORD.findall(_UNSPACED.sub(" ", text))) + (quarters + 2) // 4


def join_all(pieces: Iterable[str]) -> str:
    """The pieces of speech as one text, with spaces between them except where the script needs none."""
    joined: list[str] = []
    for piece in filter(None, pieces):
        if joined and not (_NEEDS_NO_SPACE.match(joined[-1][-1]) and _NEEDS_NO_SPACE.match(piece[0])):
            joined.append(" ")
        joined.append(piece)
    return "".join(joined)
