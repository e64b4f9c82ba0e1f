"""Sensitivity of a recommendation to missing ratings, single quotes and single ratings, computed from the scorecard."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from services.evidence.debrief import Hinge, Quote, RatingChange, Recommendation, ScorecardRow
from services.evidence.overlaps import Overlaps, WholeQuote, whole_quotes
from services.evidence.scoring import recommend
from services.evidence.times import without_fraction

_SCALE = range(1, 6)
_FEWEST_SHARED = 2


class Sensitivity(NamedTuple):
    """The fields of `Score` with the same names."""

    range: tuple[Recommendation, Recommendation]
    hinges_on: list[Hinge]
    next: list[RatingChange]


NO_RECOMMENDATION = Sensitivity(("N/A", "N/A"), [], [])


def analyse(scorecard: Sequence[ScorecardRow]) -> Sensitivity:
    """Analyses the recommendation of this scorecard."""
    ratings = [row.rating for row in scorecard]
    return Sensitivity(
        range=(_filled(ratings, min(_SCALE)), _filled(ratings, max(_SCALE))),
        hinges_on=[*_quote_hinges(scorecard), *_rating_hinges(scorecard)],
        next=_smallest_changes(scorecard),
    )


def _filled(ratings: Sequence[int | None], rating: int) -> Recommendation:
    """The recommendation if everything not assessed had this rating."""
    return recommend([rating if known is None else known for known in ratings]).recommendation


def _quote_hinges(scorecard: Sequence[ScorecardRow]) -> Iterator[Hinge]:
    """Quotes without which the recommendation changes, once for each rating that has no other quote left."""
    before = recommend([row.rating for row in scorecard]).recommendation
    row_supports = [_Support(row.quotes) for row in scorecard]
    for quote in _distinct_quotes(scorecard):
        has_fallen = [support.rests_on(quote) for support in row_supports]
        left = [None if fallen else row.rating for row, fallen in zip(scorecard, has_fallen, strict=True)]
        without = recommend(left).recommendation
        if without != before:
            fallen_rows = [row for row, fallen in zip(scorecard, has_fallen, strict=True) if fallen]
            yield from (Hinge(competency=row.competency, quote=quote.first, without=without) for row in fallen_rows)


class _Support:
    """The quotes of one rating, as far as it takes to tell whether a single quote touches all of them."""

    def __init__(self, quotes: Sequence[Quote]) -> None:
        wholes = whole_quotes(quotes)
        self._sources = {whole.source for whole in wholes}
        self._last_start = max((whole.start for whole in wholes), default=0)
        self._first_end = min((whole.end for whole in wholes), default=0)

    def rests_on(self, quote: WholeQuote) -> bool:
        """Whether no quote is left when all that share words with this one are removed."""
        return self._sources == {quote.source} and quote.start < self._first_end and quote.end > self._last_start


def _distinct_quotes(scorecard: Sequence[ScorecardRow]) -> list[WholeQuote]:
    wholes = (whole for row in scorecard for whole in whole_quotes(row.quotes))
    return list({(whole.source, whole.start, whole.end): whole for whole in wholes}.values())


def _rating_hinges(scorecard: Sequence[ScorecardRow]) -> Iterator[Hinge]:
    ratings = [row.rating for row in scorecard]
    before = recommend(ratings).recommendation
    for number, row in enumerate(scorecard):
        without = recommend([*ratings[:number], None, *ratings[number + 1 :]]).recommendation
        if without != before:
            yield Hinge(competency=row.competency, quote=None, without=without)


def _smallest_changes(scorecard: Sequence[ScorecardRow]) -> list[RatingChange]:
    """The changes of one rating that change the recommendation, as far as no smaller one does."""
    changes = list(_changes(scorecard))
    smallest = min((abs(change.to - change.from_) for change in changes), default=0)
    return [change for change in changes if abs(change.to - change.from_) == smallest]


def _changes(scorecard: Sequence[ScorecardRow]) -> Iterator[RatingChange]:
    ratings = [row.rating for row in scorecard]
    before = recommend(ratings).recommendation
    for number, row in enumerate(scorecard):
        if row.rating is None:
            continue
        for rating in _SCALE:
            after = recommend([*ratings[:number], rating, *ratings[number + 1 :]]).recommendation
            if after != before:
                yield RatingChange(competency=row.competency, from_=row.rating, to=rating, recommendation=after)


def shared_quote_warnings(scorecard: Sequence[ScorecardRow]) -> Iterable[str]:
    """A sentence for each quote that carries at least two ratings and half of all. Quotes of one turn may share one."""
    return dict.fromkeys(_shared_quote_warnings(scorecard))


def _shared_quote_warnings(scorecard: Sequence[ScorecardRow]) -> Iterator[str]:
    rated = [Overlaps(row.quotes) for row in scorecard if row.rating is not None]
    for quote in _distinct_quotes(scorecard):
        carried = sum(row.include(quote.first) for row in rated)
        if carried >= max(_FEWEST_SHARED, len(rated) / 2):
            yield f"One quote carries {carried} of {len(rated)} ratings: {_place(quote.first)}."


def _place(quote: Quote) -> str:
    if quote.turn is None:
        return f"characters {quote.start} to {quote.end} of the notes"
    return f"turn {quote.turn} at {without_fraction(quote.at)}" if quote.at else f"turn {quote.turn}"
