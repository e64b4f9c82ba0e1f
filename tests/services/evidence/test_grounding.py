"""What is left of a model's debrief after the check: nothing without a found quote."""

import pytest

from services.evidence.grounding import (
    NO_CANDIDATE,
    NO_QUOTE_FOUND,
    NO_QUOTE_PROPOSED,
    NOT_ASSESSED,
    NOT_RATED,
    NOTHING_FOUND,
    REASON_LEFT_OUT,
    SUMMARY_SHORTENED,
    VERDICT_REMOVED,
)
from services.evidence.model_answer import ModelRating, ModelSentence
from services.evidence.quotes import Stopped
from services.transcript.transcript import Transcript, parse_transcript
from tests.services.evidence.answers import (
    ASKED,
    CUT,
    INVENTED,
    LED,
    NOTED,
    NOTES,
    check,
    claim,
    quote,
    rating,
    texts,
)


def test_a_claim_keeps_the_quotes_that_were_found():
    checked = check(claim("Led a migration", LED, INVENTED, NOTED))

    (evidence,) = checked.evidence
    assert texts(evidence.quotes) == ["I led the migration of billing.", NOTES]
    assert checked.unsupported == []


@pytest.mark.parametrize("quotes", [(), (INVENTED,), (ASKED,), (quote("I led no migration at all", 99),)])
def test_a_claim_without_a_found_quote_is_unsupported_and_nowhere_else(quotes):
    checked = check(
        claim("Led everything here", *quotes),
        claim("Cut costs", CUT),
        rating(4, CUT, rationale="Led everything here. Cut costs."),
        ModelSentence(text="Led everything here.", evidence=(CUT,)),
        questions=["Led everything here?", "How were costs cut?"],
    )

    assert [entry.claim for entry in checked.unsupported] == ["Led everything here"]
    assert [entry.claim for entry in checked.evidence] == ["Cut costs"]
    assert checked.scorecard[0].rationale == "Cut costs."
    assert checked.summary == "Strengths: Cut costs."
    assert checked.follow_up_questions == ["How were costs cut?"]


def test_quotes_and_refusals_are_counted_by_reason():
    checked = check(
        claim("Led a migration", LED, INVENTED),
        claim("Saved the company", INVENTED, quote("saved it all for good", 9), quote("billing")),
        rating(4, CUT, ASKED),
        ModelSentence(text="Led it.", evidence=(LED,)),
    )

    assert checked.grounding.model_dump() == {
        "quotes_proposed": 8,
        "quotes_found": 3,
        "refused": {"not_found": 2, "wrong_speaker": 1, "no_such_turn": 1, "too_short": 1, "reversed": 0},
        "claims_supported": 1,
        "claims_total": 2,
        "claims_beyond_quotes": 0,
    }


def test_a_quote_of_two_pieces_counts_as_one_and_is_shown_as_two():
    checked = check(claim("Led it", quote("I led the migration … We cut costs by half")))

    assert texts(checked.evidence[0].quotes) == ["I led the migration of billing.", "We cut costs by half."]
    assert checked.grounding.quotes_found == 1


def test_a_claim_made_twice_is_one_with_the_quotes_of_both():
    checked = check(claim("Led a migration.", LED), claim("led  a migration", LED, CUT))

    (evidence,) = checked.evidence
    assert len(evidence.quotes) == 2


@pytest.mark.parametrize("is_reversed", [False, True])
def test_a_claim_made_with_and_without_support_is_one_and_supported(is_reversed):
    claims = [claim("Led a migration", LED), claim("LED a migration", INVENTED, kind="improvement")]

    checked = check(*(reversed(claims) if is_reversed else claims))

    assert [(entry.claim, entry.kind) for entry in checked.evidence] == [("Led a migration", "strength")]
    assert checked.unsupported == []


def test_a_claim_that_contains_an_unsupported_claim_is_unsupported_too():
    checked = check(claim("Saved the company", INVENTED), claim("Led it and saved the company", LED))

    assert checked.evidence == []
    assert len(checked.unsupported) == 2


def test_empty_claim_is_not_counted():
    assert check(claim(" \u202e", LED)).grounding.claims_total == 0


@pytest.mark.parametrize(
    ("text", "goes_beyond"),
    [("Led the billing migration", False), ("Led 12 migrations", True), ("Moved it to Oracle", True)],
)
def test_a_claim_with_a_number_or_name_that_is_not_quoted_is_marked_and_counted(text, goes_beyond):
    checked = check(claim(text, LED))

    assert checked.evidence[0].goes_beyond_quotes == goes_beyond
    assert checked.grounding.claims_beyond_quotes == goes_beyond


def test_names_of_people_and_competencies_need_no_quote():
    checked = check(claim("Shows that Ada knows SQL", LED), known_names=["Ada Okafor"])

    assert not checked.evidence[0].goes_beyond_quotes


def test_the_same_sentence_for_a_strength_and_an_improvement_is_marked():
    checked = check(
        claim("Led it", LED),
        claim("Led little", quote("the migration of billing"), kind="improvement"),
        claim("Cut", CUT),
    )

    assert [entry.shares_quote_with_other_kind for entry in checked.evidence] == [True, True, False]


def test_a_rating_with_a_found_quote_is_assessed():
    (row,) = check(rating(4, LED, rationale="Led it.")).scorecard

    assert (row.rating, row.status, row.rationale) == (4, "assessed", "Led it.")
    assert texts(row.quotes) == ["I led the migration of billing."]


