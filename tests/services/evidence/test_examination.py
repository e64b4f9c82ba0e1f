"""A whole reading, checked: what is dropped is counted and told."""

from services.evidence.examination import VERDICT_WARNING, verify
from services.evidence.model_answer import ModelClaim, ModelDebrief, ModelQuote, ModelRating, ModelSentence
from services.transcript.transcript import parse_transcript

TRANSCRIPT = parse_transcript(
    "Interviewer: Well?\nCandidate: I led it all alone.", candidate_names=(), interviewer_names=()
)
LED = ModelQuote(source="transcript", turn=2, quote="I led it all alone")


def read(*claims: str, summary="Led it.", rationale="Led it.", questions=()):
    return ModelDebrief(
        summary=(ModelSentence(text=summary),),
        claims=tuple(ModelClaim(claim=claim, kind="strength", evidence=(LED,)) for claim in claims),
        ratings=(ModelRating(competency=1, rating=5, rationale=rationale, evidence=(LED,)),),
        follow_up_questions=tuple(questions),
    )


def test_a_claim_that_is_nothing_but_a_verdict_is_dropped_and_counted():
    checked = verify(read("Led it alone", "Strong “hire”!"), ["SQL"], TRANSCRIPT, "")

    assert [entry.claim for entry in checked.evidence] == ["Led it alone"]
    assert checked.unsupported == []
    assert (checked.grounding.claims_supported, checked.grounding.claims_total) == (1, 2)
    assert checked.warnings == [VERDICT_WARNING]


def test_a_verdict_that_normalising_would_put_together_reaches_no_field():
    dressed = "Fine. Strong\n“h\u200bire”."
    checked = verify(read(dressed, summary=dressed, rationale=dressed, questions=[dressed]), ["SQL"], TRANSCRIPT, "")

    assert checked.summary == "Fine."
    assert checked.follow_up_questions == ["Fine."]
    assert [entry.claim for entry in checked.evidence] == ["Fine."]
    assert [row.rationale for row in checked.scorecard] == ["Fine."]


def test_plain_prose_alone_is_no_reason_to_warn():
    checked = verify(read("Said “yes”", questions=["What of\n“SQL”?"]), ["SQL"], TRANSCRIPT, "")

    assert checked.follow_up_questions == ["What of SQL?"]
    assert checked.warnings == []
