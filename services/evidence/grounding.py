"""What a model proposes, checked against the record: no claim and no rating stands without words that carry it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from services.evidence.debrief import Evidence, Grounding, Kind, Quote, ScorecardRow, UnsupportedClaim
from services.evidence.prose import strip_quotation_marks
from services.evidence.quotes import QuoteFinder
from services.text.normalization import normalize
from services.transcript.transcript import Transcript

NOT_ASSESSED = "Not assessed: nothing that was said or noted was found to carry a rating."
_RATINGS = range(1, 6)


@dataclass(frozen=True, slots=True)
class ProposedQuote:
    """Words that a model says stand in the source. `turn` is None for the interviewer's notes."""

    source: Literal["transcript", "notes"]
    turn: int | None
    text: str


@dataclass(frozen=True, slots=True)
class ProposedClaim:
    """A claim about the candidate, with the words that are to carry it."""

    claim: str
    kind: Kind
    quotes: Sequence[ProposedQuote]


@dataclass(frozen=True, slots=True)
class ProposedRating:
    """A rating of one competency, 1 to 5, with the words that are to carry it."""

    competency: str
    rating: int | None
    rationale: str
    quotes: Sequence[ProposedQuote]


@dataclass(frozen=True, slots=True)
class Grounded:
    """What is left."""

    evidence: list[Evidence]
    unsupported: list[UnsupportedClaim]
    scorecard: list[ScorecardRow]
    """A row for each proposed rating, in their order."""
    counts: Grounding
    prose: str


class _CheckedClaim(NamedTuple):
    claim: str
    kind: Kind
    quotes: list[Quote]


def ground(
    transcript: Transcript,
    notes: str,
    *,
    claims: Iterable[ProposedClaim],
    ratings: Iterable[ProposedRating],
    prose: str = "",
) -> Grounded:
    """Find every proposed quote or throw it out, then sort the claims and ratings by what is left.

    A quote that begins right behind a negation is thrown out too, in the notes as in
    the transcript. Claims that say the same are one. The model's prose loses its
    quotation marks (see `strip_quotation_marks`).
    """
    check = _Check(transcript, notes)
    checked = _merge(
        _CheckedClaim(strip_quotation_marks(claim.claim), claim.kind, check.quotes(claim.quotes)) for claim in claims
    )
    scorecard = [_row(rating, check.quotes(rating.quotes)) for rating in ratings]
    supported = [claim for claim in checked if claim.quotes]
    return Grounded(
        evidence=[Evidence(claim=claim.claim, kind=claim.kind, quotes=claim.quotes) for claim in supported],
        unsupported=[UnsupportedClaim(claim=claim.claim, kind=claim.kind) for claim in checked if not claim.quotes],
        scorecard=scorecard,
        counts=Grounding(
            quotes_proposed=check.proposed,
            quotes_found=check.found,
            claims_supported=len(supported),
            claims_total=len(checked),
        ),
        prose=strip_quotation_marks(prose),
    )


class _Check:
    """Looks quotes up and counts them."""

    def __init__(self, transcript: Transcript, notes: str) -> None:
        self._finder = QuoteFinder(transcript, notes)
        self.proposed = 0
        self.found = 0

    def quotes(self, proposed: Iterable[ProposedQuote]) -> list[Quote]:
        """Those that were found, each once."""
        found: list[Quote] = []
        for quote in proposed:
            pieces = self._find(quote)
            self.proposed += 1
            self.found += bool(pieces)
            found += (piece for piece in pieces if piece not in found)
        return found

    def _find(self, quote: ProposedQuote) -> list[Quote]:
        if quote.source == "notes":
            return self._finder.find_in_notes(quote.text)
        return self._finder.find_quote(quote.text, quote.turn)


def _merge(claims: Iterable[_CheckedClaim]) -> list[_CheckedClaim]:
    """Each claim once, with the quotes of all its repetitions. Supported with one kind, it is of that kind."""
    merged: dict[str, _CheckedClaim] = {}
    for claim in claims:
        key = normalize(claim.claim)
        before = merged.get(key)
        if before is None or not (before.quotes or claim.quotes):
            merged.setdefault(key, claim)
            continue
        first = before if before.quotes else claim
        quotes = before.quotes + [quote for quote in claim.quotes if quote not in before.quotes]
        merged[key] = first._replace(quotes=quotes)
    merged.pop("", None)
    return list(merged.values())


def _row(proposed: ProposedRating, quotes: list[Quote]) -> ScorecardRow:
    """A rating without a found quote is none, and neither is what was written to explain it."""
    is_assessed = proposed.rating in _RATINGS and bool(quotes)
    return ScorecardRow(
        competency=proposed.competency,
        rating=proposed.rating if is_assessed else None,
        status="assessed" if is_assessed else "not_assessed",
        rationale=strip_quotation_marks(proposed.rationale) if is_assessed else NOT_ASSESSED,
        quotes=quotes if is_assessed else [],
    )
