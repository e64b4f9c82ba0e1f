"""What a debrief says about its evidence, over HTTP: whole sentences, refusals, sensitivity, the conversation."""

import json
import sqlite3
from contextlib import closing

import pytest

from tests.routers.debrief_calls import LED, TAUGHT, debrief, quote, reading
from tests.support.interviews import TRANSCRIPT, open_briefed_room

pytestmark = pytest.mark.usefixtures("daily")

WHOLE = f"{LED}, and it cut the run time by 40 percent."


def rated(*ratings: tuple[int, str]):
    """Ratings of the briefing's two focus areas, each with one quote."""
    return [
        {"competency": number, "rating": rating, "rationale": "", "evidence": [quote(words, None)]}
        for number, (rating, words) in enumerate(ratings, 1)
    ]


def test_a_shown_quote_is_its_whole_sentence_and_marks_the_models_words(client, model):
    model(reading())

    found = debrief(client, open_briefed_room(client)).json()["evidence"][0]["quotes"][0]

    assert found["text"] == WHOLE
    assert found["text"][found["cut"]["start"] : found["cut"]["end"]] == LED
    assert found["question"] == "What did you build at Remington Rand?"


@pytest.mark.parametrize("turn", [1, 2, 3, 5, 99, None])
def test_unique_quote_is_found_under_any_turn_number(client, model, turn):
    claim = {"claim": "Led", "kind": "strength", "evidence": [quote(LED, turn)]}
    model(reading(claims=[claim]))

    answer = debrief(client, open_briefed_room(client)).json()

    assert [each["turn"] for each in answer["evidence"][0]["quotes"]] == [2]


def test_summary_sentences_with_found_quotes_are_kept_and_the_others_left_out(client, model):
    summary = [
        {"text": "Led a migration that saved time.", "evidence": [quote(LED)]},
        {"text": "Is the best of all.", "evidence": [quote("I am the best of all")]},
    ]
    model(reading(summary=summary))

    answer = debrief(client, open_briefed_room(client)).json()

    assert answer["summary"] == "Led a migration that saved time."
    assert any("summary" in warning for warning in answer["warnings"])


def test_unsupported_claim_is_not_repeated_elsewhere(client, model):
    invented = "Commanded a fleet of ninety ships"
    model(
        reading(
            summary=f"{invented}. Led a migration.",
            claims=[
                {"claim": "Led a migration", "kind": "strength", "evidence": [quote(LED)]},
                {"claim": invented, "kind": "strength", "evidence": [quote("I commanded a fleet of ships")]},
            ],
            ratings=[
                {"competency": 1, "rating": 4, "rationale": f"{invented}, it seems.", "evidence": [quote(LED)]},
                {"competency": 2, "rating": 4, "rationale": "A fleet of ninety ships.", "evidence": [quote(TAUGHT, 4)]},
            ],
            follow_up_questions=[f"{invented}: when?", "How was it measured?"],
        )
    )

    answer = debrief(client, open_briefed_room(client)).json()

    assert answer.pop("unsupported") == [{"claim": invented, "kind": "strength"}]
    assert "fleet" not in json.dumps(answer)
    assert answer["summary"] == "Led a migration."
    assert answer["follow_up_questions"] == ["How was it measured?"]


def test_claims_beyond_their_quotes_and_shared_quotes_are_marked(client, model):
    model(
        reading(
            claims=[
                {"claim": "Cut the run time by 70 percent", "kind": "strength", "evidence": [quote(LED)]},
                {"claim": "Led little", "kind": "improvement", "evidence": [quote("the payroll programs")]},
            ]
        )
    )

    answer = debrief(client, open_briefed_room(client)).json()

    marks = [(entry["goes_beyond_quotes"], entry["shares_quote_with_other_kind"]) for entry in answer["evidence"]]
    assert marks == [(True, True), (False, True)]
    assert answer["grounding"]["claims_beyond_quotes"] == 1


def test_the_score_says_what_the_recommendation_depends_on(client, model):
    model(reading(ratings=rated((5, LED), (4, TAUGHT))))

    score = debrief(client, open_briefed_room(client)).json()["score"]

    assert score["range"] == ["Strong Hire", "Strong Hire"]
    assert {(hinge["competency"], hinge["without"]) for hinge in score["hinges_on"]} == {("Compilers", "Hire")}
    assert [hinge["quote"] and hinge["quote"]["text"] for hinge in score["hinges_on"]] == [WHOLE, None]
    assert score["next"] == [
        {"competency": "Compilers", "from": 5, "to": 4, "recommendation": "Hire"},
        {"competency": "Mentoring", "from": 4, "to": 3, "recommendation": "Hire"},
    ]


