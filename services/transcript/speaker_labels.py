"""Which prefixes of one file are speakers' labels.

A colon at the start of a line belongs to a label or to a sentence. In doubt the line begins a turn of an unknown
speaker: losing the speaker of words is better than attributing them to the wrong one.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from services.text.normalization import normalize
from services.transcript.line_prefixes import Form, LinePrefix, is_phone_number
from services.transcript.role_words import ROLE_WORDS, complete_pairs, pair_word, states_role
from services.transcript.source import MOST_LABELS, TooManyLabels
from services.transcript.speaker_names import Label, bare_label, words_of

_USUAL_FORMS = frozenset({Form.COLON, Form.TIMED})
_SENTENCE_MARK = re.compile(r"[!?;=\u3002\uff0c\uff01\uff1f\u2026]|[^\W\d_]{5,}\. ")
_ACCOUNT = re.compile(r"[^\W\d_]\w{0,40}(?:[\d_]|[^\W_]\.[^\W_]{2})[\w.]{0,40}")
_EMAIL = re.compile(r"[\w.+-]{1,64}@[\w.-]{3,100}")
_MOST_POSSIBLE_LABELS = 5_000
"""Maximum different labels with a colon or a time, most of which are no speakers': an interview has some dozens."""
_PRONOUNS = frozenset({"i", "he", "she", "it", "we", "you", "they"})
_IN_SENTENCES = _PRONOUNS | {"is", "was", "are", "were", "said", "says"}
"""Words that a sentence has, and a label has not."""
_MOST_WORDS_IN_DOUBT = 5
_OPENING_QUOTES = ('"', "“", "„", "«", "‘")
_BEFORE_COLONS = frozenset(
    normalize(
        "action actually again agenda also and answer anyway approach as at attendees background basically because "
        "bonus but by caveat challenge chapters conclusion cons context date description disclaimer duration edit "
        "end exactly example examples fact file finally first firstly for goal honestly however http https id idea "
        "if impact in invited keywords last lastly lesson lessons link location meaning meeting my next no note "
        "notes now ok okay on one option or organizer our outcome part participants phase plan plus point problem "
        "pros ps question reason recorded recording remember result results right second secondly situation so "
        "solution source speakers start started step subject summary sure task technically that the then there "
        "third this thought three time title today todo topic transcript two update url view warning well what when "
        "why with yes yesterday"
    ).split()
)
"""English words before a colon that are no labels: at the start of sentences, and in the lines above a transcript."""


class ExpectedSpeakers:
    """The names and labels that a transcript is likely to use: from the room, the briefing and the request.

    The many labels that share no word with a role or a name are answered fast.
    """

    def __init__(self, names: Iterable[str], labels: Iterable[str] = ()) -> None:
        self._names = [name for name in map(Label, names) if name.spellings]
        self._labels = frozenset(map(bare_label, labels))
        self._words_of_names = [frozenset(words) for name in self._names for words in name.spellings]
        words_of_labels = [label.words_in_any_spelling for label in map(Label, labels)]
        self._words = ROLE_WORDS.union(*self._words_of_names, *words_of_labels)

    def is_named(self, label: Label) -> bool:
        """Whether the label is a role word, the full name of an expected person or in the request's mapping."""
        if not self.knows_word_of(label):
            return False
        if self._labels and not self._labels.isdisjoint({bare_label(label.written), bare_label(label.name)}):
            return True
        if not ROLE_WORDS.isdisjoint(label.words) and label.is_short and states_role(label):
            return True
        return self.is_full_name(label)

    def is_part_of_name(self, label: Label) -> bool:
        """Whether the label is a part of an expected name, or contains one: not `Ada said`."""
        return self.knows_word_of(label) and label.is_short and any(map(label.is_part_of_name, self._names))

    def is_certainly_named(self, label: Label) -> bool:
        """Like `is_named`, but stricter, for a label in the middle of a line: not `The interviewer`."""
        if not label.words or not self.is_named(label):
            return False
        return len(label.words) == 1 or (label.words[0] not in _BEFORE_COLONS and label.looks_like_name)

    def knows_word_of(self, label: Label) -> bool:
        """Whether the label shares a word with a role, an expected name or a label of the request."""
        return not self._words.isdisjoint(label.words_in_any_spelling)

    def is_full_name(self, label: Label) -> bool:
        """Whether the label is the full name of an expected person."""
        words = label.words_in_any_spelling
        return any(map(words.issuperset, self._words_of_names)) and any(map(label.is_same_name, self._names))


class PlacedPrefix(NamedTuple):
    """A prefix, and what is around it."""

    prefix: LinePrefix
    is_after_gap: bool
    """Whether an empty line, or nothing, is above it."""
    is_above_speech: bool
    """Whether the line below it has no prefix with a time."""


