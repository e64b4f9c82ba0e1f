"""Quotable sentences: their topics, and how much evidence they give.

Keywords, a small table of related words and three simple signals: enough for answers that differ with their input.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from services.sandbox.conversation import Conversation, PromptTurn

LONGEST_QUOTE = 280
LEAST_WORDS = 4
LEAST_CHARACTERS = 20

_SENTENCE_END = re.compile(r"(?<=[.!?…])[\"'”’]?\s+|\n+")
_BULLET = re.compile(r"^[\s\-*•–]+")
_WORD = re.compile(r"[^\W\d_]{3,}(?:-[^\W\d_]+)*")
_SUFFIX = re.compile(r"(?<=\w{3})(?:ations?|ating|ments?|ings?|ers?|ed|es|s|e|ly|ions?)$")

_COMMON = frozenset(
    _WORD.findall(
        "the and for with that this they them their there have has had was were are you your from what when where "
        "which who how why did does done about into out our its his her she him not but can could would should will "
        "just very tell ask asking asked question questions candidate candidates interview next give any some say "
        "said know than then over more most also because been being let interviewer role related skills skill "
        "experience work works worked working"
    )
)

_FIGURES = re.compile(
    r"\d|\b(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|forty|fifty|sixty|eighty|ninety|"
    r"hundred|thousand|million|percent|half|twice)\b",
    re.IGNORECASE,
)
_OWN_PART = re.compile(
    r"\bI(?:'d|'ve| have| had)? (?:\w+ly |also |then |first |just )?(?:led|built|measured|designed|wrote|owned|drove|"
    r"proposed|started|set up|ran|fixed|found|cut|moved|migrated|introduced|decided|planned|organi[sz]ed|mentored|"
    r"shipped|reviewed|refactored|debugged|automated|added|replaced|presented|negotiated|taught|tested|profiled)\b"
)
_OUTCOME = re.compile(
    r"\b(?:reduced|dropped|fell|went from|came down|down to|up to|saved|improved|increased|grew|doubled|halved|"
    r"launched|resolved|as a result|so that|since then|in the end|turned out|never happened again)\b",
    re.IGNORECASE,
)
_HEDGE = re.compile(
    r"\b(?:I guess|maybe|probably|kind of|sort of|not (?:really )?sure|I suppose|more or less|somehow|"
    r"I (?:don't|didn't|couldn't|can't) (?:really |quite )?(?:know|remember|recall|say|think)|I haven't|I've never|"
    r"I have (?:not|never)|never (?:really )?(?:done|used|had|worked|written|run|touched)|no experience)\b",
    re.IGNORECASE,
)
_PRAISE = re.compile(
    r"\b(?:strong|clear|solid|great|excellent|impressive|good|deep|confident|sharp|thorough)\b", re.IGNORECASE
)
_WORRY = re.compile(
    r"\b(?:weak|vague|unclear|struggl\w+|unsure|no experience|didn't|did not|couldn't|could not|missing|shallow|lacks?|"
    r"thin|concern\w*|hesita\w+)\b",
    re.IGNORECASE,
)

_ABSENT = re.compile(
    r"\b(?:did not|didn't|never) (?:come up|get to|reach|cover|discuss|talk about|touch)\b"
    r"|\bnot (?:covered|discussed|reached)\b",
    re.IGNORECASE,
)
"""A note that something did not come up is not evidence."""

_RELATED = (
    (
        "problem solving debugging analytical",
        "debug root cause investigate fix bug incident hypothesis bottleneck trace",
    ),
    ("collaboration teamwork team", "team colleague together pair partner designer disagree review support together"),
    ("communication", "explain present write wrote document stakeholder update align audience meeting summary"),
    ("ownership initiative accountability", "led drove responsible decide deliver initiative owned proposed"),
    ("leadership mentoring management", "led mentor coach hire delegate direction junior onboard"),
    (
        "system design architecture scalability distributed",
        "queue cache database service latency partition load schema",
    ),
    (
        "knowledge technical coding engineering backend",
        "python java api database deploy code service library build query",
    ),
    ("data sql analytics", "query table warehouse pipeline dashboard metric dataset"),
    ("testing quality", "test coverage regression flaky review"),
    ("operations reliability incidents on-call", "alert monitor dashboard outage rollback postmortem incident pager"),
    ("customer product user", "customer user feedback feature support ticket"),
    ("delivery planning execution project", "deadline scope milestone estimate ship launch priority"),
    ("learning growth adaptability", "learned feedback mistake course mentor differently"),
    ("conflict disagreement", "disagree pushback compromise convince tension"),
)


@dataclass(frozen=True)
class QuotableText:
    """A piece of a source that can be quoted word for word."""

    text: str
    source: Literal["transcript", "notes"]
    turn: int | None = None
    question: str = ""
    """The interviewer's turn before it."""

    @cached_property
    def words(self) -> frozenset[str]:
        return stems(self.text)

    @cached_property
    def asked_words(self) -> frozenset[str]:
        return stems(self.question)

    @cached_property
    def has_figures(self) -> bool:
        return _FIGURES.search(self.text) is not None

    @cached_property
    def shows_own_part(self) -> bool:
        pattern = _PRAISE if self.source == "notes" else _OWN_PART
        return pattern.search(_plain(self.text)) is not None

    @cached_property
    def has_outcome(self) -> bool:
        return _OUTCOME.search(self.text) is not None

    @cached_property
    def is_hedged(self) -> bool:
        pattern = _WORRY if self.source == "notes" else _HEDGE
        return pattern.search(_plain(self.text)) is not None

    def overlap(self, wanted: frozenset[str]) -> int:
        """Number of the words that occur in it or in the question before it, which shows the topic of an answer."""
        return len((self.words | self.asked_words) & wanted)

    @property
    def merits(self) -> int:
        return self.has_figures + self.shows_own_part + self.has_outcome


