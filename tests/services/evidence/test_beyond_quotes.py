"""Claims that have a number or a proper name which none of their quotes contains."""

import pytest

from services.evidence.beyond_quotes import QuotedFacts
from services.evidence.number_words import numbers_in

QUOTES = ["I moved two million invoices from Oracle to Postgres at Acme in thirty-eight minutes."]


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("1,500 rows and 1.500.000 more", {1500, 1_500_000}),
        ("1.5 and 1,5", {1.5}),
        ("thirty-eight minutes, not forty", {38, 40}),
        ("two million, 2 million and 2,000,000", {2_000_000}),
        ("two hundred five and a dozen", {205, 12}),
        ("five ten twenty", {5, 10, 20}),
        ("one of us, one hundred", {100}),
        ("24/7 in 2019-2020", {24, 7, 2019, 2020}),
        ("S3, K8s and v2", set()),
        ("nothing to count", set()),
    ],
)
def test_numbers_are_read_in_digits_and_in_english_words(text, numbers):
    assert numbers_in(text) == numbers


@pytest.mark.parametrize(
    "claim",
    [
        "Moved 2 million invoices in 38 minutes",
        "Moved two million invoices to PostgreSQL",
        "Knows Oracle's tools",
        "Led the move. Then rested",
        "Shows System design",
        "Maya Lindqvist led it",
        "I led it",
        "Leitete mit Erfolg die Migration der Rechnungen",
        "担当した",
    ],
)
def test_a_claim_whose_numbers_and_names_are_quoted_or_known_does_not_go_beyond(claim):
    assert not QuotedFacts(QUOTES, ["Maya Lindqvist", "System design"]).lack_something_in(claim)


@pytest.mark.parametrize(
    "claim",
    [
        "Moved 3 million invoices",
        "Moved twelve million invoices",
        "Cut the time by 40 percent",
        "Worked for Stripe on it",
        "Knows the AWS console",
        "Moved it to MySQL",
        "Used K8s in production",
        "Leitete die Migration nach PostGIS und MySQL",
    ],
)
def test_a_claim_with_a_number_or_name_that_is_not_quoted_goes_beyond(claim):
    assert QuotedFacts(QUOTES, ["Maya Lindqvist"]).lack_something_in(claim)
