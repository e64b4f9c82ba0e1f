"""Checks a model's debrief against the record: no claim, rating or summary sentence stays without a found quote."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from services.evidence.beyond_quotes import QuotedFacts
from services.evidence.debrief import (
    Evidence,
    Grounding,
    Kind,
    Quote,
    RefusalReason,
    Refused,
    ScorecardRow,
    UnsupportedClaim,
)
from services.evidence.model_answer import ModelDebrief, ModelQuote, ModelRating, ModelSentence
from services.evidence.overlaps import Overlaps
from services.evidence.prose import (
    RepeatedClaims,
    keep_sentences,
    plain_words,
    strip_quotation_marks,
    strip_verdicts,
)
from services.evidence.quotes import Lookup, QuoteFinder
from services.evidence.sensitivity import shared_quote_warnings
from services.transcript.transcript import Transcript

NOT_RATED = "Not assessed: the model gave no rating from 1 to 5."
NOT_ASSESSED = "Not assessed: no quote was found that carries a rating."
NO_CANDIDATE = "Not assessed: the transcript does not say which speaker is the candidate."
REASON_LEFT_OUT = "The model's reason was left out, because it says more than the quotes do."
NOTHING_FOUND = "No statement about the candidate is backed by a quote that was found."

VERDICT_REMOVED = "The model wrote a verdict into its text; it was removed and has no effect on the recommendation."
SUMMARY_SHORTENED = (
    "Sentences of the model's summary were left out, because they say more than their found quotes, or repeat an "
    "unsupported claim."
)
TOO_MANY_QUOTES = "The model proposed more quotes than can be checked; the rest count as not found."
NO_QUOTE_FOUND = "None of the quotes that the model proposed was found, so nothing in this debrief is evidence."
NO_QUOTE_PROPOSED = "The model proposed no quotes, so nothing in this debrief is evidence."

_RATINGS = range(1, 6)


@dataclass(frozen=True, slots=True)
class VerifiedDebrief:
    """The checked parts of a debrief."""

    summary: str
    follow_up_questions: Sequence[str]
    evidence: Sequence[Evidence]
    unsupported: Sequence[UnsupportedClaim]
    scorecard: Sequence[ScorecardRow]
    grounding: Grounding
    warnings: Sequence[str]


def nothing_verified(summary: str) -> VerifiedDebrief:
    """A debrief for which no model was asked."""
    grounding = Grounding(quotes_proposed=0, quotes_found=0, refused=Refused(), claims_supported=0, claims_total=0)
    return VerifiedDebrief(summary, (), (), (), (), grounding, ())


def verify(
    answer: ModelDebrief,
    competencies: Sequence[str],
    transcript: Transcript,
    notes: str,
    *,
    known_names: Iterable[str] = (),
    should_stop: Callable[[], bool] = lambda: False,
) -> VerifiedDebrief:
    """Check a model's debrief. The scorecard has one row for each competency, in their order.

    `known_names` (of people, the role) need no quote. Raises `quotes.Stopped` soon after `should_stop` is true.
    """
    names = (*known_names, *competencies, *(speaker.label for speaker in transcript.speakers))
    return _Verification(answer, transcript, QuoteFinder(transcript, notes, should_stop), names).run(competencies)


class _CheckedClaim(NamedTuple):
    claim: str
    kind: Kind
    quotes: Sequence[Quote]


class _Verification:
    """One run of `verify`."""

    def __init__(self, answer: ModelDebrief, transcript: Transcript, finder: QuoteFinder, names: Sequence[str]) -> None:
        self._plain = _rewrite(answer, strip_quotation_marks)
        self._answer = _rewrite(self._plain, strip_verdicts)
        self._may_rate = transcript.has_candidate or not transcript.turns
        self._finder = finder
        self._names = names
        self._proposed = 0
        self._refused: Counter[RefusalReason] = Counter()

    def run(self, competencies: Sequence[str]) -> VerifiedDebrief:
        checked = _merge(
            _CheckedClaim(claim.claim, claim.kind, self._find(claim.evidence)) for claim in self._answer.claims
        )
        supported, unsupported = _split(checked)
        repeated = RepeatedClaims(claim.claim for claim in unsupported)
        scorecard = [self._row(name, rating, repeated) for name, rating in _rows(self._answer.ratings, competencies)]
        sentences = [sentence.text for sentence in self._answer.summary if self._is_kept(sentence, supported, repeated)]
        evidence = self._evidence(supported)
        questions = self._answer.follow_up_questions
        return VerifiedDebrief(
            summary=" ".join(sentences) or _summary_of(supported),
            follow_up_questions=[question for question in questions if not repeated.are_quoted_in(question)],
            evidence=evidence,
            unsupported=[UnsupportedClaim(claim=claim.claim, kind=claim.kind) for claim in unsupported],
            scorecard=scorecard,
            grounding=self._grounding(evidence, claims=len(checked)),
            warnings=list(self._warnings(scorecard, kept_sentences=len(sentences))),
        )

    def _find(self, proposed: Iterable[ModelQuote]) -> list[Quote]:
        """The quotes that were found, each once. Counts those that were refused."""
        found: dict[Quote, None] = {}
        for quote in proposed:
            lookup = self._look_up(quote)
            self._proposed += 1
            if lookup.refused:
                self._refused[lookup.refused] += 1
            found |= dict.fromkeys(lookup.quotes)
        return list(found)

    def _look_up(self, quote: ModelQuote) -> Lookup:
        if quote.source == "notes":
            return self._finder.find_in_notes(quote.quote)
        return self._finder.find_quote(quote.quote, quote.turn)

    def _evidence(self, supported: Sequence[_CheckedClaim]) -> list[Evidence]:
        of_other_kind = {
            kind: Overlaps(quote for claim in supported if claim.kind != kind for quote in claim.quotes)
            for kind in ("strength", "improvement")
        }
        return [
            Evidence(
                claim=claim.claim,
                kind=claim.kind,
                quotes=list(claim.quotes),
                goes_beyond_quotes=self._facts(claim.quotes).lack_something_in(claim.claim),
                shares_quote_with_other_kind=any(map(of_other_kind[claim.kind].include, claim.quotes)),
            )
            for claim in supported
        ]

    def _reason_for_no_rating(self, proposed: ModelRating | None) -> str:
        if not self._may_rate:
            return NO_CANDIDATE
        return NOT_ASSESSED if proposed and proposed.rating in _RATINGS else NOT_RATED

    def _row(self, competency: str, proposed: ModelRating | None, repeated: RepeatedClaims) -> ScorecardRow:
        """A rating without a found quote becomes null, and its reason is not shown."""
        quotes = self._find(proposed.evidence) if proposed else []
        if not (self._may_rate and proposed and proposed.rating in _RATINGS and quotes):
            reason = self._reason_for_no_rating(proposed)
            return ScorecardRow(competency=competency, rating=None, status="not_assessed", rationale=reason, quotes=[])
        return ScorecardRow(
            competency=competency,
            rating=proposed.rating,
            status="assessed",
            rationale=self._rationale(proposed.rationale, quotes, repeated),
            quotes=quotes,
        )

    def _rationale(self, rationale: str, quotes: Sequence[Quote], repeated: RepeatedClaims) -> str:
        """The sentences that say no more than the quotes and repeat no unsupported claim."""
        facts = self._facts(quotes)
        kept = keep_sentences(
            rationale, lambda sentence: not repeated.are_in(sentence) and not facts.lack_something_in(sentence)
        )
        return kept or (REASON_LEFT_OUT if rationale else "")

    def _is_kept(self, sentence: ModelSentence, supported: Sequence[_CheckedClaim], repeated: RepeatedClaims) -> bool:
        """Whether a summary sentence has a found quote and says no more than its quotes, or is a supported claim."""
        quotes = self._find(sentence.evidence)
        if repeated.are_in(sentence.text):
            return False
        if not quotes:
            return plain_words(sentence.text) in {plain_words(claim.claim) for claim in supported}
        return not self._facts(quotes).lack_something_in(sentence.text)

    def _facts(self, quotes: Iterable[Quote]) -> QuotedFacts:
        return QuotedFacts((quote.text for quote in quotes), self._names)

    def _grounding(self, evidence: Sequence[Evidence], claims: int) -> Grounding:
        """Claims that consist only of verdicts are not shown, but are counted."""
        return Grounding(
            quotes_proposed=self._proposed,
            quotes_found=self._proposed - self._refused.total(),
            refused=Refused.model_validate(self._refused),
            claims_supported=len(evidence),
            claims_total=claims + len(self._plain.claims) - len(self._answer.claims),
            claims_beyond_quotes=sum(claim.goes_beyond_quotes for claim in evidence),
        )

    def _warnings(self, scorecard: Sequence[ScorecardRow], kept_sentences: int) -> Iterator[str]:
        if self._refused.total() == self._proposed:
            yield NO_QUOTE_FOUND if self._proposed else NO_QUOTE_PROPOSED
        if self._finder.is_exhausted:
            yield TOO_MANY_QUOTES
        if self._answer != self._plain:
            yield VERDICT_REMOVED
        if kept_sentences < len(self._answer.summary):
            yield SUMMARY_SHORTENED
        yield from shared_quote_warnings(scorecard)


def _merge(claims: Iterable[_CheckedClaim]) -> list[_CheckedClaim]:
    """Each claim once, with the quotes of all its repetitions. Supported with one kind, it is of that kind."""
    merged: dict[str, _CheckedClaim] = {}
    for claim in claims:
        key = plain_words(claim.claim)
        before = merged.get(key)
        if before is None or not (before.quotes or claim.quotes):
            merged.setdefault(key, claim)
            continue
        first = before if before.quotes else claim
        merged[key] = first._replace(quotes=list(dict.fromkeys((*before.quotes, *claim.quotes))))
    merged.pop("", None)
    return list(merged.values())


def _split(claims: Sequence[_CheckedClaim]) -> tuple[list[_CheckedClaim], list[_CheckedClaim]]:
    """Supported and unsupported claims. A claim that contains an unsupported one is unsupported, whatever it quotes."""
    repeated = RepeatedClaims(claim.claim for claim in claims if not claim.quotes)
    is_supported = [bool(claim.quotes) and not repeated.are_quoted_in(claim.claim) for claim in claims]
    return (
        [claim for claim, is_kept in zip(claims, is_supported, strict=True) if is_kept],
        [claim for claim, is_kept in zip(claims, is_supported, strict=True) if not is_kept],
    )


def _rows(ratings: Iterable[ModelRating], competencies: Sequence[str]) -> Iterator[tuple[str, ModelRating | None]]:
    by_number = {rating.competency: rating for rating in ratings}
    return ((name, by_number.get(number)) for number, name in enumerate(competencies, 1))


def _summary_of(supported: Sequence[_CheckedClaim]) -> str:
    """The supported claims in two sentences, where no sentence of the model's summary is supported."""
    sentences: list[str] = []
    for kind, title in (("strength", "Strengths"), ("improvement", "To improve")):
        claims = [claim.claim.rstrip(" .") for claim in supported if claim.kind == kind]
        if claims:
            sentences.append(f"{title}: {'; '.join(claims)}.")
    return " ".join(sentences) or NOTHING_FOUND


def _rewrite(answer: ModelDebrief, rewrite: Callable[[str], str]) -> ModelDebrief:
    """The answer with all prose rewritten, without claims, sentences and questions that become empty."""
    summary = [item.model_copy(update={"text": rewrite(item.text)}) for item in answer.summary]
    claims = [item.model_copy(update={"claim": rewrite(item.claim)}) for item in answer.claims]
    ratings = [item.model_copy(update={"rationale": rewrite(item.rationale)}) for item in answer.ratings]
    questions = map(rewrite, answer.follow_up_questions)
    return answer.model_copy(
        update={
            "summary": tuple(item for item in summary if item.text),
            "claims": tuple(item for item in claims if item.claim),
            "ratings": tuple(ratings),
            "follow_up_questions": tuple(question for question in questions if question),
        }
    )