@dataclass(frozen=True)
class Topic:
    """A competency and the words by which it is recognized."""

    name: str
    named: frozenset[str]
    related: frozenset[str]

    def nearness(self, passage: QuotableText) -> int:
        """Score of how much the passage is about this competency; 0 is not at all."""
        return 3 * passage.overlap(self.named) + 2 * len(passage.words & self.related)


def topic(name: str) -> Topic:
    """The competency with its related words."""
    named = stems(name)
    groups = [related for names, related in _RELATED if stems(names) & named]
    return Topic(name, named, stems(" ".join(groups)) - named)


def quotable_passages(conversation: Conversation) -> list[QuotableText]:
    """Passages about the candidate: their own sentences, and the interviewer's notes."""
    notes = sentences(conversation.block("interviewer_notes"))
    telling = [text for text in notes if _says_something(text) and not _ABSENT.search(_plain(text))]
    return [*spoken_passages(conversation.turns), *(QuotableText(text, "notes") for text in telling)]


def spoken_passages(turns: Sequence[PromptTurn]) -> Iterator[QuotableText]:
    """The candidate's sentences; those of unknown speakers where no turn is the candidate's."""
    speaker = "candidate" if any(turn.role == "candidate" for turn in turns) else "unknown"
    question = ""
    for turn in turns:
        if turn.role == "interviewer":
            question = turn.text
        elif turn.role == speaker:
            texts = (text for text in sentences(turn.text) if _says_something(text))
            yield from (QuotableText(text, "transcript", turn.number, question) for text in texts)


def sentences(text: str) -> list[str]:
    """The sentences and lines of a text, word for word, without bullets and cut to `LONGEST_QUOTE`."""
    pieces = (_BULLET.sub("", piece).strip() for piece in _SENTENCE_END.split(text))
    return [_shortened(piece) for piece in pieces if piece]


def stems(text: str) -> frozenset[str]:
    """The stems of the words that carry meaning: `designed` and `design` are one."""
    words = (word.casefold() for word in _WORD.findall(text))
    return frozenset(_SUFFIX.sub("", word)[:6] for word in words if word not in _COMMON)


def _shortened(text: str) -> str:
    """The text in at most `LONGEST_QUOTE` characters, ending with a whole word."""
    return text if len(text) <= LONGEST_QUOTE else text[:LONGEST_QUOTE].rpartition(" ")[0] or text[:LONGEST_QUOTE]


def _says_something(text: str) -> bool:
    return len(text) >= LEAST_CHARACTERS and len(text.split()) >= LEAST_WORDS


def _plain(text: str) -> str:
    return text.replace("’", "'")
