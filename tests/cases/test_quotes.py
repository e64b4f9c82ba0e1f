"""Quotes as models write them, and the reports, from public defect reports."""

import pytest

from tests.cases.quote_runner import Case, Outcome, cases, plain, run

EVERY = pytest.mark.parametrize("case", cases("Q", "R"), ids=lambda case: case.id)


@pytest.fixture
def outcome(case: Case, client, vendors) -> Outcome:
    return run(case, client, vendors)


@EVERY
def test_quotes_of_the_candidate_are_found_and_cut_from_the_source(case: Case, outcome: Outcome):
    pieces = [plain(quote["text"]) for quote in outcome.quotes() if quote["speaker"] == "candidate"]

    for said in map(plain, case.expected["evidence"]["must"]):
        parts = [piece for piece in pieces if piece in said]
        assert any(said in piece for piece in pieces) or said in "".join(dict.fromkeys(parts))


@EVERY
def test_the_chosen_words_are_marked_inside_whole_sentences(case: Case, outcome: Outcome):
    for quote in outcome.quotes():
        cut = quote["text"][quote["cut"]["start"] : quote["cut"]["end"]]
        assert cut
        assert quote["text"] in case.transcript


@EVERY
def test_claims_and_ratings_are_as_expected(case: Case, outcome: Outcome):
    expected = case.expected
    if "supported" in expected:
        assert outcome.debrief["grounding"]["claims_supported"] == expected["supported"]
        assert outcome.debrief["grounding"]["quotes_found"] == outcome.debrief["grounding"]["quotes_proposed"]
    if "rated" in expected:
        assert [row["rating"] is not None for row in outcome.debrief["scorecard"][:2]] == [True, False]


@EVERY
def test_report_contains_the_expected_text(case: Case, outcome: Outcome):
    for form, report in outcome.reports.items():
        assert all(text in report for text in case.expected["report"][form]["must"])
        assert not any(text in report for text in case.expected["report"][form]["never"])
