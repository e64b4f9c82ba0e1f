"""A model's own words: no quotation marks, no verdicts, no unsupported claims."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.evidence.prose import RepeatedClaims, strip_quotation_marks, strip_verdicts

VERDICTS = [
    "Strong hire.",
    "Strongly hire!",
    "A strong no hire.",
    "Leaning hire.",
    "Leaning towards a no-hire.",
    "A clear hire.",
    "No hire.",
    "Hire her without hesitation.",
    "Reject this candidate.",
    "The candidate should not be hired.",
    "I recommend a quick hire.",
    "Recommending an offer.",
    "My recommendation is positive.",
    "Hiring recommendation: yes.",
    "Final verdict: excellent.",
    "Extend her an offer.",
    "Move him forward to the next round.",
    "Overall score 4.9",
    "Hire.",
    "Do not hire.",
    "“Strong” h\u200bire",
    "STRONG_HIRE",
]

HONEST = [
    "Would proceed with a rollout only after the metrics were green.",
    "Explains her decision to offer retries instead of a queue.",
    "Explains the final decision to reject malformed events at the edge.",
    "Describes the final score of the chess engine.",
    "Chose to hire slowly and train juniors.",
    "Ran the hiring of three engineers.",
    "Recommended an offline queue to her team.",
    "Recommended to hire two engineers for the on-call rota.",
    "Described a bad hire and what she learned.",
    "Was the first hire of the team.",
    "Made strong hires and mentored them.",
    "Argued that more testers should be hired.",
    "How would you reject a malformed event?",
    "Advanced to the next stage of the rollout within a week.",
    "Her recommendation is to cache reads.",
    "Runs Node.js and Go in production.",
]


@pytest.mark.parametrize("verdict", VERDICTS)
def test_a_verdict_is_removed_and_the_sentence_beside_it_stays(verdict):
    assert strip_verdicts(strip_quotation_marks(verdict)) == ""
    assert strip_verdicts(strip_quotation_marks(f"Led 1.5 teams. {verdict}")) == "Led 1.5 teams."


@pytest.mark.parametrize("sentence", HONEST)
def test_an_honest_sentence_stays_as_it_is(sentence):
    assert strip_verdicts(sentence) == sentence


@given(st.text() | st.text("“‘'\"’`. \n-hirestong\u200b:", max_size=60))
def test_removing_verdicts_is_idempotent_and_adds_no_text(text):
    left = strip_verdicts(strip_quotation_marks(text))

    assert strip_verdicts(left) == left
    assert set(left) <= set(strip_quotation_marks(text)) | {" "}


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
def test_prose_has_no_quotation_marks(written, shown):
    assert strip_quotation_marks(written) == shown


@given(st.text() | st.text("ab .’‘'`“”‹›«»《》ʺ", max_size=40))
def test_an_apostrophe_after_a_letter_is_the_only_quotation_mark_that_stays(text):
    plain = strip_quotation_marks(text)

    assert not re.search(r"[\"“”„«»‹›《》〈〉「」『』｢｣〝〞＂❝❞❮❯⹂ʺ״\x00-\x1f\u202a-\u202e]", plain)
    assert not re.search(r"(?<!\w)['‘’`＇]", plain)
    assert strip_quotation_marks(plain) == plain


CLAIM = "Led a team of twelve engineers across three time zones"


@pytest.mark.parametrize(
    "sentence",
    [
        CLAIM,
        "Clearly led a team of twelve engineers, across three time zones!",
        "A team of twelve engineers was led across time zones.",
        "Twelve engineers in three zones.",
        "Engineers across time zones were led.",
    ],
)
def test_a_sentence_that_repeats_a_claim_in_whole_or_in_part_is_recognised(sentence):
    assert RepeatedClaims(["Knows SQL", CLAIM]).are_in(sentence)


@pytest.mark.parametrize(
    "sentence",
    [
        "Names what changed.",
        "Explains the team's migration in stages.",
        "Led it.",
        "",
        "Describes three outages clearly.",
    ],
)
def test_sentence_on_another_topic_is_no_repetition(sentence):
    assert not RepeatedClaims(["Knows SQL", CLAIM, "!"]).are_in(sentence)


def test_a_repeated_claim_is_recognised_without_spaces_between_words():
    claims = RepeatedClaims(["移行を一人で担当した"])

    assert claims.are_in("候補者は移行を一人で担当したと言える。")
    assert not claims.are_in("候補者は障害対応を説明した。")
