"""From ratings to a recommendation."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.evidence.scoring import RULES, rules_as_markdown, score

RATINGS = st.lists(st.integers(1, 5), min_size=1, max_size=60)
ORDER = ["No Hire", "Leaning No Hire", "Leaning Hire", "Hire", "Strong Hire"]


@pytest.mark.parametrize(
    ("ratings", "recommendation"),
    [
        ([5, 5, 5, 5], "Strong Hire"),
        ([5, 4, 4, 4], "Strong Hire"),
        ([4, 4, 4, 4], "Hire"),
        ([5, 5, 5, 2], "Hire"),
        ([5, 5, 4, 3], "Strong Hire"),
        ([5, 5, 5, 1], "Leaning Hire"),
        ([4, 3], "Hire"),
        ([5, 5, 3, 1], "Leaning Hire"),
        ([4, 4, 3, 2], "Leaning Hire"),
        ([3, 3, 3], "Leaning Hire"),
        ([3, 3, 2], "Leaning No Hire"),
        ([3, 2, 2, 2], "Leaning No Hire"),
        ([2, 2, 2, 2], "No Hire"),
        ([3, 2, 2, 1], "No Hire"),
        ([1], "No Hire"),
        ([5] * 16 + [4] * 3 + [3], "Strong Hire"),
        ([4] * 39 + [5] * 13 + [4], "Hire"),
        ([3, 4, None, None], "Hire"),
        ([5, None, None], "N/A"),
        ([5, 5, None, None, None], "N/A"),
        ([None, None], "N/A"),
        ([], "N/A"),
    ],
)
def test_ratings_give_the_published_recommendation(ratings, recommendation):
    assert score(ratings)[0] == recommendation


def test_a_mean_just_below_a_border_that_rounds_to_it_does_not_reach_it():
    recommendation, result = score([4] * 40 + [5] * 13)

    assert Fraction(225, 53) < Fraction("4.25")
    assert (recommendation, result.mean) == ("Hire", 4.25)


def test_the_score_gives_mean_counts_and_rule():
    _, result = score([4, 3, None, 4])

    assert (result.mean, result.assessed, result.total) == (3.67, 3, 4)
    assert result.rule == "Mean of at least 3.5 and no 1"


@pytest.mark.parametrize(
    ("ratings", "rule"),
    [([], "No competency was assessed"), ([5, None, None], "Fewer than half of the competencies were assessed")],
)
def test_without_a_recommendation_the_rule_says_why(ratings, rule):
    assert score(ratings)[1].rule == rule


@pytest.mark.parametrize(
    ("ratings", "rule"),
    [
        ([5, 5, 5, 1], "Mean of at least 3.0; a rating of 1 rules out Hire"),
        ([5, 5, 5, 5, 5, 5, 5, 1], "Mean of at least 3.0; a rating of 1 rules out Strong Hire and Hire"),
        ([5, 5, 5, 5, 2], "Mean of at least 3.5 and no 1; a rating of 2 rules out Strong Hire"),
    ],
)
def test_a_rating_that_rules_out_a_better_recommendation_is_named(ratings, rule):
    assert score(ratings)[1].rule == rule


def test_with_recommendations_switched_off_the_mean_is_kept():
    recommendation, result = score([5, 5], is_recommending=False)

    assert recommendation == "N/A"
    assert (result.mean, result.rule) == (5.0, "Recommendations are switched off on this server")


@pytest.mark.parametrize("rating", [0, 6, -1])
def test_a_rating_off_the_scale_is_refused(rating):
    with pytest.raises(ValueError, match="from 1 to 5"):
        score([3, rating])


@given(RATINGS)
def test_the_order_of_the_competencies_does_not_matter(ratings):
    assert score(ratings) == score(sorted(ratings))


@given(RATINGS, st.integers(0, 59))
def test_a_better_rating_never_gives_a_worse_recommendation(ratings, place):
    better = [*ratings]
    better[place % len(ratings)] = min(5, better[place % len(ratings)] + 1)

    assert ORDER.index(score(better)[0]) >= ORDER.index(score(ratings)[0])


@given(st.lists(st.none() | st.integers(1, 5), max_size=30))
def test_there_is_a_recommendation_exactly_where_half_are_assessed(ratings):
    assessed = len(ratings) - ratings.count(None)

    assert (score(ratings)[0] != "N/A") == (assessed > 0 and 2 * assessed >= len(ratings))


def test_the_printed_rules_are_those_that_apply():
    printed = rules_as_markdown()

    assert printed.splitlines()[0] == "| ratings | recommendation |"
    assert all(f"| {rule.words} | {rule.recommendation} |" in printed for rule in RULES)
    assert printed.splitlines()[-1] == "| Fewer than half of the competencies were assessed | N/A |"
