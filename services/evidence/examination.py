"""What is left of a model's reading once code has checked it: no verdict in prose, no claim without a found quote."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from services.evidence.debrief import Evidence, Grounding, ScorecardRow, UnsupportedClaim
from services.evidence.grounding import ProposedClaim, ProposedQuote, ProposedRating, ground
from services.evidence.model_answer import ModelDebrief, ModelQuote
from services.evidence.prose import strip_quotation_marks
from services.evidence.verdicts import strip_verdicts
from services.transcript.transcript import Transcript

VERDICT_WARNING = "The model wrote a verdict into its text; it was taken out, and has no effect on the recommendation."


@dataclass(frozen=True, slots=True)
class VerifiedDebrief:
    """The checked parts of a debrief."""

    summary: str
    follow_up_questions: list[str]
    evidence: list[Evidence]
    unsupported: list[UnsupportedClaim]
    scorecard: list[ScorecardRow]
    grounding: Grounding
    warnings: list[str]


def verify(reading: ModelDebrief, competencies: Sequence[str], transcript: Transcript, notes: str) -> VerifiedDebrief:
    """Check a reading against the record it is of. One scorecard row for each competency, in their order."""
    plain = _rewritten(reading, strip_quotation_marks)
    cleaned = _rewritten(plain, strip_verdicts)
    rated = cleaned if _may_rate(transcript) else cleaned.model_copy(update={"ratings": []})
    grounded = ground(
        transcript,
        notes,
        claims=[ProposedClaim(claim.claim, claim.kind, _quotes(claim.evidence)) for claim in cleaned.claims],
        ratings=_ratings(rated, competencies),
        prose=" ".join(sentence.text for sentence in cleaned.summary),
    )
    return VerifiedDebrief(
        summary=grounded.prose,
        follow_up_questions=list(cleaned.follow_up_questions),
        evidence=grounded.evidence,
        unsupported=grounded.unsupported,
        scorecard=grounded.scorecard,
        grounding=_with_dropped(grounded.counts, len(plain.claims) - len(cleaned.claims)),
        warnings=[VERDICT_WARNING] if cleaned != plain else [],
    )


def _may_rate(transcript: Transcript) -> bool:
    """Nothing is rated from a transcript in which nobody is positively the candidate."""
    return transcript.has_candidate or not transcript.turns


def _with_dropped(counts: Grounding, dropped: int) -> Grounding:
    """Claims that were nothing but verdicts stand nowhere, and yet were made."""
    return counts.model_copy(update={"claims_total": counts.claims_total + dropped})


def _ratings(reading: ModelDebrief, competencies: Sequence[str]) -> list[ProposedRating]:
    by_number = {rating.competency: rating for rating in reading.ratings}
    rows: list[ProposedRating] = []
    for number, name in enumerate(competencies, 1):
        read = by_number.get(number)
        if read is None:
            rows.append(ProposedRating(name, None, "", ()))
        else:
            rows.append(ProposedRating(name, read.rating, read.rationale, _quotes(read.evidence)))
    return rows


def _quotes(quotes: Sequence[ModelQuote]) -> tuple[ProposedQuote, ...]:
    return tuple(ProposedQuote(quote.source, quote.turn, quote.quote) for quote in quotes)


def _rewritten(reading: ModelDebrief, rewrite: Callable[[str], str]) -> ModelDebrief:
    """The same reading with all its prose rewritten; a claim or question of which nothing is left is none."""
    summary = [sentence.model_copy(update={"text": rewrite(sentence.text)}) for sentence in reading.summary]
    claims = [claim.model_copy(update={"claim": rewrite(claim.claim)}) for claim in reading.claims]
    ratings = [row.model_copy(update={"rationale": rewrite(row.rationale)}) for row in reading.ratings]
    questions = [rewrite(question) for question in reading.follow_up_questions]
    return reading.model_copy(
        update={
            "summary": tuple(sentence for sentence in summary if sentence.text),
            "claims": tuple(claim for claim in claims if claim.claim),
            "ratings": tuple(ratings),
            "follow_up_questions": tuple(question for question in questions if question),
        }
    )
