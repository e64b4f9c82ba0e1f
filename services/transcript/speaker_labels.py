"""The heads of turns in written transcripts: `Name: text`, with or without a time.

A colon at the beginning of a line is a speaker's or belongs to a sentence. In
doubt the line begins a turn of an unknown speaker: words then lose their
speaker, which is better than getting a wrong one.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from services.text.normalization import normalize
from services.transcript.speaker_names import looks_like_name, person
from services.transcript.speaker_roles import states_role

_TIME = r"\d{1,3}:\d{2}(?::\d{2})?(?:[.,]\d{1,3})?(?:[ ]?[AaPp][Mm])?"
_INDENT = "[\\s\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]{0,99}(?:>>?[ ]?|[-*\u2022][ ]|#{1,6}[ ])?"
_DASH = "[ \t,|\u2013\u2014-]"
_LABEL = re.compile(
    rf"{_INDENT}(?:[\[(]?(?P<before>{_TIME})[\])]?{_DASH}{{0,9}})?"
    rf"(?P<name>[^:\uff1a\r\n]{{1,80}}?)[ \t]{{0,9}}(?:,?[ ]?(?P<open>[\[(])?(?P<after>{_TIME})[\])]?[ \t]{{0,9}})?"
    r"[*_]{0,2}(?P<colon>[:\uff1a])[*_]{0,2}(?P<gap>[ \t\u3000\u00a0]*)"
)
_LABEL_ALONE = re.compile(
    rf"{_INDENT}(?P<name>[^:\uff1a\r\n]{{1,80}}?){_DASH}{{1,9}}[\[(]?(?P<after>{_TIME})[\])]?\s*$"
)
_DECORATION = " \t*_\u00a0"
_BRACKETED = re.compile(r"[\[<(](.+)[\])>]")
_LONGEST_LABEL = 250

_SENTENCE_MARK = re.compile(r"[!?;=\u3002\uff0c\uff01\uff1f\u2026]|[^\W\d_]{5,}\. ")
_MOST_WORDS_IN_LOWER_CASE = 2
_PRONOUNS = frozenset({"i", "he", "she", "it", "we", "you", "they"})
_BEFORE_COLONS = frozenset(
    normalize(
        "action actually again also and answer anyway approach background basically because bonus but caveat challenge "
        "conclusion context date disclaimer duration edit example examples exactly fact finally first firstly goal "
        "honestly however http https idea impact last lastly lesson lessons location meaning my next no note notes now "
        "ok okay one option or our outcome part participants phase plan plus point problem pros cons ps question "
        "reason remember result results right second secondly situation so solution step subject summary sure task "
        "technically that the then there third this thought three time title today todo topic transcript two update "
        "warning well what why yes yesterday"
    ).split()
)
"""English words with which people begin a line and go on with a colon."""


class Label(NamedTuple):
    """What may be the head of a turn: a name as written, a time as written, and where the speech begins."""

    name: str
    at: str | None
    end: int
    has_time_after_name: bool
    is_spaced: bool
    """Whether white space, or nothing at all, follows the colon."""


class SpeakerLabels:
    """Which of the labels of one transcript name speakers. Needs them all: who returns is a speaker."""

    def __init__(self, labels: Iterable[Label], known_names: Sequence[str] = ()) -> None:
        self._times = Counter(label.name for label in labels)
        self._known = [known for known in map(person, known_names) if known.words]
        self._verdicts: dict[tuple[str, bool, bool], bool] = {}
        self._accepted: set[str] = set()
        self._certain: dict[str, bool] = {}

    def accept(self, label: Label) -> bool:
        """Whether the label is the head of a turn."""
        kind = (label.name, label.has_time_after_name, label.is_spaced)
        if kind not in self._verdicts:
            self._verdicts[kind] = self._is_known(label.name) or self._could_be_speaker(label)
            if self._verdicts[kind]:
                self._accepted.add(label.name)
        return self._verdicts[kind]

    def accept_inside(self, label: Label) -> bool:
        """Whether a label in the middle of a line begins a turn: it was accepted at the beginning of one, spelled the
        same, or states a role, or is the full name of somebody who is expected.
        """
        if label.name in self._accepted:
            return True
        if label.name not in self._certain:
            self._certain[label.name] = self._is_beyond_doubt(label.name)
        return self._certain[label.name]

    def _is_beyond_doubt(self, name: str) -> bool:
        words = person(name).words
        if len(words) == 1 and states_role(name):
            return True
        if not words or words[0] in _BEFORE_COLONS or not looks_like_name(name):
            return False
        return states_role(name) or any(known.words == words for known in self._known)

    def _is_known(self, name: str) -> bool:
        """Whether it states a role or names somebody who is expected. `Ada said` does neither."""
        someone = person(name)
        if any(set(someone.words) <= set(known.words) for known in self._known if someone.words):
            return True
        return _is_short(name) and (states_role(name) or any(someone.may_be(known) for known in self._known))

    def _could_be_speaker(self, label: Label) -> bool:
        words = [normalize(word) for word in label.name.split()]
        returns = self._times[label.name] > 1
        if _SENTENCE_MARK.search(label.name) or (len(words) > 1 and words[0] in _PRONOUNS):
            return False
        if words[0] in _BEFORE_COLONS and not (returns and len(words) > 1):
            return False
        if returns or label.has_time_after_name:
            return _is_short(label.name)
        return label.is_spaced and looks_like_name(label.name)


def read_label(line: str) -> Label | None:
    """The label at the beginning of a line, if there is one."""
    head = line[:_LONGEST_LABEL]
    if ":" not in head and "\uff1a" not in head:
        return None
    return _read_colon(head) or _read_time_alone(line)


def _read_colon(line: str) -> Label | None:
    match = _LABEL.match(line)
    if match is None:
        return None
    name, rest = _bare(match["name"]), line[match.end() : match.end() + 1]
    if not _has_letter(name) or (match["colon"] == ":" and not match["gap"] and _goes_on_after_colon(rest)):
        return None
    is_spaced = bool(match["gap"]) or not rest.strip() or match["colon"] != ":"
    return Label(name, match["before"] or match["after"], match.end(), match["open"] is not None, is_spaced)


def _read_time_alone(line: str) -> Label | None:
    """`Ada Example  0:12`, with what she says on the lines below."""
    match = _LABEL_ALONE.match(line) if len(line) < _LONGEST_LABEL else None
    name = _bare(match["name"]) if match else ""
    if match is None or not looks_like_name(name):
        return None
    return Label(name, match["after"], match.end(), has_time_after_name=True, is_spaced=True)


def _bare(name: str) -> str:
    """Without what Markdown and chat programs put around it."""
    name = name.strip(_DECORATION)
    bracketed = _BRACKETED.fullmatch(name)
    return bracketed[1] if bracketed else name


def _goes_on_after_colon(rest: str) -> bool:
    r"""`10:30`, `https://`, `std::vector`, `C:\temp`."""
    return rest.isdigit() or rest in {"/", ":", "\\"}


def _has_letter(text: str) -> bool:
    return any(character.isalpha() for character in text)


def _is_short(name: str) -> bool:
    return looks_like_name(name) or len(name.split()) <= _MOST_WORDS_IN_LOWER_CASE
