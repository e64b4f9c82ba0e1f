"""Verdicts that a model writes into its prose although told not to: found and taken out, sentence by sentence.

A filter against the usual ways of saying it, in English and the plainest in
German, French and Spanish. It proves nothing: whoever wants to can say it
otherwise. What no text can set is the recommendation, which code computes.
"""

import re

from services.evidence.prose import strip_quotation_marks
from services.evidence.verdict_phrases import BARE_VERDICT, VERDICT
from services.text.normalization import normalize

_SENTENCE = re.compile(r"(?:[^.!?。！？]|\.(?=\w))*[.!?。！？]*\s*")
"""A dot inside of a number or a name ends none."""

_ACCENTS = re.compile("[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]")
_LOOK_ALIKES = str.maketrans(
    "авгԁеһіјкмнопрѕтухѵԝαβεηικμνορτυχɡıɩ",
    "abrdehijkmhonpstyxvwabehikmnoptuxgii",
)
"""Cyrillic, Greek and a few Latin letters, folded, and what they pass for."""
_APOSTROPHE = re.compile(r"(?<=\w)'(?=\w)")
_CLAUSE_BORDER = re.compile(r"[,;:()\[\]/|]|\s-+\s|--+")
_NO_WORD = re.compile(r"[^\w:]+|_+")
_SPELLED_OUT = re.compile(r"\b(?:[^\W\d_] ){3,}[^\W\d_]\b")


def strip_verdicts(prose: str) -> str:
    """The prose, plain, without the sentences that say whether to hire: recommendations are computed, never read."""
    prose = strip_quotation_marks(prose)
    return "".join(sentence for sentence in _SENTENCE.findall(prose) if not _is_verdict(sentence)).strip()


def _is_verdict(sentence: str) -> bool:
    folded = _readable(sentence)
    if VERDICT.search(_words(folded)):
        return True
    return any(BARE_VERDICT.fullmatch(_words(clause)) for clause in _CLAUSE_BORDER.split(folded))


def _readable(sentence: str) -> str:
    """What a person reads: folded, without accents and apostrophes, in the letters that others pass for."""
    return _APOSTROPHE.sub("", _ACCENTS.sub("", normalize(sentence))).translate(_LOOK_ALIKES)


def _words(folded: str) -> str:
    """Words and colons with one space between them; words spelled out are words again."""
    spaced = " ".join(_NO_WORD.sub(" ", folded.replace(":", " : ")).split())
    return _SPELLED_OUT.sub(lambda letters: letters[0].replace(" ", ""), spaced)