class SpeakerLabels:
    """Decides which prefixes are labels. Needs all prefixes of the file, since a label that returns is a speaker's."""

    def __init__(
        self, placed_prefixes: Sequence[PlacedPrefix], expected: ExpectedSpeakers, *, starts_with_prefix: bool
    ) -> None:
        self._expected = expected
        self._times = Counter((placed.prefix.form, placed.prefix.name) for placed in placed_prefixes)
        if sum(form in _USUAL_FORMS for form, _ in self._times) > _MOST_POSSIBLE_LABELS:
            raise TooManyLabels
        self._labels = {name: Label(name) for _, name in self._times}
        self._words_in_paragraphs = self._inside_paragraphs(placed_prefixes)
        self._questions = self._question_labels()
        self._is_lower_case = False
        self._certain = self._certain_labels()
        certain = [placed for placed in placed_prefixes if (placed.prefix.form, placed.prefix.name) in self._certain]
        self.form, self._mark = _main_form([placed.prefix for placed in certain])
        self._is_dated = _is_usual(placed.prefix.is_dated for placed in certain)
        self._is_quoted = _is_usual(_is_quoted(placed.prefix) for placed in certain)
        self._needs_gap = _is_usual(placed.is_after_gap for placed in certain)
        self._is_lower_case = bool(certain) and all(placed.prefix.name.islower() for placed in certain)
        self._is_established = bool(certain) or starts_with_prefix
        self._verdicts: dict[tuple[Form, str, bool], bool] = {}
        self._accepted: set[str] = set()

    def accept(self, placed: PlacedPrefix) -> bool:
        """Whether the prefix begins a turn. Raises TooManyLabels."""
        prefix = placed.prefix
        if (self._is_dated and not prefix.is_dated) or (_is_quoted(prefix) and not self._is_quoted):
            return False
        if prefix.form in _USUAL_FORMS:
            return self._accept_usual(placed)
        if prefix.form is not self.form or prefix.mark != self._mark:
            return False
        if prefix.form is Form.ALONE and not prefix.mark and self._needs_gap and not placed.is_after_gap:
            return False
        return (prefix.form, prefix.name) in self._certain or self._is_like_the_certain(placed)

    def may_come_first(self, prefix: LinePrefix) -> bool:
        """Whether it has the form of the file. Without a colon or a time, one word that occurs once may be a title."""
        is_clear = (prefix.form, prefix.name) in self._certain or self._is_speakers_name(self._labels[prefix.name])
        return prefix.form is self.form and (prefix.form in _USUAL_FORMS or is_clear)

    def could_be_in_doubt(self, prefix: LinePrefix) -> bool:
        """Whether what is before the colon could be a label that occurs once, such as `the hiring lead`."""
        label = self._labels[prefix.name]
        words = words_of(label.name or label.written)
        if prefix.form is not Form.COLON or self._is_dated or not prefix.is_set_apart or _is_quoted(prefix):
            return False
        if not _is_short_phrase(words) or _SENTENCE_MARK.search(prefix.name):
            return False
        return words[0] not in _BEFORE_COLONS or words[0] == "the" != words[-1]

    def _is_like_the_certain(self, placed: PlacedPrefix) -> bool:
        """Whether a label that occurs once has the form of those that are certain, and looks like a speaker's."""
        prefix, label = placed.prefix, self._labels[placed.prefix.name]
        if self._is_speakers_name(label):
            return True
        is_marked = prefix.mark or (self._needs_gap and placed.is_after_gap and placed.is_above_speech)
        return bool(is_marked) and self._has_shape_of_label(prefix.form, label)

    @staticmethod
    def _is_speakers_name(label: Label) -> bool:
        """Whether it looks like a full name, or like `Speaker 2`."""
        is_numbered = len(label.words) > 1 and label.has_generic_word
        return label.looks_like_full_name or (label.looks_like_name and is_numbered)

    def _accept_usual(self, placed: PlacedPrefix) -> bool:
        prefix = placed.prefix
        is_certain = (prefix.form, prefix.name) in self._certain
        if self.form not in _USUAL_FORMS:
            return is_certain and self._expected.is_named(self._labels[prefix.name])
        return self._could_be_label(prefix) and (prefix.form is Form.COLON or placed.is_above_speech or is_certain)

    def _could_be_label(self, prefix: LinePrefix) -> bool:
        key = (prefix.form, prefix.name, prefix.is_set_apart)
        if key not in self._verdicts:
            self._verdicts[key] = self._judge(prefix)
            if self._verdicts[key]:
                self._accepted.add(prefix.name)
                _limit(self._accepted)
        return self._verdicts[key]

    def _judge(self, prefix: LinePrefix) -> bool:
        label = self._labels[prefix.name]
        if (prefix.form, prefix.name) in self._certain or self._expected.is_part_of_name(label):
            return True
        return self._is_established and prefix.is_set_apart and self._has_shape_of_label(prefix.form, label)

    def _certain_labels(self) -> set[tuple[Form, str]]:
        """The labels that are named by the room, the briefing or the request, or that return. Numbers count only if
        there are no others: they number points as well.
        """
        certain: set[tuple[Form, str]] = set()
        for key in self._times:
            if self._is_certain(*key):
                certain.add(key)
                _limit(certain)
        with_letters = {(form, name) for form, name in certain if not name.isdecimal()}
        return with_letters or certain

    def _is_certain(self, form: Form, name: str) -> bool:
        label = self._labels[name]
        if self._expected.is_named(label) or name in self._questions:
            return True
        if self._times[form, name] < len(("once", "again")) or name in self._words_in_paragraphs:
            return False
        if form is Form.COLON:
            return self._has_shape_of_label(form, label) or _returns_like_label(label)
        return self._has_shape_of_label(form, label) and (form is Form.TIMED or self._is_distinctive(label))

    def _is_distinctive(self, label: Label) -> bool:
        """Whether it is a name and no word such as `Yeah` or `Laughter`, which returns as well."""
        return label.looks_like_full_name or label.is_generic or self._expected.is_part_of_name(label)

    def _has_shape_of_label(self, form: Form, label: Label) -> bool:
        name = label.written
        if is_phone_number(name) or _EMAIL.fullmatch(name) or set(name) == {"?"}:
            return True
        if form is Form.COLON and _is_of_account_or_device(label):
            return True
        if name.islower() and not self._is_lower_case and not label.is_generic:
            return False
        if not label.words or label.words[0] in _BEFORE_COLONS or _SENTENCE_MARK.search(name):
            return False
        if form is Form.BRACKETED and label.is_generic:
            return True
        return label.looks_like_name or (self._is_lower_case and len(label.words) == 1)

    def _question_labels(self) -> frozenset[str]:
        """`Question` and `Answer`, if both are labels and the file has no others."""
        names = [name for form, name in self._times if form is Form.COLON]
        pairs = complete_pairs(names)
        if not pairs or any(self._expected.is_named(self._labels[name]) for name in names):
            return frozenset()
        return frozenset(name for name in names if any(pair_word(name) in pair for pair in pairs))

    def _inside_paragraphs(self, placed_prefixes: Iterable[PlacedPrefix]) -> frozenset[str]:
        """Single words on lines of their own that are sometimes inside a paragraph, such as `Yeah`."""
        return frozenset(
            placed.prefix.name
            for placed in placed_prefixes
            if placed.prefix.form is Form.ALONE
            and not placed.prefix.mark
            and not (placed.is_after_gap and placed.is_above_speech)
            and placed.prefix.name.isalpha()
        )


