"""People beside the model: the differences of tables that were computed by hand."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.evidence.agreement import compare
from services.evidence.review import CompetencyRating, Submission
from tests.services.evidence.debriefs import row
from tests.services.evidence.sample_quotes import MENTORING

AT = datetime(2026, 11, 26, 10, 0, tzinfo=UTC)


def submission(rater, number=1, **ratings):
    return Submission(
        rater=rater,
        number=number,
        submitted_at=AT,
        after_reveal=number > 1,
        independent=number == 1,
        recommendation=None,
        ratings=[CompetencyRating(competency=name, rating=rating) for name, rating in ratings.items()],
    )


BY_HAND = {
    "one person agrees": ([4], 4, 4.0, 0.0, None, False),
    "one person is a point higher": ([5], 4, 5.0, 1.0, None, True),
    "one person is two points lower": ([2], 4, 2.0, -2.0, None, True),
    "two people differ and meet the model between them": ([3, 5], 4, 4.0, 0.0, 2, True),
    "three people, a third of a point above the model": ([4, 4, 5], 4, 4.33, 0.33, 1, True),
    "two people agree": ([4, 4], 4, 4.0, 0.0, 0, False),
    "two thirds below": ([1, 1, 2], 2, 1.33, -0.67, 1, True),
    "a person who could not assess it does not count": ([None, 3], 3, 3.0, 0.0, None, False),
    "no person could assess it": ([None, None], 3, None, None, None, False),
    "the model could not assess it": ([4, 2], None, 3.0, None, 2, True),
    "no person rated": ([], 3, None, None, None, False),
}


@pytest.mark.parametrize(
    ("people", "model", "mean", "difference", "spread", "to_discuss"), BY_HAND.values(), ids=BY_HAND
)
def test_a_row_is_as_computed_by_hand(people, model, mean, difference, spread, to_discuss):
    submissions = [submission(f"rater {number}", Compilers=rating) for number, rating in enumerate(people)]

    [result] = compare([row("Compilers", model, "")], submissions)

    assert [person.rating for person in result.people] == people
    assert (result.mean, result.model, result.difference, result.spread) == (mean, model, difference, spread)
    assert result.to_discuss is to_discuss


def test_later_submissions_do_not_count():
    submissions = [submission("ada", Compilers=2), submission("ada", 2, Compilers=5)]

    [result] = compare([row("Compilers", 5, "")], submissions)

    assert (result.mean, result.difference) == (2.0, -3.0)


def test_rows_have_the_quotes_of_the_model_and_competencies_of_people_alone_come_last():
    said = MENTORING

    rows = compare([row("Mentoring", 3, "", said)], [submission("ada", Linkers=4, mentoring=3)])

    assert [(one.competency, one.model, one.quotes) for one in rows] == [
        ("Mentoring", 3, [said]),
        ("Linkers", None, []),
    ]


RATINGS = st.none() | st.integers(1, 5)


@given(people=st.lists(RATINGS, max_size=6), model=RATINGS)
def test_the_order_of_people_does_not_matter_and_values_stay_in_range(people, model):
    scorecard = [row("Compilers", model, "")]
    ordered = [submission(f"rater {number}", Compilers=rating) for number, rating in enumerate(people)]

    [one], [other] = compare(scorecard, ordered), compare(scorecard, ordered[::-1])

    assert (one.mean, one.difference, one.spread, one.to_discuss) == (
        other.mean,
        other.difference,
        other.spread,
        other.to_discuss,
    )
    assert one.mean is None or 1 <= one.mean <= 5
    assert one.difference is None or -4 <= one.difference <= 4
    assert one.spread is None or 0 <= one.spread <= 4
