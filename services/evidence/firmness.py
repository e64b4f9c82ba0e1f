"""Sentences of the report about how firm a recommendation is, and how many quotes were found."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from services.evidence.debrief import Debrief, Grounding, Hinge, Quote, RatingChange, RefusalReason, Score
from services.evidence.sentences import sentences_in
from services.evidence.times import without_fraction
from services.text.normalization import Span

_MOST_NAMED = 3
_REFUSALS: dict[RefusalReason, str] = {
    "not_found": "not in the transcript or the notes",
    "wrong_speaker": "not the candidate's words",
    "no_such_turn": "from a turn that does not exist",
    "too_short": "too short to prove anything",
    "reversed": "cut off beside a negation",
}
_POINTS = {1: "One point", 2: "Two points", 3: "Three points", 4: "Four points"}


def firmness(debrief: Debrief) -> list[str]:
    """Sentences about what the recommendation depends on. Empty where that was not computed."""
    score = debrief.score
    if score.range is None or debrief.basis == "none":
        return []
    missing = [row.competency for row in debrief.scorecard if row.rating is None]
    sentences = [*_if_assessed(missing, score)] if score.range != ("N/A", "N/A") else []
    if debrief.recommendation == "N/A":
        return sentences
    hinges = score.hinges_on or []
    return [
        *(_hinge_sentences(hinges) or ["No single quote or rating decides it."]),
        *sentences,
        _next(score.next or []),
    ]


def quote_count(grounding: Grounding) -> str:
    """Proposed, found and refused quotes, as in `6 quotes proposed, 5 found, 1 not the candidate's words`."""
    counts = [f"{grounding.quotes_proposed} quotes proposed", f"{grounding.quotes_found} found"]
    refused = grounding.refused
    if refused:
        counts += [f"{count} {words}" for reason, words in _REFUSALS.items() if (count := getattr(refused, reason))]
    return ", ".join(counts)


def _hinge_sentences(hinges: Sequence[Hinge]) -> list[str]:
    quotes = {(hinge.quote.source, hinge.quote.start): hinge for hinge in hinges if hinge.quote}
    rest_on_quotes = {(hinge.competency, hinge.without) for hinge in hinges if hinge.quote}
    ratings = [hinge for hinge in hinges if not hinge.quote and (hinge.competency, hinge.without) not in rest_on_quotes]
    return [*_quote_hinges(list(quotes.values())), *_rating_hinges(ratings)]


def _quote_hinges(hinges: Sequence[Hinge]) -> Iterator[str]:
    if len(hinges) == 1 and hinges[0].quote:
        quote = hinges[0].quote
        yield (
            f"This recommendation rests on one {_kind(quote)} ({place(quote)}): without it, {_name(hinges[0].without)}."
        )
    elif hinges:
        ways = Counter((place(hinge.quote), _name(hinge.without)) for hinge in hinges if hinge.quote)
        sentences = [f"without {_one_of(count)} at {where}, {outcome}" for (where, outcome), count in ways.items()]
        yield f"This recommendation rests on each of {len(hinges)} quotes: {_some(sentences)}."


def _one_of(count: int) -> str:
    return "the one" if count == 1 else f"one of the {count}"


def _rating_hinges(hinges: Sequence[Hinge]) -> Iterator[str]:
    if hinges:
        ways = [f"without {hinge.competency}, {_name(hinge.without)}" for hinge in hinges]
        yield f"It depends on {'a single rating' if len(hinges) == 1 else 'single ratings'}: {_some(ways)}."


def _if_assessed(missing: Sequence[str], score: Score) -> Iterator[str]:
    if not missing or score.range is None:
        return
    several = f"{'all' if len(missing) == score.total else 'the other'} {len(missing)} competencies"
    which = " and ".join(missing) if len(missing) < _MOST_NAMED else several
    lowest, highest = score.range
    outcome = f"still {lowest}" if lowest == highest else f"between {lowest} and {highest}"
    yield f"If {which} had been assessed: {outcome}."


def _next(changes: Sequence[RatingChange]) -> str:
    if not changes:
        return "No change of a single rating would change it."
    points = abs(changes[0].to - changes[0].from_)
    ways = [
        f"{change.competency} {change.from_} → {change.to} gives {_name(change.recommendation)}" for change in changes
    ]
    return f"{_POINTS[points]} in one rating would change it: {_some(ways)}."


def place(quote: Quote) -> str:
    """The time of a quote, else its turn, else the notes."""
    if quote.at:
        return without_fraction(quote.at)
    return "the notes" if quote.turn is None else f"turn {quote.turn}"


def _kind(quote: Quote) -> str:
    sentences = list(sentences_in(quote.text, Span(0, len(quote.text))))
    return "sentence" if len(sentences) == 1 else "quote"


def _name(recommendation: str) -> str:
    return "no recommendation (N/A)" if recommendation == "N/A" else recommendation


def _some(ways: Iterable[str]) -> str:
    listed = list(ways)
    more = f"; and {len(listed) - _MOST_NAMED} more" if len(listed) > _MOST_NAMED else ""
    return "; ".join(listed[:_MOST_NAMED]) + more
