"""A debrief for people who have not rated yet: the evidence, without the model's ratings and all that tells them.

A sealed debrief names what it shows, so a field that a debrief gains later is hidden until it is named here.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import chain
from typing import Literal

from services.briefing import Briefing
from services.evidence.debrief import (
    Basis,
    Debrief,
    DebriefSpeaker,
    Evidence,
    Grounding,
    InterviewNumbers,
    Quote,
    UnsupportedClaim,
)
from services.evidence.number_words import numbers_in
from services.evidence.prose import keep_sentences
from services.evidence.sensitivity import shared_quote_warnings
from services.plan import Scale
from services.text.fields import ResponseModel
from services.text.normalization import normalize
from services.usage import Usage

HIDDEN_TEXT = "Hidden until you have rated: the model's sentence may tell a rating."

_PIECE = re.compile(r"\w+|[/★☆⭐●○]")
_NUMBERS = frozenset(["1", "2", "3", "4", "5", "one", "two", "three", "four", "five"])
_DIGITS = frozenset("12345")
_OF_FIVE = re.compile(r"(?:/|of|out of|von|sur|de|di|su|av|из) (?:5|five)")
_ABOUT_RATINGS = re.compile(r"(?:rat|scor|grad)(?:e|ed|er|es|ing|ings)|levels?|points?|stars?|marks?|[★☆⭐●○]")
_LEVELS = ("clearly lacking", "what the job needs", "outstanding and specific")
"""Levels in the words of the debrief's prompt."""
_VERDICT = re.compile(r"(?:un)?(?:recommend|hire|hiring|hirable|reject|verdict).*")
_RATES = re.compile(
    r"(?:rat|scor|grad)(?:ed|es?|ings?)|marks|bar|thumbs|yes|expectations|proceed(?:ing)?|advanc(?:e|ing)|offer"
    r"|[1-5]|\d+[^\W\d]\w*|[^\W\d]+\d\w*"
)
"""Words and digits that may rate where only the model says them; where a quote has them too, as in `error rate`, they
are about the work. Digits count inside of a word as well, as in scripts without spaces.
"""
_NEAR = 5
"""Pieces between a word about ratings and its number, at most."""


class SealedRow(ResponseModel):
    """A competency without its rating. Its quotes are hidden too: only a competency that was assessed has any."""

    competency: str
    rating: None = None
    status: None = None
    rationale: Literal[""] = ""
    quotes: tuple[()] = ()


class SealedDebrief(ResponseModel):
    """A debrief whose ratings, score and recommendation are hidden. Fields as in `Debrief`."""

    room_name: str
    version: int
    sealed: Literal[True] = True
    summary: str
    strengths: list[str]
    improvements: list[str]
    follow_up_questions: list[str]
    recommendation: None = None
    original_briefing: Briefing | None
    evidence: list[Evidence]
    unsupported: list[UnsupportedClaim]
    other_quotes: list[Quote]
    """Quotes that carry a rating and no claim, in their order in the source."""
    scorecard: list[SealedRow]
    scales: list[Scale]
    score: None = None
    basis: Basis
    warnings: list[str]
    grounding: Grounding
    speakers: list[DebriefSpeaker]
    interview: InterviewNumbers | None
    turns_read: int
    model: str | None
    emulated: bool
    usage: Usage | None
    prompt_version: str
    created_at: datetime
    ai_generated: Literal[True] = True


ReadableDebrief = Debrief | SealedDebrief


