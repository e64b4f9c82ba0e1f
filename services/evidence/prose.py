"""A model's own words: shown as plain prose, never as a quote, a verdict or an unsupported claim."""

import re
from collections.abc import Callable, Iterable
from functools import lru_cache

from services.evidence.sentences import sentences_in
from services.text.invisible import strip_control
from services.text.normalization import Span, normalize

APOSTROPHES = "'`\u00b4\u2018-\u201b\u2032\u2035\u02b9\u02bb-\u02bd\u05f3\uff07"
"""Apostrophes and single quotation marks, as a regular expression's character class."""
QUOTATION_MARKS = (
    '"\u00ab\u00bb\u2039\u203a\u201c-\u201f\u2033\u2036\u02ba\u02dd\u02ee\u05f4\u2e42\uff02'  # Latin, Hebrew
    "\u2e02-\u2e05\u2e09\u2e0a\u2e0c\u2e0d\u2e1c\u2e1d\u2e20\u2e21"  # editorial
    "\u275b-\u2760\u276e-\u2771\U0001f676-\U0001f678"  # ornaments
    "\u2329\u232a\u27e8-\u27eb\u3008-\u300f\u301d-\u301f\ufe3d-\ufe44\uff62\uff63"  # angles, corners
)
"""Every mark that quotes and is no apostrophe, as a regular expression's character class."""

_MARK = re.compile(f"[{QUOTATION_MARKS}]")
_APOSTROPHE_RUN = re.compile(rf"(?P<before>[^\W{APOSTROPHES}]?)(?P<marks>[{APOSTROPHES}]+)(?=(?P<after>\w?))")


def strip_quotation_marks(text: str) -> str:
    """The text as one paragraph without quotation marks, control and bidirectional characters.

    Quotation marks are reserved for quotes that code cut from the source.
    """
    unmarked = _MARK.sub("", strip_control(" ".join(text.split())))
    return " ".join(_strip_single_quotes(unmarked).split())


def _strip_single_quotes(text: str) -> str:
    """Removes single quotation marks. Apostrophes stay: inside a word, or after one while no quote is open (`didn't`,
    `the peers' work`).
    """
    is_open = False

    def keep(match: re.Match[str]) -> str:
        nonlocal is_open
        before, marks, after = match["before"], match["marks"], match["after"]
        is_apostrophe = bool(before) and len(marks) == 1 and (bool(after) or not is_open)
        if not is_apostrophe:
            is_open = not is_open
        return before + marks if is_apostrophe else before

    return _APOSTROPHE_RUN.sub(keep, text)


def keep_sentences(prose: str, is_kept: Callable[[str], bool]) -> str:
    """The prose without the sentences that are not kept."""
    sentences = (prose[start:end] for start, end in sentences_in(prose, Span(0, len(prose))))
    return " ".join(sentence for sentence in sentences if is_kept(sentence))


_PERSON = r"(?:her|him|(?:this|the) (?:candidate|applicant))"
_VERDICT_PHRASES = (
    r"strong(?:ly)? (?:no )?hire",
    r"lean(?:ing)?(?: towards?)? (?:a )?(?:no )?hire",
    r"(?:clear|definite|solid|easy|great|no) hire",
    rf"hire {_PERSON}",
    rf"reject {_PERSON}",
    r"(?:she|he|they|candidate|applicant) (?:should|must|would)(?: not|n't)? be (?:hired|rejected)",
    r"recommend(?:ing)? (?:\w+ ){0,2}?(?:hire|hiring|rejection|an offer)",
    r"(?:hiring|overall|my) recommendation",
    r"final verdict",
    rf"(?:extend|make) {_PERSON} an offer",
    rf"(?:advance|move) {_PERSON} (?:forward |on )?to the (?:next|final) round",
    r"(?:overall|final) (?:score|rating)(?: is| of| :)? \d",
    r"^(?:do not |don't )?(?:hire|reject)$",
)
_VERDICT = re.compile(rf"(?<!\w)(?:{'|'.join(_VERDICT_PHRASES)})(?!\w)")
_BETWEEN_WORDS = re.compile(r"[^\w':]+|_+")


def strip_verdicts(prose: str) -> str:
    """The prose without sentences that say whether to hire, in the usual English phrases.

    Cosmetic: code computes the recommendation, so no sentence can change it. The list stays short, because every
    phrase more is a chance to delete an honest claim.
    """
    return keep_sentences(prose, lambda sentence: not _is_verdict(sentence))


def _is_verdict(sentence: str) -> bool:
    words = " ".join(_BETWEEN_WORDS.sub(" ", normalize(sentence).replace(":", " : ")).split())
    return _VERDICT.search(words.removesuffix(" :")) is not None


_SHORTEST_CONTENT_WORD = 4
_STEM = 5
_FEWEST_SHARED = 2
_WORD = re.compile(r"[^\W_]+[+#]*")
"""With the signs that tell `C`, `C++` and `C#` apart."""
_UNSPACED_PAIR = re.compile(r"(?=([\u3040-\u30ff\u3400-\u9fff\u0e00-\u0eff][\u3040-\u30ff\u3400-\u9fff\u0e00-\u0eff]))")


class RepeatedClaims:
    """Recognises sentences that repeat one of these claims, in part or in other words with the same stems."""

    def __init__(self, claims: Iterable[str]) -> None:
        self._plain = [plain for claim in claims if (plain := plain_words(claim))]
        self._content = [content for plain in self._plain if (content := _content_words(plain))]

    def are_in(self, sentence: str) -> bool:
        """Whether the sentence contains a claim, or shares two thirds of its content words with one.

        The share is of the shorter of the two, and at least two words.
        """
        return self.are_quoted_in(sentence) or self._are_paraphrased_in(sentence)

    def are_quoted_in(self, text: str) -> bool:
        """Whether the text contains a claim in the same words."""
        plain = f" {plain_words(text)} "
        return any(f" {claim} " in plain for claim in self._plain)

    def _are_paraphrased_in(self, sentence: str) -> bool:
        content = _content_words(plain_words(sentence))
        return any(_is_mostly_shared(content, claim) for claim in self._content)


def _is_mostly_shared(one: frozenset[str], other: frozenset[str]) -> bool:
    shared = len(one & other)
    return shared >= _FEWEST_SHARED and 3 * shared >= 2 * min(len(one), len(other))


def plain_words(text: str) -> str:
    """The normalized words of a text with one space between them: what is compared where punctuation does not count."""
    return " ".join(_WORD.findall(normalize(text)))


@lru_cache(maxsize=4096)
def _content_words(plain: str) -> frozenset[str]:
    """Stems of the words that carry meaning: those with four letters or a digit. Pairs of letters without spaces."""
    words = (word for word in plain.split() if len(word) >= _SHORTEST_CONTENT_WORD or word.isdigit())
    return frozenset(word[:_STEM] for word in words).union(_UNSPACED_PAIR.findall(plain))
