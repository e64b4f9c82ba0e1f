"""Removes personal data and keys from a vendor's text, so that it can be logged."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

MAX_REASON_READ = 1000
"""Maximum characters of a vendor's text that are examined."""
MAX_REASON_LOGGED = 200
WORDS_IN_A_ROW = 4
"""This many consecutive words that also occur in the request count as copied from it."""
MAX_SENT_CHARACTERS = 200_000
"""Maximum characters of the request that are searched."""

_OURS = frozenset({"model", "models", "type"})
"""Keys of the request whose values are configuration, which may be logged."""
_QUERY = re.compile(r"(https?://[^\s?#]+)[?#]\S*")
_QUOTED = re.compile(r"""(?<!\w)(["'`])(?=\S).*?(?:\1(?!\w)|$)|[“‘«].*?(?:[”’»]|$)""")
_PERSONAL = re.compile(
    r"[\w.+-]+@[\w.-]+"  # e-mail addresses
    r"|(?<!\w)\+?\d(?:[ ().-]{0,2}\d){6,}(?!\w)"  # phone numbers, and other long ones
    r"|\b(?:sk|pk|ek|Bearer)[-_ ]\S+"  # keys
    r"|(?<![\w*-])(?=[\w*-]{0,100}\d)[\w*-]{20,}"  # ids and tokens
)
_LEFT_OUT = "…"


def loggable(reason: str, sent: Any = None) -> str:
    """A vendor's text for the log: quoted, one line, at most 200 characters, without personal data and keys.

    Left out are e-mail addresses, phone numbers, long ids, keys, queries of URLs, quoted sentences, and what the text
    repeats of `sent`, the JSON that was sent.
    """
    return json.dumps(_redact(" ".join(reason[:MAX_REASON_READ].split()), sent), ensure_ascii=False)


def _redact(reason: str, sent: Any) -> str:
    texts = [text for text in _texts(sent) if text.strip()]
    for text in sorted({text for text in texts if text in reason}, key=len, reverse=True):
        reason = re.sub(rf"(?<!\w){re.escape(text)}(?!\w)", _LEFT_OUT, reason)
    reason = _without_copied_words(reason, "\n".join(texts)[:MAX_SENT_CHARACTERS])
    reason = _QUOTED.sub(_without_sentence, _QUERY.sub(r"\1", reason))
    reason = _PERSONAL.sub(_LEFT_OUT, reason)
    printable = "".join(character if character.isprintable() else " " for character in reason)
    return " ".join(printable.split())[:MAX_REASON_LOGGED]


def _without_sentence(quoted: re.Match[str]) -> str:
    """A quoted name of one word stays; a quoted sentence is left out."""
    return _LEFT_OUT if " " in quoted[0] else quoted[0]


def _without_copied_words(reason: str, sent: str) -> str:
    words = reason.split()
    copied = {
        position
        for start in range(len(words) - WORDS_IN_A_ROW + 1)
        if " ".join(words[start : start + WORDS_IN_A_ROW]) in sent
        for position in range(start, start + WORDS_IN_A_ROW)
    }
    return " ".join(_marked(words, copied))


def _marked(words: Sequence[str], copied: set[int]) -> Iterator[str]:
    """The words, with one mark in place of each run of copied ones."""
    for position, word in enumerate(words):
        if position not in copied:
            yield word
        elif position - 1 not in copied:
            yield _LEFT_OUT


def _texts(value: Any) -> Iterator[str]:
    """Every text in a JSON value that is not configuration."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            if name not in _OURS:
                yield from _texts(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner)
