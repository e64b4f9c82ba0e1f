"""Names of people as others write them: in full, in part, with a title, in any script."""

import re
from typing import NamedTuple

from services.text.normalization import normalize

_HONORIFICS = frozenset({"dr", "prof", "mr", "mrs", "ms", "mx", "herr", "frau", "sr", "sra", "mme"})
_PARTICLES = frozenset(
    normalize("al ap ben bin bint da de del den der di dos du el la le of ten ter und van von y zu").split()
)
_BETWEEN_WORDS = re.compile(r"[\s.,;:/|()\[\]{}<>*_\"-]+")

_IDEOGRAPH = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]")
_LONGEST_IN_IDEOGRAPHS = 4
_LONGEST_WORD = 15
_MOST_WORDS = 6


class Person(NamedTuple):
    """Whoever bears a name: `Dr. Jane O'Neil` is `jane o'neil`."""

    words: tuple[str, ...]

    def is_same(self, other: "Person") -> bool:
        return bool(self.words) and self.words == other.words

    def may_be(self, other: "Person") -> bool:
        """Whether one name is part of the other, as a first name is of the full one."""
        mine, others = set(self.words), set(other.words)
        return bool(mine and others) and (mine <= others or others <= mine)


def person(name: str) -> Person:
    """The person of a name."""
    return Person(tuple(word for word in words_of(name) if word not in _HONORIFICS))


def words_of(label: str) -> list[str]:
    """The words of a label, folded."""
    return [word for word in _BETWEEN_WORDS.split(normalize(label)) if word]


def looks_like_name(text: str) -> bool:
    """Capitals where the script has them, few letters where it has none; at most six words."""
    words = [word.strip("()[]'\u2019\u2018\"") for word in text.split()]
    spelled = [word for word in words if word and word not in _PARTICLES]
    if not spelled or len(words) > _MOST_WORDS or not any(word[0].isalpha() for word in spelled):
        return False
    if any(character.isupper() or character.islower() for character in text):
        return not any(word[0].islower() for word in spelled)
    return all(len(word) <= _longest(word) for word in spelled)


def _longest(word: str) -> int:
    return _LONGEST_IN_IDEOGRAPHS if _IDEOGRAPH.search(word) else _LONGEST_WORD