def test_single_decisive_sentence_is_named_in_the_score_and_both_reports(client, model):
    model(reading(ratings=rated((4, LED), (4, "it cut the run time by 40 percent"))))
    name = open_briefed_room(client)

    answer = debrief(client, name).json()

    assert [hinge["without"] for hinge in answer["score"]["hinges_on"] if hinge["quote"]] == ["N/A", "N/A"]
    assert any("One quote carries 2 of 2 ratings" in warning for warning in answer["warnings"])
    for form in ("text/html", "text/markdown"):
        report = client.get(f"/api/rooms/{name}/debrief", headers={"accept": form}).text
        assert "This recommendation rests on one sentence (turn 2): without it" in report


def test_switched_off_recommendation_has_no_sensitivity(start, model):
    model(reading())
    client = start(debrief_recommendation=False)

    score = debrief(client, open_briefed_room(client)).json()["score"]

    assert (score["range"], score["hinges_on"], score["next"]) == (["N/A", "N/A"], [], [])


def test_the_conversation_is_counted_and_unlawful_topics_are_noted(client, model):
    model(reading())
    said = f"{TRANSCRIPT}\nInterviewer: How old are you, by the way?\nCandidate: I would rather not say."

    answer = debrief(client, open_briefed_room(client), transcript=said).json()

    numbers = answer["interview"]
    assert numbers["words"].keys() == {"interviewer", "candidate"}
    assert numbers["questions_asked"] == 2
    assert numbers["longest_answer"]["turn"] == 2
    assert numbers["unlawful_topics"] == [{"turn": 5, "topic": "age"}]
    assert {speaker["label"]: speaker["role"] for speaker in answer["speakers"]} == {
        "Interviewer": "interviewer",
        "Candidate": "candidate",
    }


def test_notes_give_no_rating_without_a_known_candidate(client, model):
    noted = "She was very strong on linkers."
    evidence = [quote(noted, None, "notes"), quote(LED)]
    model(reading(ratings=[{"competency": 1, "rating": 5, "rationale": "", "evidence": evidence}]))
    unnamed = TRANSCRIPT.replace("Interviewer:", "Speaker 1:").replace("Candidate:", "Speaker 2:")

    answer = debrief(client, open_briefed_room(client), transcript=unnamed, notes=noted).json()

    assert [row["rating"] for row in answer["scorecard"]] == [None, None]
    assert answer["recommendation"] == "N/A"
    assert {each["speaker"] for entry in answer["evidence"] for each in entry["quotes"]} == {"unknown"}


def test_a_debrief_of_a_model_is_not_emulated(client, model):
    model(reading())

    assert not debrief(client, open_briefed_room(client)).json()["emulated"]


OLD_QUOTE = {
    "text": "I led the migration",
    "status": "exact",
    "source": "transcript",
    "speaker": "candidate",
    "turn": 2,
    "at": "00:07:31.250",
    "start": 11,
    "end": 30,
}
OLD_DEBRIEF = {
    "room_name": "interview-1",
    "version": 0,
    "summary": "Led a migration.",
    "strengths": ["Led"],
    "improvements": [],
    "follow_up_questions": [],
    "recommendation": "Hire",
    "original_briefing": None,
    "evidence": [{"claim": "Led", "kind": "strength", "quotes": [OLD_QUOTE]}],
    "unsupported": [],
    "scorecard": [{"competency": "SQL", "rating": 4, "status": "assessed", "rationale": "", "quotes": [OLD_QUOTE]}],
    "score": {"mean": 4.0, "assessed": 1, "total": 1, "rule": "Mean of at least 3.5 and no 1"},
    "basis": "transcript",
    "warnings": [],
    "grounding": {"quotes_proposed": 2, "quotes_found": 1, "claims_supported": 1, "claims_total": 1},
    "turns_read": 2,
    "model": "openai/gpt-4o-mini",
    "usage": None,
    "prompt_version": "2026-11-23",
    "created_at": "2026-11-23T16:05:12Z",
    "ai_generated": True,
}


def test_debrief_stored_by_version_1_0_is_read_and_printed(start, model, tmp_path):
    model(reading())
    client = start(database_url=f"sqlite:///{tmp_path}/rooms.db")
    name = open_briefed_room(client)
    debrief(client, name)
    with closing(sqlite3.connect(tmp_path / "rooms.db")) as database, database:
        database.execute("UPDATE debriefs SET document = ?", (json.dumps(OLD_DEBRIEF),))

    answer = client.get(f"/api/rooms/{name}/debrief").json()

    assert answer["evidence"][0]["quotes"][0]["cut"] == {"start": 0, "end": len("I led the migration")}
    assert (answer["score"]["range"], answer["grounding"]["refused"], answer["interview"]) == (None, None, None)
    for form in ("text/html", "text/markdown"):
        report = client.get(f"/api/rooms/{name}/debrief", headers={"accept": form}).text
        assert "I led the migration" in report
        assert "2 quotes proposed, 1 found" in report
