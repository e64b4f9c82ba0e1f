"""What a recommendation depends on, against brute force."""

from hypothesis import given
from hypothesis import strategies as st

from services.evidence.debrief import Quote, ScorecardRow
from services.evidence.firmness import firmness
from services.evidence.scoring import recommend
from services.evidence.sensitivity import analyse, shared_quote_warnings
from tests.services.evidence import debriefs

PLACES = st.tuples(st.integers(0, 12), st.integers(1, 4), st.sampled_from(["transcript", "notes"]))


def quote_at(place: tuple[int, int, str]) -> Quote:
    start, length, source = place
    return debriefs.quote("x" * length, 1, start=start, end=start + length, source=source)


@st.composite
def scorecards(draw) -> list[ScorecardRow]:
    rows = []
    for number in range(draw(st.integers(0, 6))):
        places = draw(st.lists(PLACES, max_size=3, unique=True))
        rating = draw(st.integers(1, 5)) if places else None
        rows.append(debriefs.row(f"Skill {number}", rating, "", *map(quote_at, places)))
    return rows


def recommendation(ratings: list[int | None]) -> str:
    return recommend(ratings).recommendation


def overlap(one: Quote, other: Quote) -> bool:
    return one.source == other.source and one.start < other.end and other.start < one.end


@given(scorecards())
def test_range_covers_all_ratings_of_unassessed_competencies(scorecard):
    ratings = [row.rating for row in scorecard]

    lowest, highest = analyse(scorecard).range

    assert lowest == recommendation([rating or 1 for rating in ratings])
    assert highest == recommendation([rating or 5 for rating in ratings])


@given(scorecards())
def test_quotes_hinged_on_are_exactly_those_whose_removal_changes_the_recommendation(scorecard):
    ratings = [row.rating for row in scorecard]
    expected = set()
    for quote in {quote for row in scorecard for quote in row.quotes}:
        kept = [[other for other in row.quotes if not overlap(quote, other)] for row in scorecard]
        left = [row.rating if quotes else None for row, quotes in zip(scorecard, kept, strict=True)]
        if recommendation(left) != recommendation(ratings):
            fallen = {row.competency for row, quotes in zip(scorecard, kept, strict=True) if row.quotes and not quotes}
            place = (quote.source, quote.start, quote.end)
            expected |= {(competency, place, recommendation(left)) for competency in fallen}

    hinges = [hinge for hinge in analyse(scorecard).hinges_on if hinge.quote]

    found = [(h.competency, (h.quote.source, h.quote.start, h.quote.end), h.without) for h in hinges]
    assert set(found) == expected
    assert len(found) == len(expected)


@given(scorecards())
def test_ratings_hinged_on_are_exactly_those_whose_removal_changes_the_recommendation(scorecard):
    ratings = [row.rating for row in scorecard]
    removals = {
        row.competency: recommendation([*ratings[:number], None, *ratings[number + 1 :]])
        for number, row in enumerate(scorecard)
    }

    hinges = {hinge.competency: hinge.without for hinge in analyse(scorecard).hinges_on if hinge.quote is None}

    assert hinges == {name: without for name, without in removals.items() if without != recommendation(ratings)}


@given(scorecards())
def test_next_are_exactly_the_smallest_single_changes_that_change_the_recommendation(scorecard):
    ratings = [row.rating for row in scorecard]
    changes = {
        (row.competency, row.rating, to, recommendation([*ratings[:number], to, *ratings[number + 1 :]]))
        for number, row in enumerate(scorecard)
        if row.rating is not None
        for to in range(1, 6)
    }
    effective = {change for change in changes if change[3] != recommendation(ratings)}
    smallest = min((abs(change[2] - change[1]) for change in effective), default=0)

    found = analyse(scorecard).next

    listed = [(change.competency, change.from_, change.to, change.recommendation) for change in found]
    assert set(listed) == {change for change in effective if abs(change[2] - change[1]) == smallest}
    assert len(listed) == len(set(listed))


def test_one_quote_under_all_ratings_is_removed_from_all_of_them():
    shared = debriefs.quote("We did it all as a team.", 2)
    scorecard = [debriefs.row(name, 4, "", shared) for name in ("SQL", "Go")]

    hinges = [(hinge.competency, hinge.without) for hinge in analyse(scorecard).hinges_on if hinge.quote]

    assert hinges == [("SQL", "N/A"), ("Go", "N/A")]


def test_report_names_several_deciding_quotes_of_one_turn_once():
    quotes = [debriefs.quote("I led it all alone.", 2, start=10), debriefs.quote("I measured it.", 2, start=30)]
    scorecard = [debriefs.row(name, 4, "", each) for name, each in zip(("SQL", "Go"), quotes, strict=True)]
    scorecard.append(debriefs.row("C", None, ""))

    first, *_ = firmness(debriefs.debrief(**debriefs.scored(scorecard)))

    assert first == (
        "This recommendation rests on each of 2 quotes: without one of the 2 at 00:02:31, no recommendation (N/A)."
    )


def test_report_of_an_interview_without_any_rating_names_all_competencies():
    scorecard = [debriefs.row(name, None, "") for name in ("SQL", "Go", "C")]

    sentences = firmness(debriefs.debrief(**debriefs.scored(scorecard)))

    assert sentences == ["If all 3 competencies had been assessed: between No Hire and Strong Hire."]


def test_a_quote_in_two_pieces_is_removed_as_one():
    first = debriefs.quote("We moved two million invoices to the", 2)
    second = debriefs.quote("new region without an outage.", 4, continues=True)
    scorecard = [debriefs.row("SQL", 4, "", first, second)]

    hinges = [hinge.quote.text for hinge in analyse(scorecard).hinges_on if hinge.quote]

    assert hinges == [first.text]


def test_overlapping_quotes_of_one_turn_give_one_warning():
    first = debriefs.quote("We did it all. It was hard.", 2, start=0, end=27)
    second = debriefs.quote("We did it all.", 2, start=0, end=14)
    scorecard = [debriefs.row("SQL", 4, "", first), debriefs.row("Go", 4, "", second)]

    assert list(shared_quote_warnings(scorecard)) == ["One quote carries 2 of 2 ratings: turn 2 at 00:02:31."]


def test_quote_that_supports_half_of_the_ratings_is_named():
    shared = debriefs.quote("We did it all as a team.", 2, at="00:14:10.500")
    other = debriefs.quote("I measured it for a year.", 9)
    noted = debriefs.quote("Strong on SQL.", None, source="notes", speaker=None, start=0, end=14)
    rows = [debriefs.row(name, 4, "", shared, noted) for name in ("SQL", "Go")]

    warnings = list(shared_quote_warnings([*rows, debriefs.row("C", 4, "", other)]))

    assert warnings == [
        "One quote carries 2 of 3 ratings: turn 2 at 00:14:10.",
        "One quote carries 2 of 3 ratings: characters 0 to 14 of the notes.",
    ]
    assert list(shared_quote_warnings([*rows, *[debriefs.row(str(n), 3, "", other) for n in range(3)]])) == [
        "One quote carries 3 of 5 ratings: turn 9 at 00:09:31."
    ]
