"""What turns a sentence round, just before a quote: cut behind `I did not`, `lead the migration` says the opposite."""

import re

from services.text.normalization import normalize

_NEGATIONS = frozenset(
    normalize(
        "not no never cannot without hardly barely neither nor none cant dont didnt doesnt couldnt wouldnt wasnt isnt "
        "havent hadnt wont "  # as speech recognition writes them
        "nicht nie niemals ohne weder kaum "
        "ne pas jamais sans aucun aucune "
        "nunca jamás sin ni tampoco "
        "non não nunca niet geen не нет никогда"
    ).split()
)
_BEGINNINGS = ("kein", "n'")
_ENDINGS = ("n't",)
_WORDS_BEFORE = 3
_NEIGHBOURHOOD = 120
"""Characters in which three words are looked for."""

_CLAUSE_END = re.compile(
    r"[,.;:!?](?=[\s\"'\u201d\u2019)\]]|$)|[\u2026\u2014\u2013\u3002\uff0c\uff01\uff1f\uff1a\uff1b\u3001\u2022]"
    r"|\s[-*]+\s|\n[^\S\n]*\n"
)
_AROUND_WORDS = "\"'()[]{}*_<>"


def follows_negation(source: str, start: int, at: int) -> bool:
    """Whether a negation is among the three words before `at`, in the same clause and not before `start`.

    Line breaks and quotation marks end no clause. Words are English, German,
    French, Spanish and the commonest of a few other languages.
    """
    before = source[max(start, at - _NEIGHBOURHOOD) : at]
    *_, clause = _CLAUSE_END.split(before)
    return any(_is_negation(word.strip(_AROUND_WORDS)) for word in normalize(clause).split()[-_WORDS_BEFORE:])


def _is_negation(word: str) -> bool:
    return word in _NEGATIONS or word.startswith(_BEGINNINGS) or word.endswith(_ENDINGS)