def seal(debrief: Debrief) -> SealedDebrief:
    """The debrief without ratings, reasons for them, score and recommendation.

    Sentences of the model, and quotes from the interviewer's notes, that may tell a rating are left out as well. That
    is judged by words and numbers, and rather too often than too rarely: they are shown once the reader has rated.
    """
    other_quotes = list(_untelling_quotes(_other_quotes(debrief)))
    claimed = (quote for entry in debrief.evidence for quote in _untelling_quotes(entry.quotes))
    said = _Said(quote.text for quote in chain(claimed, other_quotes))
    evidence = list(_sealed_evidence(debrief.evidence, said))
    return SealedDebrief(
        room_name=debrief.room_name,
        version=debrief.version,
        summary=keep_sentences(debrief.summary, said.covers) or HIDDEN_TEXT,
        strengths=[entry.claim for entry in evidence if entry.kind == "strength"],
        improvements=[entry.claim for entry in evidence if entry.kind == "improvement"],
        follow_up_questions=list(filter(said.covers, debrief.follow_up_questions)),
        original_briefing=debrief.original_briefing,
        evidence=evidence,
        unsupported=[entry for entry in debrief.unsupported if said.covers(entry.claim)],
        other_quotes=other_quotes,
        scorecard=[SealedRow(competency=row.competency) for row in debrief.scorecard],
        scales=debrief.scales,
        basis=debrief.basis,
        warnings=list(_sealed_warnings(debrief)),
        grounding=debrief.grounding.model_copy(
            update={"claims_beyond_quotes": sum(entry.goes_beyond_quotes for entry in evidence)}
        ),
        speakers=debrief.speakers,
        interview=debrief.interview,
        turns_read=debrief.turns_read,
        model=debrief.model,
        emulated=debrief.emulated,
        usage=debrief.usage,
        prompt_version=debrief.prompt_version,
        created_at=debrief.created_at,
    )


class _Said:
    """The numbers and words of the quotes. A number that the model adds to them may be a rating, in any language."""

    def __init__(self, quotes: Iterable[str]) -> None:
        texts = list(map(normalize, quotes))
        self._numbers = {number for text in texts for number in numbers_in(text)}
        self._pieces = {piece for text in texts for piece in _PIECE.findall(text)}

    def covers(self, sentence: str) -> bool:
        """Whether the model's sentence tells no rating: what may be one was said in the interview."""
        return not tells_rating(sentence) and not self._lacks_some_of(normalize(sentence))

    def _lacks_some_of(self, sentence: str) -> bool:
        added = (piece for piece in _PIECE.findall(sentence) if piece not in self._pieces)
        return not self._numbers.issuperset(numbers_in(sentence)) or any(map(_RATES.fullmatch, added))


def tells_rating(text: str) -> bool:
    """Whether a text may tell how the candidate was rated: a verdict, or a number of five near a word about ratings.

    The words are English. Linear in the length of the text.
    """
    pieces = _PIECE.findall(normalize(text))
    words = " ".join(pieces)
    return any(level in words for level in _LEVELS) or any(
        _VERDICT.fullmatch(piece)
        or (piece in _NUMBERS and _OF_FIVE.match(" ".join(pieces[at + 1 : at + 4])))
        or (_ABOUT_RATINGS.fullmatch(piece) and _has_number(pieces[max(0, at - _NEAR) : at + _NEAR + 1]))
        for at, piece in enumerate(pieces)
    )


def _has_number(pieces: Iterable[str]) -> bool:
    return any(piece in _NUMBERS or not piece.isalnum() for piece in pieces)


def _sealed_evidence(evidence: Iterable[Evidence], said: _Said) -> Iterator[Evidence]:
    for entry in evidence:
        quotes = list(_untelling_quotes(entry.quotes))
        if quotes:
            hidden = {} if said.covers(entry.claim) else {"claim": HIDDEN_TEXT, "goes_beyond_quotes": False}
            yield entry.model_copy(update={"quotes": quotes} | hidden)


def _other_quotes(debrief: Debrief) -> Iterable[Quote]:
    claimed = {(quote.source, quote.start, quote.end) for entry in debrief.evidence for quote in entry.quotes}
    rated = (quote for row in debrief.scorecard for quote in row.quotes)
    others = {(quote.source, quote.start, quote.end): quote for quote in rated}
    return [others[place] for place in sorted(others.keys() - claimed)]


def _sealed_warnings(debrief: Debrief) -> Iterator[str]:
    """The warnings but for those that count ratings."""
    counting = set(shared_quote_warnings(debrief.scorecard))
    return (warning for warning in debrief.warnings if warning not in counting)


def _untelling_quotes(quotes: Iterable[Quote]) -> Iterator[Quote]:
    """What the candidate said tells no rating, but the interviewer's notes may: any number from 1 to 5 can be one."""
    return (quote for quote in quotes if quote.source == "transcript" or not _may_rate(quote.text))


def _may_rate(note: str) -> bool:
    return tells_rating(note) or not _DIGITS.isdisjoint(_PIECE.findall(normalize(note)))
