"""Names for which a candidate's meeting token was issued: their words are the candidate's, and the reason says why."""

import pytest

from tests.services.transcript.reading import parse, roles_of

REASON = "a candidate's meeting token was issued for this name"


def speak(*labels: str) -> str:
    return "\n".join(f"{label}: Hello there." for label in labels)


@pytest.mark.parametrize("label", ["Dario", "Dario (he/him)", "DARIO"])
def test_name_of_a_token_is_the_candidates(label):
    transcript = parse(speak("Nora Kim", label), None, ["Nora Kim"], token_names=["Dario"])

    assert [(each.role, each.because) for each in transcript.speakers] == [
        ("interviewer", "it is the interviewer's full name"),
        ("candidate", REASON),
    ]
    assert transcript.warnings == ()


def test_reason_is_the_name_where_room_and_token_have_the_same():
    transcript = parse(speak("Dario Vento"), "Dario Vento", token_names=["Dario Vento"])

    assert transcript.speakers[0].because == "it is the candidate's full name"


def test_reason_is_the_role_word_where_no_name_fits():
    transcript = parse(speak("Candidate"), "Dario Vento", token_names=["Dario"])

    assert transcript.speakers[0].because == "its label is a word for the candidate"


def test_two_names_that_joined_as_the_candidate_are_warned_of():
    transcript = parse(speak("Dario Vento", "Uma Ray"), "Dario Vento", token_names=["Dario Vento", "Uma Ray"])

    assert roles_of(transcript) == ["candidate", "candidate"]
    [warning] = transcript.warnings
    assert "“Dario Vento”, “Uma Ray” all count as the candidate, because “Uma Ray” joined" in warning
    assert "`speakers`" in warning


def test_name_that_joined_both_as_candidate_and_as_interviewer_is_no_evidence():
    transcript = parse(speak("Nora Kim"), None, ["Nora Kim"], token_names=["Nora Kim"])

    assert roles_of(transcript) == ["interviewer"]
    assert not transcript.has_candidate


def test_mapping_of_the_request_wins_over_a_token():
    transcript = parse(speak("Dario", "Uma"), None, [], {"Uma": "other"}, token_names=["Dario", "Uma"])

    assert roles_of(transcript) == ["candidate", "other"]
    assert transcript.warnings == ()
