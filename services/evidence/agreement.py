"""How far people and the model agree, competency by competency. Pure arithmetic, from the sealed first submissions."""

from collections.abc import Iterable, Sequence
from fractions import Fraction

from services.evidence.debrief import Quote, ScorecardRow
from services.evidence.review import Submission
from services.text.fields import ResponseModel
from services.text.normalization import normalize

POINTS_TO_DISCUSS = 1


class PersonRating(ResponseModel):
    """One person's first rating of a competency."""

    rater: str
    rating: int | None


class Agreement(ResponseModel):
    """What people and the model say about one competency."""

    competency: str
    people: list[PersonRating]
    """Everyone who named the competency in the first submission."""
    mean: float | None
    """Mean of the people's ratings, rounded to two places; null where there is none."""
    model: int | None
    """The rating of the latest debrief; null where it has none."""
    difference: float | None
    """`mean` minus `model`, rounded to two places; null where one of them is missing."""
    spread: int | None
    """Highest minus lowest of the people's ratings; null where fewer than two gave one."""
    to_discuss: bool
    """Whether people differ among each other, or on average from the model, by a point or more."""
    quotes: list[Quote]
    """What the model's rating rests on."""


def compare(scorecard: Sequence[ScorecardRow], submissions: Iterable[Submission]) -> list[Agreement]:
    """One row for each competency of the scorecard, then for each that only people rated.

    Submissions after the first of a rater are left out: they were made with the others' ratings in view.
    """
    rows = {normalize(row.competency): row for row in scorecard}
    names = {key: row.competency for key, row in rows.items()}
    people: dict[str, list[PersonRating]] = {}
    for submission in submissions:
        for rating in () if submission.after_reveal else submission.ratings:
            key = normalize(rating.competency)
            names.setdefault(key, rating.competency)
            people.setdefault(key, []).append(PersonRating(rater=submission.rater, rating=rating.rating))
    return [_agreement(name, rows.get(key), people.get(key, [])) for key, name in names.items()]


def _agreement(competency: str, row: ScorecardRow | None, people: list[PersonRating]) -> Agreement:
    given = [person.rating for person in people if person.rating is not None]
    model = row.rating if row else None
    mean = Fraction(sum(given), len(given)) if given else None
    difference = mean - model if mean is not None and model is not None else None
    spread = max(given) - min(given) if len(given) > 1 else None
    return Agreement(
        competency=competency,
        people=people,
        mean=_rounded(mean),
        model=model,
        difference=_rounded(difference),
        spread=spread,
        to_discuss=abs(difference or Fraction()) >= POINTS_TO_DISCUSS or (spread or 0) >= POINTS_TO_DISCUSS,
        quotes=row.quotes if row else [],
    )


def _rounded(number: Fraction | None) -> float | None:
    return None if number is None else float(round(number, 2))
