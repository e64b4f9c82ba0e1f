"""Which sentences of a model are taken for verdicts, however they are dressed up, and which are evidence."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.evidence.prose import strip_quotation_marks
from services.evidence.verdicts import strip_verdicts

VERDICTS = [
    "Strong hire",
    "No hire.",
    "Leaning no-hire.",
    "A strong candidate and a clear hire.",
    "Leaning towards hire.",
    "Hire!",
    "Hire her.",
    "Hire her without hesitation!",
    "Great communicator, hire.",
    "Good talker - hire him",
    "A great hire.",
    "She would be a great hire.",
    "I would hire Maya.",
    "I'd definitely hire her.",
    "We should hire her at once.",
    "She should be hired.",
    "He must not be hired.",
    "Do not hire.",
    "Don’t hire her.",
    "Worth hiring.",
    "I recommend hiring her.",
    "I recommend a strong hire.",
    "My recommendation is to reject.",
    "Recommendation: hire.",
    "Hiring is recommended.",
    "Strongly recommended.",
    "Recommended for the next round.",
    "Final verdict: excellent.",
    "Decision: reject.",
    "Overall score 4.9",
    "Overall rating: 5 out of 5.",
    "I would extend an offer",
    "Extend her an offer.",
    "We should make an offer.",
    "Deserves the job.",
    "Reject.",
    "Reject this candidate.",
    "Advance to the final round.",
    "I would move her forward to the next round.",
    "She should move forward.",
    "Ready for the next round.",
    "Einstellen!",
    "Sofort einstellen.",
    "Klare Empfehlung zur Einstellung.",
    "Ich empfehle, sie einzustellen.",
    "Ich würde sie einstellen.",
    "Ablehnen.",
    "À embaucher.",
    "Candidate à embaucher sans hésiter.",
    "Je recommande l'embauche.",
    "Embauchez-la !",
    "Contratar sin duda.",
    "Contratarla ya.",
    "Recomiendo contratarla.",
    # dressed up
    "Strong\nhire",
    'Strong "hire"',
    "Strong (hire)",
    "Strong: hire",
    "Strong, hire",
    "S.t.r.o.n.g h.i.r.e",
    "Str\u202aong hire",
    "Strong h\u200bire",
    "Strong hi\u00adre",
    "no\u2011hire",
    "STRONG_HIRE",
    "strong—hire",
    "Strong h\u0456re",
    "\u0405tr\u043eng h\u0456r\u0435",
    "STR\u039fNG \u0397IRE",
    "Strong hir\u0301e",
    "𝐒𝐭𝐫𝐨𝐧𝐠 𝐡𝐢𝐫𝐞",
    "ｓｔｒｏｎｇ ｈｉｒｅ",
    "S t r o n g  h i r e",
    "‘Strong’ ‘hire’",
    "**Strong** hire",
]  # fmt: skip

EVIDENCE = [
    "Explains her decision to offer retries instead of a queue.",
    "Explains the decision to reject malformed events at the edge.",
    "Describes the final score of the chess engine.",
    "Chose to hire slowly and train juniors.",
    "Ran the hiring of three engineers.",
    "Recommended an offline queue to her team.",
    "Described a bad hire and what she learned.",
    "Chose not to hire during the migration.",
    "Was the first hire of the team.",
    "Made strong hires and mentored them.",
    "Onboarded a new hire each month.",
    "How did you hire your team?",
    "How would you reject a malformed event?",
    "Names three policies: retry, reject, advance.",
    "Advanced to the second stage of the rollout within a week.",
    "Moved to the next step when the data was clean.",
    "Advanced the schema to the next version in stages.",
    "Explains why malformed events should be rejected at the edge.",
    "Built the offer page and raised its score by 4.9 percent.",
    "Her recommendation to cache reads cut latency by 1.5 seconds.",
    "Runs Node.js and Go in production.",
    "Kann erklären, wie man den Timeout einstellt.",
    "A aidé à embaucher trois ingénieurs.",
    "Aprendió a contratar poco a poco.",
    "Руководила командой из пяти человек.",
]  # fmt: skip


@pytest.mark.parametrize("verdict", VERDICTS)
def test_a_verdict_is_taken_out_and_the_sentence_beside_it_stays(verdict):
    assert strip_verdicts(verdict) == ""
    assert strip_verdicts(f"Led 1.5 teams. {verdict}") == "Led 1.5 teams."


@pytest.mark.parametrize("evidence", EVIDENCE)
def test_honest_evidence_stays_as_it_is(evidence):
    assert strip_verdicts(evidence) == evidence


@pytest.mark.parametrize("sentence", ["Overall score 4.9", "I would hire her for Node.js work", "Final score: 4.9!"])
def test_a_dot_inside_of_a_number_or_name_leaves_nothing_behind(sentence):
    assert strip_verdicts(f"{sentence}. Knows Go 1.22 well.") == "Knows Go 1.22 well."


def test_a_long_text_made_to_be_slow_is_gone_through():
    for unit in ("not ", "a b ", "recommend ", "i would be ", "hire ", "strong no ", "1.", "- ", "advance on "):
        assert strip_verdicts(unit * 4000) in {"", strip_quotation_marks(unit * 4000)}


@given(st.text() | st.text("“‘'\"’`. \n-hirestong\u200b:", max_size=60))
def test_what_is_left_is_plain_and_says_nothing_new(text):
    left = strip_verdicts(text)

    assert strip_quotation_marks(left) == left
    assert strip_verdicts(left) == left
    assert set(left) <= set(strip_quotation_marks(text))


@given(
    st.lists(
        st.sampled_from(["\u200b", "\u00ad", "\u2060", "\u202e", "\ufe0f", "\u0301", ""]), min_size=11, max_size=11
    )
)
def test_no_invisible_character_hides_a_verdict(hidden):
    dressed = "".join(letter + mark for letter, mark in zip("strong hire", hidden, strict=True))

    assert strip_verdicts(dressed) == ""