def _returns_like_label(label: Label) -> bool:
    """Whether a label that returns could be a speaker's although it has no capitals: `bob` or `the boss`."""
    words = label.words
    if not words or _SENTENCE_MARK.search(label.written) or (len(words) > 1 and words[0] in _PRONOUNS):
        return False
    if label.is_short:
        return words[0] not in _BEFORE_COLONS or len(words) > 1
    return _is_short_phrase(words) and words[0] not in _BEFORE_COLONS


def _is_short_phrase(words: Sequence[str]) -> bool:
    return 0 < len(words) <= _MOST_WORDS_IN_DOUBT and _IN_SENTENCES.isdisjoint(words)


def _is_of_account_or_device(label: Label) -> bool:
    """Whether it is a label such as `nora_kim2`, `nora.kim` or `Nora's iPhone`."""
    words = label.words
    if _ACCOUNT.fullmatch(label.written):
        return True
    return label.has_generic_word and _is_short_phrase(words) and words[0] not in _BEFORE_COLONS


def _is_quoted(prefix: LinePrefix) -> bool:
    """Whether a quotation begins before the name, as when someone reads out `"Nora Kim: Why?"`."""
    return prefix.name.startswith(_OPENING_QUOTES) and prefix.name[-1].isalnum()


def _limit(labels: Collection[object]) -> None:
    if len(labels) > MOST_LABELS:
        raise TooManyLabels


def _is_usual(facts: Iterable[bool]) -> bool:
    counts = Counter(facts)
    return counts[True] > 0 and counts[True] >= counts[False]


def _main_form(prefixes: Sequence[LinePrefix]) -> tuple[Form, str]:
    """The form in which most speakers are named, and its mark. A form that sentences take by chance needs two
    different labels.
    """
    count = Counter((prefix.form, prefix.mark) for prefix in prefixes)
    labels: dict[tuple[Form, str], set[str]] = {}
    for prefix in prefixes:
        labels.setdefault((prefix.form, prefix.mark), set()).add(prefix.name)
    usable = [key for key in count if key[0] in _USUAL_FORMS or len(labels[key]) > 1]
    return max(usable, key=lambda key: (count[key], -key[0]), default=(Form.COLON, ""))
