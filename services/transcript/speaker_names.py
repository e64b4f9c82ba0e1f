"""Labels of speakers, and names of people as programs display them: decorated, in another case, without accents."""

import re
import unicodedata
from collections.abc import Iterator
from functools import cached_property

from services.text.normalization import normalize
from services.text.words import IDEOGRAPHS

Words = tuple[str, ...]
"""The normalized words of a name."""


def _word_set(words: str) -> frozenset[str]:
    return frozenset(normalize(words).split())


_HONORIFICS = _word_set("dr prof mr mrs ms mx herr frau sr sra mme phd md mba msc bsc cpa")
_TITLE_BEHIND = re.compile(r"(?<=\S)\s{0,3}(?:さん|さま|様|氏|님|씨)\s*$")
"""Japanese and Korean titles."""
_PARTICLES = _word_set("al ap ben bin bint da de del den der di dos du el la le of ten ter und van von y zu")
_GUEST_WORDS = _word_set(
    "external guest host unverified me you extern externe externer gast externo externa invité invitée invitado "
    "invitada esterno ospite convidado gość внешний гость"
)
"""Words that meeting programs put after a name without brackets."""
_GENERIC_WORDS = _GUEST_WORDS | _word_set(
    "speaker user participant attendee caller customer client person human unknown unnamed anonymous phone iphone ipad "
    "android room them sprecher sprecherin teilnehmer teilnehmerin locuteur locutrice intervenant intervenante "
    "participant participante hablante orador oradora interlocutor falante relatore partecipante mówca спикер участник"
)
"""Words of labels that are no names: two of them together are no first and last name."""

_WORD_BREAKS = re.compile(r"[\s.,;:/|()\[\]{}<>*_\"-]+")
_PRONOUNS_BEHIND = re.compile(r"\s+[^\W\d_]{1,6}(?:/[^\W\d_]{1,6}){1,2}\s*$")
_HAS_MARK = re.compile(r"[.,;:/|()\[\]{}<>*_\"-]")
_BRACKETED = re.compile(r"[(\[{<（【［][^)\]}>）】］]*[)\]}>）】］]?")
_DECORATION_START = re.compile(r"\s+[-–—]\s+|\s*[|·•@]\s*")
_MAY_BE_DECORATED = re.compile(r"[(\[{<（【［|·•@–—/-]")
_AROUND_LABELS = '()[]{}<>【】"*#:： '
_AROUND_WORDS = "()[]'\u2019\u2018\","

_IDEOGRAPH = re.compile(f"[{IDEOGRAPHS}\uac00-\ud7af]")
_IN_IDEOGRAPHS = re.compile(f"{_IDEOGRAPH.pattern}+")
_NOT_IN_NAMES = re.compile(r"[\d_&+=#]")
_DIGIT = re.compile(r"\d")
_JOINS_NAMES = re.compile(r"[&/]|\s(?:\+|and|und|et|y|e|и|和)\s", re.IGNORECASE)
_LONGEST_IN_IDEOGRAPHS = 4
_LONGEST_WORD = 15
_MOST_WORDS = 6
_MOST_WORDS_IN_LOWER_CASE = 2

_UNDECOMPOSED = str.maketrans(
    {"ł": "l", "ø": "o", "đ": "d", "ð": "d", "ı": "i", "ħ": "h", "æ": "ae", "œ": "oe", "þ": "th"}
)
_ACCENTS = re.compile(
    "[\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u1ab0-\u1aff\u1dc0-\u1dff]"
)
"""Accents of Latin, Greek and Cyrillic, points of Hebrew and Arabic. Marks that make another letter are left out."""
_EXPANDED = (("a\u0308", "ae"), ("o\u0308", "oe"), ("u\u0308", "ue"), ("ø", "oe"), ("a\u030a", "aa"))
"""Spellings of German, Danish, Norwegian and Swedish letters without accents."""


