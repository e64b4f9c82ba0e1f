"""View of a debrief for the templates of the report."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

from services.evidence.agreement import Agreement
from services.evidence.debrief import Evidence, InterviewNumbers, Kind, Quote
from services.evidence.firmness import firmness, quote_count
from services.evidence.overlaps import Overlaps
from services.evidence.review import Decision, Rater
from services.evidence.sealing import ReadableDebrief
from services.evidence.times import without_fraction
from services.plan import Scale
from services.prompts.inputs import without_placeholder
from services.transcript.transcript import Role

SPEAKER_UNKNOWN = "speaker unknown"
_SECTIONS: tuple[tuple[str, Kind], ...] = (("Strengths", "strength"), ("Improvements", "improvement"))
_FEWEST_SHARED = 2
_MINUTE = 60


class Segment(NamedTuple):
    """A stretch of a quote."""

    text: str
    is_cut: bool
    """Whether the model chose these words of the sentences."""
    is_spaced: bool
    """Whether white space is between the stretch before and this one."""


class PrintedQuote(NamedTuple):
    """A quote as it is printed. The same sentences have the same number everywhere in the report."""

    number: int
    quote: Quote
    segments: Sequence[Segment]
    question: str
    """The question before it. Empty where the previous quote has the same question."""
    where: Sequence[str]
    """Turn, time, speaker and kind of match."""


class PeopleReview(NamedTuple):
    """What people have said about the interview, as far as the reader may see it."""

    raters: Sequence[Rater] = ()
    agreement: Sequence[Agreement] = ()
    """Empty for a reader who has not rated."""
    decision: Decision | None = None


class ReportView:
    """One debrief, arranged for reading."""

    def __init__(self, debrief: ReadableDebrief, people: PeopleReview) -> None:
        self.debrief = debrief
        self.people = people

    @property
    def candidate(self) -> str:
        briefing = self.debrief.original_briefing
        briefed = without_placeholder(briefing.candidate_name) if briefing else ""
        numbers = self.debrief.interview
        return briefed or (numbers and numbers.candidate) or ""

    @property
    def role(self) -> str:
        briefing = self.debrief.original_briefing
        return without_placeholder(briefing.role) if briefing else ""

    @property
    def interviewers(self) -> str:
        numbers = self.debrief.interview
        return " and ".join(numbers.interviewers) if numbers else ""

    @property
    def held_on(self) -> datetime | None:
        return self.debrief.interview.opened_at if self.debrief.interview else None

    @property
    def duration(self) -> str:
        """The duration in minutes; empty where it is not known."""
        seconds = self.debrief.interview.duration_seconds if self.debrief.interview else None
        return f"{max(1, round(seconds / _MINUTE))} min" if seconds else ""

    @property
    def is_by_elimination(self) -> bool:
        return any(speaker.by_elimination and speaker.role == "candidate" for speaker in self.debrief.speakers)

    @property
    def inferred_candidates(self) -> str:
        return ", ".join(speaker.label for speaker in self.debrief.speakers if speaker.by_elimination)

    @property
    def conversation(self) -> list[str]:
        """The numbers of the conversation in sentences."""
        numbers = self.debrief.interview
        return list(_conversation(numbers)) if numbers and numbers.words else []

    @cached_property
    def firmness(self) -> list[str]:
        return [] if self.debrief.sealed else firmness(self.debrief)

    @property
    def quote_count(self) -> str:
        return quote_count(self.debrief.grounding)

    @property
    def claims(self) -> list[tuple[str, list[Evidence]]]:
        return [(title, [claim for claim in self.debrief.evidence if claim.kind == kind]) for title, kind in _SECTIONS]

    @property
    def is_rated(self) -> bool:
        return any(row.rating is not None for row in self.debrief.scorecard)

    @staticmethod
    def levels(scale: Scale) -> Mapping[str, str]:
        """The texts of a scale by the number of the level."""
        return scale.levels.model_dump(by_alias=True)

    @property
    def not_assessed(self) -> list[str]:
        return [row.competency for row in self.debrief.scorecard if row.status == "not_assessed"]

    @cached_property
    def quotes_of_ratings_alone(self) -> list[Quote]:
        """Quotes that carry a rating and no claim."""
        if self.debrief.sealed:
            return self.debrief.other_quotes
        claimed = {_place_of(quote) for claim in self.debrief.evidence for quote in claim.quotes}
        return [quote for row in self.debrief.scorecard for quote in row.quotes if _place_of(quote) not in claimed]

    @property
    def has_quotes(self) -> bool:
        return bool(self._numbers)

    @property
    def has_normalized(self) -> bool:
        return any(quote.status == "normalized" for quote in self._quotes())

    @property
    def has_unknown_speaker(self) -> bool:
        return any(quote.speaker == "unknown" for quote in self._quotes())

    def numbers(self, quotes: Iterable[Quote]) -> list[int]:
        """The numbers of these quotes, each once."""
        return list(dict.fromkeys(self._numbers[_place_of(quote)] for quote in quotes))

    def printed(self, quotes: Iterable[Quote]) -> Iterator[PrintedQuote]:
        """The quotes as they are printed: the same sentences once, with all the words that were chosen of them."""
        by_place: dict[tuple[str, int, int], list[Quote]] = {}
        for quote in quotes:
            by_place.setdefault(_place_of(quote), []).append(quote)
        question = ""
        for place, same in by_place.items():
            asked = same[0].question or ""
            printed_question = "" if asked == question else asked
            yield PrintedQuote(self._numbers[place], same[0], _segments(same), printed_question, self._where(same[0]))
            question = asked

    @cached_property
    def _numbers(self) -> dict[tuple[str, int, int], int]:
        """Numbers in the order in which the report prints the quotes."""
        return {place: number for number, place in enumerate(dict.fromkeys(map(_place_of, self._quotes())), 1)}

    @cached_property
    def _rated(self) -> list[Overlaps]:
        return [Overlaps(row.quotes) for row in self.debrief.scorecard if row.rating is not None]

    def _quotes(self) -> Iterator[Quote]:
        for _, claims in self.claims:
            for claim in claims:
                yield from claim.quotes
        yield from self.quotes_of_ratings_alone

    def _where(self, quote: Quote) -> list[str]:
        carried = sum(overlaps.include(quote) for overlaps in self._rated)
        return [
            *_source(quote),
            quote.status,
            *(["a long sentence, shown in part"] if quote.truncated else []),
            *([f"carries {carried} ratings"] if carried >= _FEWEST_SHARED else []),
        ]


def _conversation(numbers: InterviewNumbers) -> Iterator[str]:
    yield f"Words: {_percentages(numbers.words)}."
    if numbers.seconds:
        yield f"Time: {_percentages(numbers.seconds)}."
    answer = numbers.longest_answer
    longest = f" Longest answer: {answer.words} words in turn {answer.turn}." if answer else ""
    yield f"Questions asked: {numbers.questions_asked}.{longest}"


def _percentages(amounts: Mapping[Role, float]) -> str:
    total = sum(amounts.values()) or 1
    ordered = sorted(amounts.items(), key=lambda item: -item[1])
    return ", ".join(f"{role} {amount / total:.0%}" for role, amount in ordered)


def _place_of(quote: Quote) -> tuple[str, int, int]:
    return quote.source, quote.start, quote.end


def _source(quote: Quote) -> list[str]:
    """The place of the quote, and its speaker."""
    if quote.source == "notes":
        return ["interviewer’s notes", f"characters {quote.start}–{quote.end}"]
    turn = [] if quote.turn is None else [f"turn {quote.turn}"]
    at = [without_fraction(quote.at)] if quote.at else []
    speaker = SPEAKER_UNKNOWN if quote.speaker in {None, "unknown"} else str(quote.speaker)
    return [*turn, *at, speaker]


def _segments(same: Sequence[Quote]) -> list[Segment]:
    """The sentences, with the chosen words apart where these are only a part."""
    text = same[0].text
    borders = [0]
    for start, end in sorted(map(_bare_cut, same)):
        borders += [max(start, borders[-1]), max(end, borders[-1])]
    stretches = [text[start:end] for start, end in pairwise((*borders, len(text)))]
    if not any(character.isalnum() for context in stretches[::2] for character in context):
        return [Segment(text, is_cut=False, is_spaced=False)]
    return [
        Segment(stretch.strip(), bool(number % 2), any(map(str.isspace, text[max(0, start - 1) : start + 1])))
        for number, (start, stretch) in enumerate(zip(borders, stretches, strict=True))
        if stretch.strip()
    ]


def _bare_cut(quote: Quote) -> tuple[int, int]:
    """The chosen words without punctuation around them, which no emphasis needs."""
    start, end = quote.cut.start, quote.cut.end
    while start < end and not quote.text[start].isalnum():
        start += 1
    while end > start and not quote.text[end - 1].isalnum():
        end -= 1
    return start, end
