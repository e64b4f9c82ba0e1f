"""Matches words in passages: in whole words, in order, and not beside their own negation."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from services.evidence.negations import is_beside_negation
from services.evidence.passages import Hit, PassageIndex, QuotablePassage
from services.evidence.proposals import Words
from services.evidence.word_boundaries import end_with_marks, is_word_border
from services.text.normalization import Span

_STOPS = frozenset(".,;:!?\u2026\u3002\uff0c\uff01\uff1f\u0964")


class Match(NamedTuple):
    """Words in a passage. `is_reversed`: right beside their own negation."""

    hit: Hit
    span: Span
    is_exact: bool
    is_reversed: bool

    @property
    def passage(self) -> QuotablePassage:
        return self.hit.passage

    @property
    def turn(self) -> int:
        return self.passage.turn_at(self.span.start)


def find_words(
    index: PassageIndex, words: Sequence[Words], *, near_turn: int | None, is_unique: bool = False
) -> list[Match]:
    """A match for each of the words, in order and in one passage, nearest to a turn.

    Empty where they do not occur, or, with `is_unique`, where they occur more than once. Where they occur only beside
    a negation, that match alone, which is reversed.
    """
    if near_turn is None:
        return _find_in_order(index, words, list(_matches(index.hits(words[0].form), words[0])), is_unique=is_unique)
    found = _find_in_turn(index, words, near_turn)
    if found and not found[-1].is_reversed:
        return found
    matches = _matches(index.hits(words[0].form), words[0])
    return _find_in_order(index, words, sorted(matches, key=lambda match: abs(match.turn - near_turn))) or found


def _find_in_turn(index: PassageIndex, words: Sequence[Words], turn: int) -> list[Match]:
    """The matches of words that begin in this turn."""
    passage = index.passage_of(turn)
    if passage is None:
        return []
    matches = _up_to_turn(turn, _matches(index.hits_in(passage, words[0].form), words[0]))
    return _find_in_order(index, words, [match for match in matches if match.turn == turn])


def _up_to_turn(number: int, matches: Iterable[Match]) -> Iterator[Match]:
    """The matches up to the first that is in this turn and not reversed."""
    for match in matches:
        yield match
        if match.turn == number and not match.is_reversed:
            return


def _find_in_order(
    index: PassageIndex, words: Sequence[Words], first: Sequence[Match], *, is_unique: bool = False
) -> list[Match]:
    """The first match of the first words that the other words follow, with theirs; else a reversed match."""
    usable = [match for match in first if not match.is_reversed]
    if is_unique and len(usable) > 1:
        return []
    reversed_matches = [match for match in first if match.is_reversed]
    for match in usable if len(words) == 1 else _first_of_each_passage(usable):
        matches = [match, *_matches_after(index, match, words[1:])]
        if matches[-1].is_reversed:
            reversed_matches.append(matches[-1])
        elif len(matches) == len(words):
            return matches
    return reversed_matches[:1]


def _matches_after(index: PassageIndex, match: Match, words: Sequence[Words]) -> Iterator[Match]:
    """Each of the words after the one before it. Ends early where one is missing or reversed."""
    hit = match.hit
    for piece in words:
        found = _first_usable(_matches(index.hits_in(hit.passage, piece.form, hit.end), piece))
        if found is None:
            return
        yield found
        if found.is_reversed:
            return
        hit = found.hit


def _first_usable(matches: Iterable[Match]) -> Match | None:
    """The first match that is not reversed, else the first of all."""
    reversed_match = None
    for match in matches:
        if not match.is_reversed:
            return match
        reversed_match = reversed_match or match
    return reversed_match


def _first_of_each_passage(matches: Sequence[Match]) -> list[Match]:
    firsts: dict[int, Match] = {}
    for match in sorted(matches, key=lambda match: match.span.start):
        firsts.setdefault(id(match.passage), match)
    return [match for match in matches if firsts[id(match.passage)] is match]


def _matches(hits: Iterable[Hit], words: Words) -> Iterator[Match]:
    """The hits at which the words occur as whole words."""
    for hit in hits:
        text = hit.passage.text
        span = _whole_words(text, hit.span)
        if span is None:
            continue
        is_reversed = is_beside_negation(text, span.start, span.end)
        cut = _with_stops(text, span, words)
        is_exact = text.startswith(words.written, cut.start) and cut.end - cut.start <= len(words.written)
        yield Match(hit, cut, is_exact, is_reversed)


def _whole_words(text: str, span: Span | None) -> Span | None:
    """The span with the marks that belong to its last character. None where it begins or ends inside a word."""
    if span is None:
        return None
    end = end_with_marks(text, span.end, len(text))
    is_whole = all(is_word_border(text, index, 0, len(text)) for index in (span.start, end))
    return Span(span.start, end) if is_whole else None


def _with_stops(text: str, span: Span, words: Words) -> Span:
    """The span with the punctuation behind it, where the model wrote some too."""
    end = span.end
    while words.written[-1:] in _STOPS and end < len(text) and text[end] in _STOPS:
        end += 1
    return Span(span.start, end)