class Label:
    """A speaker's label or a person's name, and the ways to read it."""

    def __init__(self, written: str) -> None:
        self.written = written
        self.normalized = normalize(written)
        self.words = _split(self.normalized)
        """The normalized words, decorations included."""
        self.name = _name_part(written)
        """The name without text in brackets, after a dash or a bar, and without a trailing `External`."""

    @property
    def decorations(self) -> list[str]:
        """The parts that `name` leaves out."""
        behind = _DECORATION_START.split(_BRACKETED.sub(" ", self.written).strip())[1:]
        return [part.strip("()[]{}<>（）【】［］ ") for part in [*_BRACKETED.findall(self.written), *behind]]

    @cached_property
    def spellings(self) -> frozenset[Words]:
        """The ways to read the label as a whole name, to compare it with another one.

        Case, accents, honorifics and decorations do not count, and `Last, First` is `First Last`.
        """
        name = self.normalized if self.name == self.written else normalize(self.name)
        names = _orders(name) if "," in name else (name,)
        variants = (variant for each in names for variant in _without_accents(each))
        return frozenset(words for variant in variants if (words := _bare(variant)))

    @cached_property
    def words_in_any_spelling(self) -> frozenset[str]:
        """The words with and without accents, and all of them as one word, as ideographs are read."""
        if self.written.isascii():
            return frozenset(self.words)
        texts = {self.normalized, normalize(self.name)}
        variants = [_split(variant) for text in texts for variant in _without_accents(text)]
        return frozenset(word for words in variants for word in (*words, "".join(words)))

    @cached_property
    def looks_like_name(self) -> bool:
        """Whether it has the shape of a name: capitals where the script has them, few letters where it has none, at
        most six words.
        """
        words = [word.strip(_AROUND_WORDS) for word in self.name.split()]
        spelled = [word for word in words if word and word.lower() not in _PARTICLES]
        if not spelled or len(words) > _MOST_WORDS or not any(word[0].isalpha() for word in spelled):
            return False
        letters = "".join(spelled)
        if letters.lower() == letters.upper():
            return all(len(word) <= _longest(word) for word in spelled)
        return not any(word[0].islower() for word in spelled)

    @cached_property
    def looks_like_full_name(self) -> bool:
        """Whether it has the shape of a first and last name, or of a whole name in Chinese, Japanese or Korean."""
        words = words_of(self.name)
        if not self.looks_like_name or _NOT_IN_NAMES.search(self.name) or not _GENERIC_WORDS.isdisjoint(words):
            return False
        if len(words) == 1:
            composed = unicodedata.normalize("NFC", words[0])
            return len(composed) > 1 and _IN_IDEOGRAPHS.fullmatch(composed) is not None
        return all(len(word) > 1 for word in words)

    @cached_property
    def name_words(self) -> frozenset[str]:
        """The words of the name without accents, titles, initials, numbers and symbols."""
        words = _split(_plain_letters(normalize(self.name)))
        return frozenset(
            word for word in words if len(word) > 1 and word not in _HONORIFICS and not _DIGIT.search(word)
        )

    @property
    def may_be_full_name(self) -> bool:
        """Whether it could be a first and last name, in any spelling: `karl.vogt`, `Karl B. Vogt`, `KARL VOGT 2`."""
        has_two_words = len(self.name_words) > 1 and _GENERIC_WORDS.isdisjoint(self.name_words)
        return has_two_words or self.looks_like_full_name

    @property
    def is_short(self) -> bool:
        """Whether it has the shape of a name, or at most two words."""
        return self.looks_like_name or len(self.name.split()) <= _MOST_WORDS_IN_LOWER_CASE

    @property
    def is_generic(self) -> bool:
        """Whether it is a label that a program gives, such as `Speaker 1`, `SPEAKER_00` or `Guest`."""
        return self.has_generic_word or _DIGIT.search(self.written) is not None

    @property
    def has_generic_word(self) -> bool:
        """Whether it has a word such as `Speaker` or `Guest`."""
        return not _GENERIC_WORDS.isdisjoint(self.words)

    @property
    def is_of_several_people(self) -> bool:
        """Whether it joins names, as `Nora Kim & Sam Lee` does."""
        return _JOINS_NAMES.search(self.name) is not None

    def is_same_name(self, other: "Label") -> bool:
        """Whether both are the same whole name."""
        return not self.spellings.isdisjoint(other.spellings)

    def is_part_of_name(self, other: "Label") -> bool:
        """Whether one is a part of the other, as a first name is of the full one."""
        return any(mine <= others or others <= mine for mine in self.word_sets for others in other.word_sets)

    @cached_property
    def word_sets(self) -> list[frozenset[str]]:
        """The words of each spelling, in no order."""
        return [frozenset(words) for words in self.spellings]


def _name_part(label: str) -> str:
    if _MAY_BE_DECORATED.search(label):
        label = _DECORATION_START.split(_BRACKETED.sub(" ", label).strip(), maxsplit=1)[0]
        label = _PRONOUNS_BEHIND.sub("", label)
    words = _TITLE_BEHIND.sub("", label).split()
    while len(words) > 1 and normalize(words[-1]) in _GUEST_WORDS:
        words.pop()
    return " ".join(words)


def bare_label(written: str) -> str:
    """The label as it is compared with those of the request: in lower case, without `[`, `:` and the like around it."""
    return normalize(written).strip(_AROUND_LABELS)


def words_of(text: str) -> list[str]:
    """The normalized words of a text."""
    return _split(normalize(text))


def _split(normalized: str) -> list[str]:
    if not _HAS_MARK.search(normalized):
        return normalized.split()
    return [word for word in _WORD_BREAKS.split(normalized) if word]


def _orders(name: str) -> Iterator[str]:
    """The ways to read a name with a comma: `Last, First`, or `First Last, PhD`."""
    first, _, rest = name.partition(",")
    if not _bare(rest):
        yield first
    elif "," not in rest:
        yield f"{rest} {first}"


def _without_accents(normalized: str) -> Iterator[str]:
    if normalized.isascii():
        yield normalized
        return
    yield _plain_letters(normalized)
    expanded = normalized
    for letter, letters in _EXPANDED:
        expanded = expanded.replace(letter, letters)
    if expanded != normalized:
        yield _plain_letters(expanded)


def _plain_letters(text: str) -> str:
    return unicodedata.normalize("NFC", _ACCENTS.sub("", text)).translate(_UNDECOMPOSED)


def _bare(name: str) -> Words:
    """The words without honorifics; a name in ideographs is one word, however it is spaced."""
    words = tuple(word for word in _split(name) if word not in _HONORIFICS and not _is_symbol(word))
    if name.isascii() or not words or not all(map(_IN_IDEOGRAPHS.fullmatch, words)):
        return words
    return ("".join(words),)


def _is_symbol(word: str) -> bool:
    """Whether it is an emoji, or the `~` of WhatsApp. `+` joins names."""
    return word != "+" and all(unicodedata.category(character).startswith(("S", "M")) for character in word)


def _longest(word: str) -> int:
    return _LONGEST_IN_IDEOGRAPHS if _IDEOGRAPH.search(word) else _LONGEST_WORD
