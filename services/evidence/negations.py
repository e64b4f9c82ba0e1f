"""Negations beside a selection. Cut after `I did not`, the words `lead the migration` say the opposite.

The lists are short: they name the negations of languages that users are likely to meet. What they miss is shown all
the same, because a quote is printed with its whole sentences.
"""

import re
import unicodedata
from itertools import pairwise

from services.text.normalization import normalize


def _words(text: str) -> frozenset[str]:
    return frozenset(normalize(text).split())


_NEGATIONS = _words(
    "not no never cannot none cant dont didnt doesnt couldnt wouldnt wasnt isnt havent hadnt wont "
    "nicht nie niemals ne pas jamais non nunca jamás não nem niet geen nooit inte ikke ej aldrig aldri "
    "не ні нет никогда yok नहीं لا لم لن ليس לא không chưa tidak bukan belum δεν μην 안 못"
)
_NEGATIONS_BEFORE = _NEGATIONS | _words(
    "without hardly barely neither nor ohne weder kaum sans aucun aucune sin ni tampoco senza sem zonder utan без"
)
"""Words that negate only what follows: `I led it without help` says that I led it."""
_NO_NEGATION = _words("only just merely doubt matter nur bloß seulement solo sólo soltanto só apenas только alleen")
"""Words that cancel a negation before them: `not only`, `no doubt`."""
_CONJUNCTIONS = _words(
    "and but so because then while und aber denn also weil et mais car y pero porque e ma perché mas и но"
)
_SUBJECTS = _words("i we he she they you ich wir er sie je nous il elle yo nosotros io noi eu nós я мы")
"""Subjects, which begin a new clause after a conjunction: `I could not wait so I led it` affirms `I led it`."""
_BEGINNINGS = ("kein", "n'", normalize("değil"))
_ENDINGS = ("n't",)

_FINAL = _words("nicht nie niet nooit inte ikke ej yok नहीं")
"""Words that negate what precedes them at the end of a clause: `Das Projekt leitete ich nicht`."""
_TURKISH = re.compile(
    r"\w{2,}(?:m[ae]d[ıi](?:m|n|k|l[ae]r|n[ıi]z)?|m[ıiuü]yor(?:um|uz|sun|lar|du\w{0,4})?|m[ae]m[ıi]ş\w{0,4})"
)
"""Verbs that are negated inside the word: `yönetmedim` is `I did not lead`."""
_KOREAN = re.compile("(?:지 ?)?(?:않|못[하했]|없|아니|아닙|아닌)")
_JAPANESE = re.compile(
    "(?!だけで|のみで)[\u3041-\u3096]{0,3}(?:ない|なく|なかっ|ません|ずに|ず(?!\\w))"
    "|(?:わけ|訳|こと|事|もの|の|つもり|覚え|経験|記憶)(?:では|は|が|も)?(?:ない|なかっ|ありません|ございません|いません)"
)
_UNSPACED_BEFORE = re.compile(
    "(?:[不没沒未非无無别別](?:有|是|能|会|會|曾|想|太|怎么|去)?|(?:ไม่|ยังไม่)(?:ได้|เคย|ใช่|มี)?)\\s*$"
)
"""Chinese and Thai, directly before the words that they negate."""

_WORDS_BESIDE = 3
_NEIGHBOURHOOD = 120
"""Characters in which three words are looked for."""

_NUMERO = re.compile(r"\u2116|\bno\.?(?= ?\d)", re.IGNORECASE)
_CLAUSE_END = re.compile(
    r"[,.;:!?](?=[\s\"'\u201d\u2019)\]]|$)|[\u2026\u2014\u2013\u3002\uff0c\uff01\uff1f\uff1a\uff1b\u3001\u2022\u0964]"
    r"|\s[-*]+\s|\n[^\S\n]*\n"
)
_AROUND_WORDS = "\"'()[]{}*_<>"


def is_beside_negation(text: str, start: int, end: int) -> bool:
    """Whether `text[start:end]` begins right after, or ends right before, a negation in the same clause.

    Right after: among the three words before. Right before: the next word, or one that ends the clause within three
    words. Line breaks and quotation marks end no clause.
    """
    *_, before = _CLAUSE_END.split(_readable(text[max(0, start - _NEIGHBOURHOOD) : start]))
    after, *_ = _CLAUSE_END.split(_readable(text[end : end + _NEIGHBOURHOOD]))
    first_words = _split(text[start : min(end, start + _NEIGHBOURHOOD)])[:1]
    return _ends_with_negation(before, first_words) or _begins_with_negation(after.lstrip())


def _readable(text: str) -> str:
    """The text composed, and without `No.` and `№` in front of numbers, which look like a negation."""
    return _NUMERO.sub(" ", unicodedata.normalize("NFC", text))


def _ends_with_negation(clause: str, first_words: list[str]) -> bool:
    if _UNSPACED_BEFORE.search(clause):
        return True
    words = _split(clause)[-_WORDS_BESIDE:]
    if words[-1:] and words[-1] in _CONJUNCTIONS and _SUBJECTS.issuperset(first_words):
        return False
    return any(
        _is_negation(word, _NEGATIONS_BEFORE)
        and following not in _NO_NEGATION
        and not (word == "no" and following[:1].isdigit())
        for word, following in pairwise([*words, *first_words])
    )


def _begins_with_negation(clause: str) -> bool:
    words = _split(clause)
    if not words:
        return False
    if _is_negation(words[0], _NEGATIONS):
        return not (len(words) > 1 and words[1] in _NO_NEGATION)
    if len(words) <= _WORDS_BESIDE and (words[-1] in _FINAL or _TURKISH.fullmatch(_readable(words[-1]))):
        return True
    return bool(_TURKISH.fullmatch(_readable(words[0])) or _KOREAN.match(clause) or _JAPANESE.match(clause))


def _split(clause: str) -> list[str]:
    return [word for piece in normalize(clause).split() if (word := piece.strip(_AROUND_WORDS))]


def _is_negation(word: str, negations: frozenset[str]) -> bool:
    return word in negations or word.startswith(_BEGINNINGS) or word.endswith(_ENDINGS)
