"""Quotes that share words in the source."""

from bisect import bisect_left
from collections.abc import Iterable
from typing import NamedTuple

from services.evidence.debrief import Quote


class WholeQuote(NamedTuple):
    """A quote with the quotes that continue it, as one stretch of the transcript or the notes."""

    first: Quote
    start: int
    end: int

    @property
    def source(self) -> str:
        return self.first.source


def whole_quotes(quotes: Iterable[Quote]) -> list[WholeQuote]:
    """The quotes, each with those that continue it."""
    wholes: list[WholeQuote] = []
    for quote in quotes:
        if quote.continues and wholes:
            wholes[-1] = wholes[-1]._replace(end=quote.end)
        else:
            wholes.append(WholeQuote(quote, quote.start, quote.end))
    return wholes


class Overlaps:
    """Tells which quotes share words with one of these quotes."""

    def __init__(self, quotes: Iterable[Quote]) -> None:
        self._starts: dict[str, list[int]] = {}
        self._ends: dict[str, list[int]] = {}
        for quote in sorted(quotes, key=lambda quote: quote.start):
            starts, ends = self._starts.setdefault(quote.source, []), self._ends.setdefault(quote.source, [])
            if ends and quote.start < ends[-1]:
                ends[-1] = max(ends[-1], quote.end)
            else:
                starts.append(quote.start)
                ends.append(quote.end)

    def include(self, quote: Quote) -> bool:
        """Whether the quote shares words with one of them."""
        starts = self._starts.get(quote.source, [])
        before = bisect_left(starts, quote.end) - 1
        return before >= 0 and self._ends[quote.source][before] > quote.start
