"""Excerpts: the beginning of a text, cut at a word."""

import re
from typing import NamedTuple


class Excerpt(NamedTuple):
    """The beginning of a text, and whether there was more."""

    text: str
    is_cut: bool


def excerpt(text: str, limit: int) -> Excerpt:
    """The beginning of the text in at most `limit` bytes of UTF-8, up to the end of a word."""
    encoded = text.encode(errors="ignore")
    if len(encoded) <= limit:
        return Excerpt(text, is_cut=False)
    kept = encoded[:limit].decode(errors="ignore")
    return Excerpt(re.sub(r"(?<=\s)\S{1,60}\Z", "", kept).rstrip(), is_cut=True)
