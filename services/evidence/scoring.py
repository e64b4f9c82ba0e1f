"""The recommendation, computed from ratings by published rules. No text takes part in it.

`RULES` is the one table of the rules; the README prints it with `rules_as_markdown`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from services.evidence.debrief import Recommendation, Score


@dataclass(frozen=True, slots=True)
class Rule:
    """Applies where the mean is at least `least_mean` and no rating is below `lowest`."""

    recommendation: Recommendation
    least_mean: Fraction
    lowest: int
    words: str

    def applies(self, mean: Fraction, ratings: Sequence[int]) -> bool:
        return mean >= self.least_mean and min(ratings) >= self.lowest


RULES = (
    Rule("Strong Hire", Fraction("4.25"), 3, "Mean of at least 4.25 and nothing below 3"),
    Rule("Hire", Fraction("3.5"), 2, "Mean of at least 3.5 and no 1"),
    Rule("Leaning Hire", Fraction(3), 1, "Mean of at least 3.0"),
    Rule("Leaning No Hire", Fraction("2.25"), 1, "Mean of at least 2.25"),
    Rule("No Hire", Fraction(1), 1, "Mean below 2.25"),
)
"""The first rule that applies decides."""

NOTHING_ASSESSED = "No competency was assessed"
TOO_FEW_ASSESSED = "Fewer than half of the competencies were assessed"
SWITCHED_OFF = "Recommendations are switched off on this server"


class Recommended(NamedTuple):
    """A recommendation, and the rule behind it in words."""

    recommendation: Recommendation
    rule: str


def recommend(ratings: Sequence[int | None]) -> Recommended:
    """The recommendation for ratings from 1 to 5, one for each competency; None where it was not assessed.

    Raises ValueError for a rating outside 1 to 5.
    """
    assessed = _assessed(ratings)
    if not assessed:
        return Recommended("N/A", NOTHING_ASSESSED)
    if 2 * len(assessed) < len(ratings):
        return Recommended("N/A", TOO_FEW_ASSESSED)
    mean = Fraction(sum(assessed), len(assessed))
    rule = next(rule for rule in RULES if rule.applies(mean, assessed))
    missed = [better.recommendation for better in RULES[: RULES.index(rule)] if mean >= better.least_mean]
    because = f"; a rating of {min(assessed)} rules out {' and '.join(missed)}" if missed else ""
    return Recommended(rule.recommendation, rule.words + because)


def score(ratings: Sequence[int | None], *, is_recommending: bool = True) -> tuple[Recommendation, Score]:
    """The recommendation and how it was computed. Raises ValueError for a rating outside 1 to 5."""
    assessed = _assessed(ratings)
    recommendation, rule = recommend(ratings) if is_recommending else Recommended("N/A", SWITCHED_OFF)
    mean = float(round(Fraction(sum(assessed), len(assessed)), 2)) if assessed else None
    return recommendation, Score(mean=mean, assessed=len(assessed), total=len(ratings), rule=rule)


def rules_as_markdown() -> str:
    """The rules as the README prints them."""
    rows = [(rule.words, rule.recommendation) for rule in RULES] + [(TOO_FEW_ASSESSED, "N/A")]
    return "\n".join(("| ratings | recommendation |", "|---|---|", *(f"| {words} | {name} |" for words, name in rows)))


def _assessed(ratings: Sequence[int | None]) -> list[int]:
    assessed = [rating for rating in ratings if rating is not None]
    if any(not 1 <= rating <= 5 for rating in assessed):
        raise ValueError("a rating is a whole number from 1 to 5")
    return assessed
