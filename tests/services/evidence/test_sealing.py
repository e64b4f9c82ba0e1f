"""A sealed debrief: the same whatever the ratings are, in every form, and with the evidence that has no rating in it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.evidence.debrief import UnsupportedClaim
from services.evidence.report import render_html, render_markdown
from services.evidence.sealing import HIDDEN_TEXT, seal, tells_rating
from services.evidence.sensitivity import shared_quote_warnings
from tests.services.evidence import debriefs
from tests.services.evidence.debriefs import claim, debrief, row, scored
from tests.services.evidence.sample_quotes import MENTORING, MIGRATION, quote

FORMS = {"JSON": lambda shown: shown.model_dump_json(), "HTML": render_html, "Markdown": render_markdown}
EVERY_FORM = pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
RATING = st.none() | st.integers(1, 5)
SAID, TAUGHT = MIGRATION, MENTORING


def rated(first, second, rationale):
    """A debrief of the same evidence with these ratings. One that is null has no quotes."""
    scorecard = [
        row("Compilers", first, rationale, *([SAID] if first else [])),
        row("Mentoring", second, "", *([SAID, TAUGHT] if second else [])),
    ]
    evidence = [claim("strength", "Led a migration", SAID), claim("improvement", "Taught little", TAUGHT)]
    warnings = list(shared_quote_warnings(scorecard))
    return debrief(evidence=evidence, summary="Led a migration.", warnings=warnings, **scored(scorecard))


@EVERY_FORM
@given(ratings=st.tuples(RATING, RATING), others=st.tuples(RATING, RATING), reasons=st.tuples(st.text(), st.text()))
def test_a_sealed_debrief_does_not_depend_on_the_ratings(form, ratings, others, reasons):
    one, other = rated(*ratings, reasons[0]), rated(*others, reasons[1])

    assert form(seal(one)) == form(seal(other))


@EVERY_FORM
def test_a_debrief_that_is_not_sealed_does_depend_on_them(form):
    assert form(rated(2, 4, "")) != form(rated(4, 2, ""))


@EVERY_FORM
def test_a_sealed_report_has_no_dots_words_or_numbers_of_a_rating(form):
    report = form(seal(debriefs.typical()))

    for sign in ('class="on"', "●", " of 5</span>", "Leaning", "Strong Hire", "No Hire", '"mean"', "of 5 ·"):
        assert sign not in report


@EVERY_FORM
def test_a_sealed_report_keeps_claims_and_quotes(form):
    whole = debriefs.typical()

    report = form(seal(whole))

    assert whole.evidence
    for entry in whole.evidence:
        assert all(quote.text.split("’")[0][:30] in report for quote in entry.quotes if quote.source == "transcript")


def test_quotes_without_a_claim_are_shown_but_not_by_competency():
    whole = debrief(scorecard=[row("Mentoring", 4, "", TAUGHT), row("Compilers", 4, "", SAID)])

    shown = seal(whole)

    assert shown.other_quotes == [SAID, TAUGHT]
    assert [entry.quotes for entry in shown.scorecard] == [(), ()]
    assert TAUGHT.text in render_html(shown)


TELLING = [
    "I rate her compilers a 4.",
    "Rating: 5",
    "Compilers: 4/5",
    "four out of five for mentoring",
    "4 of 5",
    "She scored two on testing.",
    "Level 5 on compilers.",
    "a 3-star candidate",
    "★★★★☆",
    "●●●○○",
    "Clearly lacking in testing.",
    "Outstanding and specific on compilers.",
    "Strong hire",
    "I recommend her.",
    "４／５",
]
HONEST = [
    "Led the migration of 3 programs.",
    "Cut the run time by 40 percent.",
    "Taught two classes a week.",
    "Raised the hit ratio to 5 in 6 requests.",
    "Measures before changing anything.",
]


@pytest.mark.parametrize("text", TELLING)
def test_text_that_tells_a_rating_is_recognised(text):
    assert tells_rating(text)


@pytest.mark.parametrize("text", HONEST)
def test_text_about_the_work_is_kept(text):
    assert not tells_rating(text)


UNSAID = [
    "A solid 4",
    "Compilers 5",
    "(5)",
    "Mean 4.33",
    "8 out of 10",
    "A 90% fit",
    "rating5",
    "評価は4です",
    "Оценка: 5",
    "Earns a five",
    "Perfect score",
    "Rated very highly",
    "Top marks on compilers",
    "Thumbs up",
    "Meets the bar",
    "Meets what the job needs",
    "Hirable",
    "Should proceed",
]


def sealed_texts(shown):
    """All that the model said in a sealed debrief."""
    unsupported = [entry.claim for entry in shown.unsupported]
    return [shown.summary, *shown.strengths, *shown.improvements, *shown.follow_up_questions, *unsupported]


@pytest.mark.parametrize("text", UNSAID)
def test_what_may_rate_is_hidden_where_no_quote_says_it(text):
    whole = debrief(
        evidence=[claim("strength", text, SAID)],
        summary=f"Led a migration. {text}.",
        follow_up_questions=[f"{text}, and why?"],
        unsupported=[UnsupportedClaim(claim=text, kind="strength")],
    )

    shown = seal(whole)

    assert not [told for told in sealed_texts(shown) if text in told]
    assert shown.evidence[0].quotes == [SAID]


def test_a_number_and_a_word_that_a_quote_has_are_shown():
    said = quote("I cut the error rate by 40 percent in 12 services.", 5)
    claimed = "Cut the error rate by 40 percent in 12 services"

    assert seal(debrief(evidence=[claim("strength", claimed, said)], summary=claimed)).summary == claimed


@pytest.mark.parametrize("note", ["Compilers: 4", "mentoring 2, vague", "5!"])
def test_a_note_with_a_number_of_five_is_not_shown(note):
    noted = quote(note, None, source="notes", speaker=None)

    assert seal(debrief(scorecard=[row("Compilers", 4, "", noted)])).other_quotes == []


def test_model_sentences_that_tell_a_rating_are_left_out_and_claims_keep_their_quotes():
    whole = debrief(
        evidence=[claim("strength", "Rated 5 on compilers", SAID), claim("improvement", "Taught little", TAUGHT)],
        summary="Led a migration. Scored 5 of 5 on compilers.",
        follow_up_questions=["Why only a rating of 2 on testing?", "Who else taught?"],
    )

    shown = seal(whole)

    assert shown.summary == "Led a migration."
    assert (shown.strengths, shown.improvements) == ([HIDDEN_TEXT], ["Taught little"])
    assert shown.evidence[0].quotes == [SAID]
    assert shown.follow_up_questions == ["Who else taught?"]


def test_notes_of_the_interviewer_that_tell_a_rating_are_not_shown():
    noted = quote("Compilers: 4 of 5, solid.", None, source="notes", speaker=None)

    shown = seal(debrief(evidence=[claim("strength", "Solid", noted)], scorecard=[row("Compilers", 4, "", noted)]))

    assert shown.evidence == []
    assert shown.other_quotes == []
