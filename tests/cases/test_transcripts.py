"""Transcripts as people paste them: words have the right speaker, and uncertain speakers give a warning."""

import pytest

from tests.cases.harness import (
    check_evidence,
    check_ratings,
    check_status,
    check_turns,
    check_warnings,
    load_cases,
    read_turns,
    script_model,
    send,
)

CASES = load_cases("T")
READABLE = [case for case in CASES if case.values[0].expected["status"] == 200]


@pytest.mark.parametrize("case", CASES)
def test_status_and_detail_are_as_expected(case, client, vendors):
    model = script_model(vendors, case)

    _, response = send(client, case)

    check_status(case, response, model)


@pytest.mark.parametrize("case", READABLE)
def test_every_word_has_its_speaker_role_and_time(case, client, vendors):
    script_model(vendors, case)

    check_turns(case, read_turns(client, case))


@pytest.fixture
def debrief(case, client, vendors):
    script_model(vendors, case)
    _, response = send(client, case)
    return response.json()


@pytest.mark.parametrize("case", READABLE)
def test_only_the_candidates_words_are_evidence(case, debrief):
    check_evidence(case, debrief)


@pytest.mark.parametrize("case", READABLE)
def test_only_the_candidates_words_support_a_rating(case, debrief):
    check_ratings(case, debrief)


@pytest.mark.parametrize("case", READABLE)
def test_uncertain_speakers_give_a_warning(case, debrief):
    check_warnings(case, debrief)
