"""What holds for every answer of a model, whatever it proposes."""

import json

from hypothesis import given
from hypothesis import strategies as st

from services.evidence.model_answer import ModelClaim, ModelQuote, ModelRating, ModelSentence
from services.evidence.scoring import score
from tests.services.evidence.answers import (
    LED,
    NOTES,
    SAID,
    TRANSCRIPT,
    check,
    claim,
)


@given(st.lists(st.none() | st.integers(1, 5), min_size=1, max_size=6), st.lists(st.text(), min_size=6, max_size=6))
def test_no_text_of_the_model_changes_the_recommendation(ratings, prose):
    def recommend(written: list[str]) -> tuple:
        rows = [
            ModelRating.model_construct(competency=number, rating=value, rationale=written[number % 6], evidence=(LED,))
            for number, value in enumerate(ratings, 1)
        ]
        summary = ModelSentence.model_construct(text=written[1], evidence=())
        competencies = [f"Skill {number}" for number in range(len(ratings))]
        checked = check(claim(written[0] or "x", LED), *rows, summary, competencies=competencies)
        return score([row.rating for row in checked.scorecard])

    assert recommend(prose) == recommend(["Strong Hire!"] * 6)


PROPOSED = st.builds(
    ModelQuote,
    source=st.sampled_from(["transcript", "notes"]),
    turn=st.none() | st.integers(-2, 5),
    quote=st.sampled_from([SAID, NOTES, "You clearly led everything alone", "I saved the whole company"])
    | st.text(max_size=40),
)
EVIDENCE = st.lists(PROPOSED, max_size=5).map(tuple)
PROSE = st.sampled_from(
    ["Led it", "Saved all 12 teams", "Led it and saved all 12 teams", "Cut costs at Oracle"]
) | st.text(min_size=1, max_size=10)


@given(
    st.lists(st.builds(ModelClaim, claim=PROSE, kind=st.sampled_from(["strength", "improvement"]), evidence=EVIDENCE)),
    st.lists(st.builds(ModelSentence, text=PROSE, evidence=EVIDENCE), max_size=4),
    st.lists(
        st.builds(
            ModelRating, competency=st.integers(1, 3), rating=st.integers(1, 5), rationale=PROSE, evidence=EVIDENCE
        )
    ),
)
def test_only_source_text_is_quoted_and_unsupported_claims_are_not_repeated(claims, sentences, ratings):
    checked = check(*claims, *sentences, *ratings, competencies=["SQL", "Go", "C"])

    for each in (each for entry in (*checked.evidence, *checked.scorecard) for each in entry.quotes):
        source = NOTES if each.source == "notes" else TRANSCRIPT.text
        assert source[each.start : each.end] == each.text
        assert each.text in SAID or each.text in NOTES
    shown = json.dumps(
        [checked.summary, [entry.claim for entry in checked.evidence], [row.rationale for row in checked.scorecard]]
    )
    assert all(entry.quotes for entry in checked.evidence)
    for claim_text in {"Saved all 12 teams"} & {entry.claim for entry in checked.unsupported}:
        assert claim_text not in shown
