"""Word boundaries in every script, and the minimum length of a quote."""

import re
import unicodedata

from services.text.invisible import strip_format
from services.text.words import IDEOGRAPHS, SYLLABLES

_IDEOGRAPH = re.compile(f"[{IDEOGRAPHS}]")
_SYLLABLE = re.compile(f"[{SYLLABLES}]")
_UNSPACED = re.compile(f"[{IDEOGRAPHS}{SYLLABLES}]")

_SPACED_LETTER = re.compile(f"[^\\W{IDEOGRAPHS}{SYLLABLES}]")

_FEWEST_CHARACTERS = 12
_FEWEST_WORDS = 3

_NEIGHBOURHOOD = 16
_APOSTROPHES_AND_HYPHENS = frozenset("'`\u00b4\u02bc\u2018\u2019-\u2010\u2011")
_JOIN_NUMBERS = frozenset(".,:/\u2019'")
_JOINER = "\u200d"
_SKIN_TONES = range(0x1F3FB, 0x1F400)


def is_unspaced(character: str) -> bool:
    """Whether the character belongs to a script without spaces between words."""
    return _UNSPACED.match(character) is not None


def is_long_enough_to_quote(normalized: str) -> bool:
    """Whether a normalized text has twelve characters and three words, the minimum of a quote.

    A Chinese or Japanese letter counts as two characters.
    """
    composed = unicodedata.normalize("NFC", normalized)
    characters = len(composed) + len(_IDEOGRAPH.findall(composed))
    return characters >= _FEWEST_CHARACTERS and _quarter_words(composed) >= 4 * _FEWEST_WORDS


def _quarter_words(text: str) -> int:
    unspaced = 2 * len(_IDEOGRAPH.findall(text)) + len(_SYLLABLE.findall(text))
    return unspaced + 4 * sum(_SPACED_LETTER.search(word) is not None for word in text.split())


def end_with_marks(text: str, end: int, limit: int) -> int:
    """`end` moved behind the variation selectors and skin tones of the symbol before it.

    An accent makes another letter of a letter, so it is left outside.
    """
    is_letter = _is_letter(text[end - 1])
    while end < limit and _sits_on(text[end], is_letter=is_letter):
        end += 1
    return end


def _sits_on(mark: str, *, is_letter: bool) -> bool:
    if ord(mark) in _SKIN_TONES:
        return not is_letter
    return _is_mark(mark) and (not is_letter or not strip_format(mark))


def is_word_border(text: str, index: int, start: int, end: int) -> bool:
    """Whether no word of `text[start:end]` continues across `index`: there is no border after `can` in `can't`."""
    if _JOINER in (text[max(start, index - 1) : index], text[index : min(end, index + 1)]):
        return False
    before = strip_format(text[max(start, index - _NEIGHBOURHOOD) : index])[-2:]
    after = strip_format(text[index : min(end, index + _NEIGHBOURHOOD)])[:2]
    if not before or not after:
        return True
    return not (_is_mark(after[0]) or _runs_on(before[-1], after[0]) or _is_joined(before, after))


def _runs_on(left: str, right: str) -> bool:
    if not (_is_letter(left) and _is_letter(right)):
        return _is_letter(left) and right in "+#"
    return not (_UNSPACED.match(left) or _UNSPACED.match(right))


def _is_joined(before: str, after: str) -> bool:
    """Whether the index is beside a mark that joins two letters or digits into one word."""
    if len(after) > 1 and _joins(before[-1], after[0], after[1]):
        return True
    return len(before) > 1 and _joins(before[0], before[1], after[0])


def _joins(left: str, mark: str, right: str) -> bool:
    if not (_is_letter(left) and _is_letter(right)):
        return False
    if mark in _APOSTROPHES_AND_HYPHENS:
        return True
    if left.isdigit() and right.isdigit():
        return mark in _JOIN_NUMBERS
    return mark == "." and right.islower()


def _is_letter(character: str) -> bool:
    return character.isalnum() or character == "_" or _is_mark(character)


def _is_mark(character: str) -> bool:
    return unicodedata.category(character).startswith("M")
