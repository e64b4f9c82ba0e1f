"""What is left of a model's proposals: no claim and no rating without words that carry it."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.evidence.grounding import NOT_ASSESSED, Grounded, ProposedClaim, ProposedQuote, ProposedRating, ground
from services.evidence.prose import strip_quotation_marks
from services.evidence.scoring import score
from services.transcript.transcript import SourceTurn, parse_transcript

SAID = "I led the migration of billing and we cut costs by half"
TRANSCRIPT = parse_transcript(
    [SourceTurn("user", "You clearly led everything alone"), SourceTurn("assistant", SAID)],
    candidate_names=(),
    interviewer_names=(),
)
NOTES = "Explained caching well, with an example"

LED = ProposedQuote("transcript", 2, "I led the migration")
CUT = ProposedQuote("transcript", 2, "we cut costs by half")
NOTED = ProposedQuote("notes", None, "Explained caching well")
INVENTED = ProposedQuote("transcript", 2, "I saved the whole company")
ASKED = ProposedQuote("transcript", 1, "You clearly led everything alone")


def check(*proposals: ProposedClaim | ProposedRating, prose: str = "") -> Grounded:
    return ground(
        TRANSCRIPT,
        NOTES,
        claims=[proposal for proposal in proposals if isinstance(proposal, ProposedClaim)],
        ratings=[proposal for proposal in proposals if isinstance(proposal, ProposedRating)],
        prose=prose,
    )


def claim(text: str, *quotes: ProposedQuote, kind="strength") -> ProposedClaim:
    return ProposedClaim(text, kind, quotes)


def test_a_claim_stands_on_the_quotes_that_were_found():
    grounded = check(claim("Led a migration", LED, INVENTED, NOTED))

    (evidence,) = grounded.evidence
    assert [quote.text for quote in evidence.quotes] == ["I led the migration", "Explained caching well"]
    assert grounded.unsupported == []


@pytest.mark.parametrize(
    "quotes", [(), (INVENTED,), (ASKED,), (ProposedQuote("transcript", 99, "I led the migration"),)]
)
def test_a_claim_without_a_found_quote_is_unsupported_and_nowhere_else(quotes):
    grounded = check(claim("Led everything", *quotes))

    assert grounded.evidence == []
    assert [entry.claim for entry in grounded.unsupported] == ["Led everything"]


def test_quotes_and_claims_are_counted():
    grounded = check(
        claim("Led a migration", LED, INVENTED),
        claim("Saved the company", INVENTED),
        ProposedRating("SQL", 4, "Because.", [CUT, ASKED]),
    )

    assert grounded.counts.model_dump() == {
        "quotes_proposed": 5,
        "quotes_found": 2,
        "claims_supported": 1,
        "claims_total": 2,
    }


def test_a_quote_of_two_pieces_counts_as_one_and_is_printed_as_two():
    grounded = check(claim("Led it", ProposedQuote("transcript", 2, "I led the migration … we cut costs by half")))

    assert [quote.text for quote in grounded.evidence[0].quotes] == ["I led the migration", "we cut costs by half"]
    assert grounded.counts.quotes_found == 1


def test_a_claim_made_twice_stands_once_with_the_quotes_of_both():
    grounded = check(claim("Led a migration.", LED), claim("led  a migration.", LED, CUT))

    (evidence,) = grounded.evidence
    assert [quote.text for quote in evidence.quotes] == ["I led the migration", "we cut costs by half"]


@pytest.mark.parametrize("is_reversed", [False, True])
def test_a_claim_made_with_and_without_support_stands_once_as_supported(is_reversed):
    claims = [claim("Led a migration", LED), claim("LED a migration", INVENTED, kind="improvement")]

    grounded = check(*(reversed(claims) if is_reversed else claims))

    assert [(entry.claim, entry.kind) for entry in grounded.evidence] == [("Led a migration", "strength")]
    assert grounded.unsupported == []


def test_an_empty_claim_is_none():
    assert check(claim(" \u202e", LED)).counts.claims_total == 0


def test_a_rating_with_a_found_quote_is_assessed():
    (row,) = check(ProposedRating("SQL", 4, "Led it.", [LED])).scorecard

    assert (row.rating, row.status, row.rationale) == (4, "assessed", "Led it.")
    assert [quote.text for quote in row.quotes] == ["I led the migration"]


@pytest.mark.parametrize(
    ("rating", "quotes"), [(5, []), (5, [INVENTED]), (5, [ASKED]), (None, [LED]), (0, [LED]), (6, [LED])]
)
def test_a_rating_that_nothing_carries_is_no_rating_and_its_rationale_is_not_shown(rating, quotes):
    (row,) = check(ProposedRating("SQL", rating, "Outstanding.", quotes)).scorecard

    assert (row.rating, row.status, row.rationale, row.quotes) == (None, "not_assessed", NOT_ASSESSED, [])


def test_the_scorecard_keeps_the_order_of_the_ratings():
    grounded = check(ProposedRating("SQL", None, "", []), ProposedRating("Go", 3, "", [LED]))

    assert [row.competency for row in grounded.scorecard] == ["SQL", "Go"]


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("They said “I led it” twice", "They said I led it twice"),
        ('They said "I led it"', "They said I led it"),
        ("Sie sagte „Ich war es“", "Sie sagte Ich war es"),
        ("Il a dit «\u00a0oui\u00a0»", "Il a dit oui"),
        ("They said ‘I don’t know’ and left", "They said I don’t know and left"),
        ("They said 'I don't know', then left", "They said I don't know, then left"),
        ("The candidate's team didn't ship", "The candidate's team didn't ship"),
        ("She said ʺI built itʺ", "She said I built it"),
        ("《I built it》 ｢alone｣ ❮all❯ ⹂of⹂ it״", "I built it alone all of it"),
        ("＇I built it＇ it said", "I built it it said"),
        ("' I built it ' it said", "I built it it said"),
        ("They said '(I built it)' twice", "They said (I built it) twice"),
        ("``I built it'' it said", "I built it it said"),
        ("‚Ich war es‘, hieß es", "Ich war es, hieß es"),
        (f"'{'built it ' * 50}' it said", f"{'built it ' * 50}it said"),
        ("Her peers' work and the teams’ trust", "Her peers' work and the teams’ trust"),
        ("D'accord, l’équipe didn`t", "D'accord, l’équipe didn`t"),
        ("on-call and end—to—end – yes", "on-call and end—to—end – yes"),
        ("one\r\ntwo\tthree\u202e four\x00", "one two three four"),
    ],
)
def test_prose_of_a_model_quotes_nobody(written, shown):
    assert strip_quotation_marks(written) == shown


def test_claims_rationales_and_the_summary_are_plain_prose():
    grounded = check(claim("Is “great”", LED), ProposedRating("SQL", 3, "Is “fine”", [LED]), prose="Said “yes”")

    assert (grounded.evidence[0].claim, grounded.scorecard[0].rationale, grounded.prose) == (
        "Is great",
        "Is fine",
        "Said yes",
    )


@given(st.text() | st.text("ab .’‘'`“”‹›«»《》ʺ", max_size=40))
def test_no_quotation_mark_is_left_in_prose_but_behind_a_letter(text):
    plain = strip_quotation_marks(text)

    assert not re.search(r"[\"“”„«»‹›《》〈〉「」『』｢｣〝〞＂❝❞❮❯⹂ʺ״\x00-\x1f\u202a-\u202e]", plain)
    assert not re.search(r"(?<!\w)['‘’`＇]", plain)
    assert strip_quotation_marks(plain) == plain


@given(st.lists(st.none() | st.integers(1, 5), min_size=1, max_size=6), st.lists(st.text(), min_size=6, max_size=6))
def test_no_prose_of_the_model_changes_the_recommendation(ratings, texts):
    def recommend(*prose: str):
        rows = [ProposedRating("SQL", rating, text, [LED]) for rating, text in zip(ratings, prose, strict=False)]
        grounded = check(claim(prose[0], LED), *rows, prose=prose[1])
        return score([row.rating for row in grounded.scorecard])

    assert recommend(*texts) == recommend(*["Strong Hire!"] * 6)


QUOTES = st.builds(
    ProposedQuote,
    st.sampled_from(["transcript", "notes"]),
    st.none() | st.integers(-2, 5),
    st.sampled_from([SAID, NOTES, "You clearly led everything alone", "I saved the whole company"])
    | st.text(max_size=40),
)


@given(
    st.lists(
        st.builds(ProposedClaim, st.text(max_size=10), st.sampled_from(["strength", "improvement"]), st.lists(QUOTES))
    )
)
def test_whatever_is_proposed_only_what_stands_in_the_source_is_printed(claims):
    grounded = check(*claims)

    for quote in (quote for entry in grounded.evidence for quote in entry.quotes):
        source = NOTES if quote.source == "notes" else TRANSCRIPT.text
        assert source[quote.start : quote.end] == quote.text
        assert quote.text in SAID or quote.text in NOTES
    supported = {entry.claim for entry in grounded.evidence}
    assert supported.isdisjoint(entry.claim for entry in grounded.unsupported)
    assert all(entry.quotes for entry in grounded.evidence)
