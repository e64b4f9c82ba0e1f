"""Finds claims that say more than their quotes: a number or a proper name that no quote contains."""

import re
from collections.abc import Iterable, Iterator

from services.evidence.number_words import numbers_in
from services.text.normalization import normalize

_WORD = re.compile(r"[^\W_]+(?:['\u2019.&+#/-]+[^\W_]+)*[+#]*")
_SENTENCE_START = re.compile(r"(?:^|[.!?:;\u2026])\W*$")
_GERMAN = re.compile(r"\b(?:der|die|das|den|dem|des|ein|eine[nrms]?|und|mit|von|für|zu[mr]?|im)\b")
"""German capitalizes every noun, so a capital there is no sign of a name."""

_STEM = 6
"""Number of initial letters that make two spellings the same name: `Postgres`, `PostgreSQL`."""


class QuotedFacts:
    """The numbers and words of some quotes, and names that need no quote."""

    def __init__(self, quotes: Iterable[str], known_names: Iterable[str] = ()) -> None:
        texts = list(quotes)
        self._numbers = {number for text in texts for number in numbers_in(text)}
        self._stems = {word[:_STEM] for text in (*texts, *known_names) for word in _words(text)}

    def lack_something_in(self, claim: str) -> bool:
        """Whether the claim has a number or a proper name that occurs in none of the quotes."""
        if not self._numbers.issuperset(numbers_in(claim)):
            return True
        return any(word[:_STEM] not in self._stems for name in _names(claim) for word in _words(name))


def _words(text: str) -> Iterator[str]:
    return (normalize(word).removesuffix("'s") for word in _WORD.findall(text))


def _names(text: str) -> Iterator[str]:
    """Words that are proper names by their spelling: a capital inside a sentence, an inner capital, or a digit."""
    has_names_in_capitals = _GERMAN.search(text) is None
    for match in _WORD.finditer(text):
        word = match[0]
        is_mixed = any(map(str.isupper, word[1:])) or (any(map(str.isdigit, word)) and any(map(str.isalpha, word)))
        is_capital = word[0].isupper() and len(word) > 1 and has_names_in_capitals
        if is_mixed or (is_capital and not _SENTENCE_START.search(text[max(0, match.start() - 8) : match.start()])):
            yield word