@pytest.mark.parametrize(
    ("value", "quotes", "reason"),
    [
        (5, (), NOT_ASSESSED),
        (5, (INVENTED,), NOT_ASSESSED),
        (5, (ASKED,), NOT_ASSESSED),
        (None, (LED,), NOT_RATED),
        (0, (LED,), NOT_RATED),
        (6, (LED,), NOT_RATED),
    ],
)
def test_a_rating_without_a_found_quote_is_null_and_its_reason_is_not_shown(value, quotes, reason):
    proposed = ModelRating.model_construct(competency=1, rating=value, rationale="Outstanding.", evidence=quotes)

    (row,) = check(proposed).scorecard

    assert (row.rating, row.status, row.rationale, row.quotes) == (None, "not_assessed", reason, [])


def test_a_reason_that_says_more_than_its_quotes_is_left_out():
    (row,) = check(rating(4, LED, rationale="Led 12 teams. Worked for Oracle.")).scorecard

    assert (row.rating, row.rationale) == (4, REASON_LEFT_OUT)


def test_the_scorecard_has_a_row_for_each_competency_in_their_order():
    checked = check(rating(3, LED, competency=2), competencies=["SQL", "Go"])

    assert [(row.competency, row.rating) for row in checked.scorecard] == [("SQL", None), ("Go", 3)]


def without_candidate() -> Transcript:
    return parse_transcript(
        "Speaker 1: Why?\nSpeaker 2: I led the migration.", candidate_names=(), interviewer_names=()
    )


def test_without_a_known_candidate_nothing_is_rated():
    checked = check(claim("Led it", LED), rating(5, LED, NOTED), transcript=without_candidate())

    assert [(row.rating, row.rationale) for row in checked.scorecard] == [(None, NO_CANDIDATE)]
    assert [each.speaker for each in checked.evidence[0].quotes] == ["unknown"]


def test_notes_alone_support_a_rating():
    nothing_said = parse_transcript("", candidate_names=(), interviewer_names=())

    checked = check(rating(4, NOTED), transcript=nothing_said)

    assert checked.scorecard[0].rating == 4


def test_the_summary_keeps_sentences_with_found_quotes():
    checked = check(
        ModelSentence(text="Led a migration.", evidence=(LED,)),
        ModelSentence(text="Saved everything.", evidence=(INVENTED,)),
        ModelSentence(text="Worked for 12 banks.", evidence=(LED,)),
        ModelSentence(text="Is brilliant."),
    )

    assert checked.summary == "Led a migration."
    assert SUMMARY_SHORTENED in checked.warnings


def test_a_summary_without_quotes_keeps_sentences_that_are_supported_claims():
    checked = check(
        claim("Led a migration", LED), ModelSentence(text="Led a migration."), ModelSentence(text="Is brilliant.")
    )

    assert checked.summary == "Led a migration."


def test_summary_without_supported_sentences_is_replaced_by_the_supported_claims():
    checked = check(
        claim("Led it.", LED),
        claim("Cut costs", CUT),
        claim("Says little", CUT, kind="improvement"),
        ModelSentence(text="Is brilliant."),
    )

    assert checked.summary == "Strengths: Led it; Cut costs. To improve: Says little."


@pytest.mark.parametrize(
    ("items", "warning"), [((claim("Led", INVENTED),), NO_QUOTE_FOUND), ((claim("Led"),), NO_QUOTE_PROPOSED)]
)
def test_a_debrief_without_a_found_quote_says_so_first(items, warning):
    checked = check(*items, ModelSentence(text="Strong hire. Is brilliant."))

    assert checked.summary == NOTHING_FOUND
    assert checked.warnings[0] == warning


def test_claim_that_is_only_a_verdict_is_removed_and_counted():
    checked = check(claim("Led it alone", LED), claim("Strong “hire”!", LED))

    assert [entry.claim for entry in checked.evidence] == ["Led it alone"]
    assert checked.unsupported == []
    assert (checked.grounding.claims_supported, checked.grounding.claims_total) == (1, 2)
    assert VERDICT_REMOVED in checked.warnings


def test_verdict_is_removed_from_every_field():
    dressed = "Fine. Strong\n“h\u200bire”."

    checked = check(
        claim(dressed, LED),
        rating(3, LED, rationale=dressed),
        ModelSentence(text=dressed, evidence=(LED,)),
        questions=[dressed],
    )

    assert checked.summary == checked.scorecard[0].rationale == checked.evidence[0].claim == "Fine."
    assert checked.follow_up_questions == ["Fine."]


def test_quotation_marks_are_removed_without_a_warning():
    checked = check(claim("Said “yes”", LED), questions=["What of\n“SQL”?"])

    assert checked.evidence[0].claim == "Said yes"
    assert checked.follow_up_questions == ["What of SQL?"]
    assert checked.warnings == []


def test_quote_that_supports_several_ratings_gives_a_warning():
    checked = check(
        *(rating(4, LED, competency=number) for number in (1, 2, 3)),
        rating(3, CUT, competency=4),
        competencies=["SQL", "Go", "C", "D"],
    )

    assert "One quote carries 3 of 4 ratings: turn 2." in checked.warnings


def test_each_distinct_quote_is_looked_up_once_for_the_whole_debrief():
    asked = []

    check(
        *(claim(f"Claim number {number}", LED, CUT) for number in range(30)), should_stop=lambda: bool(asked.append(1))
    )

    assert len(asked) == 2


def test_the_check_stops_when_the_callers_work_is_cancelled():
    answers = iter([False, False, True])

    with pytest.raises(Stopped):
        check(claim("A", LED), claim("B", CUT), claim("C", INVENTED), should_stop=lambda: next(answers))
