import contextlib
import json
import time

import pytest

from services.evidence.answer_fields import InvalidModelAnswer
from services.evidence.model_answer import ModelQuote, parse_model_debrief

COMPETENCIES = ("System design", "5G networks", "Mentoring")
QUOTE = {"source": "transcript", "turn": 2, "quote": "I led the migration."}
CLAIM = {"claim": "Led a migration", "kind": "strength", "evidence": [QUOTE]}
RATING = {"competency": 1, "rating": 4, "rationale": "Led it.", "evidence": [QUOTE]}
ANSWER = {
    "summary": [{"text": "She led a migration.", "evidence": [QUOTE]}],
    "claims": [CLAIM],
    "ratings": [RATING],
    "follow_up_questions": ["How was it measured?"],
}
AS_JSON = json.dumps(ANSWER)


def read(content):
    return parse_model_debrief(content if isinstance(content, str) else json.dumps(content), COMPETENCIES)


def answer(**changes):
    return read(ANSWER | changes)


def ratings(value):
    read_answer = answer(ratings=value)
    return {rating.competency: rating.rating for rating in read_answer.ratings}, read_answer.dropped


def test_well_formed_answer_is_read_whole():
    debrief = read(ANSWER)

    (sentence,), (claim,), (rating,) = debrief.summary, debrief.claims, debrief.ratings
    assert (sentence.text, sentence.evidence[0].quote) == ("She led a migration.", "I led the migration.")
    assert (claim.claim, claim.kind) == ("Led a migration", "strength")
    assert (rating.competency, rating.rating, rating.rationale) == (1, 4, "Led it.")
    assert debrief.follow_up_questions == ("How was it measured?",)
    assert debrief.dropped == 0
    assert len(list(debrief.quotes())) == 3


WRAPPED = {
    "code fence": f"```json\n{AS_JSON}\n```",
    "sentences around it": f"Here you are:\n{AS_JSON}\nI hope {{that}} helps!",
    "thoughts with another object": f'<think>It needs {{"claims": []}}.</think>\n{AS_JSON}',
    "thoughts before a closing tag alone": f'I need {{"claims": [1]}}\n</think>\n{AS_JSON}',
    "thoughts with an open brace and quotation mark": f'<think>Begin with {{"summary": "</think>{AS_JSON}',
    "braces in a sentence": f"The form {{claims, ratings}} it is: {AS_JSON}",
    "twice the same": f"{AS_JSON}\n\nAgain:\n{AS_JSON}",
    "a list of one": f"[{AS_JSON}]",
    "under another key": json.dumps({"debrief": ANSWER}),
    "beside another key": json.dumps({"thoughts": "It needs claims.", "debrief": ANSWER}),
    "byte order mark": f"\ufeff{AS_JSON}",
    "channels": f"<|channel|>analysis<|message|>{{}}<|end|><|channel|>final<|message|>{AS_JSON}",
    "line breaks inside of strings": json.dumps(ANSWER).replace("Led a migration", "Led a\nmigration"),
}


@pytest.mark.parametrize("content", WRAPPED.values(), ids=WRAPPED)
def test_the_one_object_is_found(content):
    assert read(content).ratings[0].rating == 4


def test_tags_that_a_quote_contains_stay():
    said = {"source": "transcript", "turn": 2, "quote": "I wrote <think> and </think> tags."}

    debrief = answer(claims=[CLAIM | {"evidence": [said]}])

    assert debrief.claims[0].evidence[0].quote == "I wrote <think> and </think> tags."


def test_thoughts_inside_of_the_models_own_words_are_left_out():
    thought = "<think>She seems weak.</think>"

    debrief = answer(
        summary=[{"text": f"{thought}She led it.", "evidence": [QUOTE]}],
        claims=[CLAIM | {"claim": f"Led a migration{thought}"}],
        ratings=[RATING | {"rationale": thought}],
        follow_up_questions=["weak </think> Why?", thought],
    )

    assert debrief.summary[0].text == "She led it."
    assert debrief.claims[0].claim == "Led a migration"
    assert (debrief.ratings[0].rating, debrief.ratings[0].rationale) == (4, "")
    assert debrief.follow_up_questions == ("Why?",)
    assert debrief.dropped == 1


UNUSABLE = {
    "nothing": "",
    "prose": "She was great.",
    "null": "null",
    "a number": "5",
    "empty object": "{}",
    "another object": '{"verdict": "hire"}',
    "summary alone": json.dumps({"summary": "She was great."}),
    "cut off": AS_JSON[:-30],
    "two that differ": f"{AS_JSON} {json.dumps(ANSWER | {'ratings': []})}",
    "two under keys": json.dumps({"draft": ANSWER | {"ratings": []}, "final": ANSWER}),
    "only thoughts": f"<think>{AS_JSON}",
    "nothing readable": json.dumps({"claims": [1, {"claim": ""}], "ratings": "high"}),
}


@pytest.mark.parametrize("content", UNUSABLE.values(), ids=UNUSABLE)
def test_answer_without_anything_usable_is_invalid(content):
    with pytest.raises(InvalidModelAnswer) as raised:
        read(content)

    assert "great" not in str(raised.value)


def test_answer_that_found_nothing_is_valid():
    debrief = read({"summary": [], "claims": [], "ratings": {}, "follow_up_questions": []})

    assert (debrief.claims, debrief.ratings, debrief.dropped) == ((), (), 0)


@pytest.mark.parametrize("turn", [2, 2.0, "2", "T2", " t2 ", "[T2 candidate 00:01]", "№2", "no. 2", "turn 2"])
def test_turn_is_read_in_any_spelling(turn):
    debrief = answer(claims=[CLAIM | {"evidence": [QUOTE | {"turn": turn}]}])

    assert debrief.claims[0].evidence[0].turn == 2


@pytest.mark.parametrize("turn", [None, "the second", 2.5, True, [2], {}, 10**30, 1e400])
def test_quote_with_an_unreadable_turn_is_kept_without_it(turn):
    debrief = answer(claims=[CLAIM | {"evidence": [QUOTE | {"turn": turn}]}])

    assert debrief.claims[0].evidence == (ModelQuote(quote="I led the migration.", turn=None),)
    assert debrief.dropped == 0


@pytest.mark.parametrize("source", ["notes", "Notes", "interviewer_notes", "the interviewer's notes"])
def test_quote_from_notes_names_no_turn(source):
    debrief = answer(claims=[CLAIM | {"evidence": [QUOTE | {"source": source}]}])

    assert debrief.claims[0].evidence == (ModelQuote(source="notes", quote="I led the migration."),)


@pytest.mark.parametrize(
    "evidence", ["I led it.", ["I led it."], {"quote": "I led it."}, [{"quote": "I led it.", "x": 1}]]
)
def test_quote_may_come_as_a_bare_string_or_alone(evidence):
    debrief = answer(claims=[CLAIM | {"evidence": evidence}])

    assert debrief.claims[0].evidence[0].quote == "I led it."


@pytest.mark.parametrize("rating", [4, 4.0, "4", " 4 ", "4.0", "4/5", "4 / 5"])
def test_rating_is_read_in_any_spelling(rating):
    assert ratings([RATING | {"rating": rating}]) == ({1: 4}, 0)


@pytest.mark.parametrize("rating", [None, "null", "N/A", "", "not assessed"])
def test_competency_may_be_left_unrated(rating):
    assert ratings([RATING | {"rating": rating}]) == ({1: None}, 0)


@pytest.mark.parametrize("rating", [0, 6, -1, 4.5, "4.5", "great", True, [4], 1e400, "9" * 5000])
def test_rating_outside_of_the_scale_is_dropped_and_counted(rating):
    other = RATING | {"competency": 2}

    assert ratings([RATING | {"rating": rating}, other]) == ({2: 4}, 1)


@pytest.mark.parametrize(
    "key",
    ["3", "3.", "Mentoring", "mentoring ", "3. Mentoring", "competency 3", "competency_3", "Competency 3: Mentoring"],
)
def test_ratings_may_be_keyed_by_number_or_name(key):
    assert ratings({key: {"rating": 4}}) == ({3: 4}, 0)
    assert ratings([{"competency": key, "rating": 4}]) == ({3: 4}, 0)


def test_key_with_underscores_is_a_name():
    assert ratings({"system_design": 4, "5g_networks": 3}) == ({1: 4, 2: 3}, 0)


def test_name_wins_over_a_number_in_it():
    assert ratings({"5G networks": 4, "1": "3"}) == ({2: 4, 1: 3}, 0)


@pytest.mark.parametrize("competency", [0, 4, "4", "Cooking", None, True, 1.5])
def test_rating_of_an_unknown_competency_is_dropped(competency):
    assert ratings([RATING, RATING | {"competency": competency}]) == ({1: 4}, 1)


def test_second_rating_of_a_competency_is_dropped():
    assert ratings([RATING, RATING | {"rating": 1}]) == ({1: 4}, 1)


def test_ratings_behind_unusable_ones_are_kept():
    unusable = {"overall": {"rating": 5}, "comment": "good", "Cooking": {"rating": 1}}

    assert ratings(unusable | {"1": 4, "2": 3, "3": 2}) == ({1: 4, 2: 3, 3: 2}, 3)
    assert ratings([RATING, RATING, RATING, RATING | {"competency": 3}]) == ({1: 4, 3: 4}, 2)


def test_single_rating_needs_no_list():
    assert ratings(RATING) == ({1: 4}, 0)


@pytest.mark.parametrize("rationale", [5, ["Led it."], "x" * 4001])
def test_rating_is_kept_without_a_reason_that_cannot_be_read(rationale):
    assert ratings([RATING | {"rationale": rationale}]) == ({1: 4}, 1)


BAD_CLAIMS = {
    "empty": CLAIM | {"claim": " "},
    "no claim": {"kind": "strength", "evidence": []},
    "unknown kind": CLAIM | {"kind": "verdict"},
    "no object": "She is great",
    "too long": CLAIM | {"claim": "x" * 4001},
}


@pytest.mark.parametrize("bad", BAD_CLAIMS.values(), ids=BAD_CLAIMS)
def test_unreadable_claim_is_dropped_and_the_rest_kept(bad):
    debrief = answer(claims=[bad, CLAIM])

    assert [claim.claim for claim in debrief.claims] == ["Led a migration"]
    assert debrief.dropped == 1


@pytest.mark.parametrize(
    ("kind", "read_as"),
    [
        ("Strengths", "strength"),
        (" improvement ", "improvement"),
        ("weakness", "improvement"),
        ("IMPROVEMENTS", "improvement"),
    ],
)
def test_kind_is_read_in_any_spelling(kind, read_as):
    assert answer(claims=[CLAIM | {"kind": kind}]).claims[0].kind == read_as


def test_unreadable_quote_is_dropped_and_its_claim_kept():
    debrief = answer(claims=[CLAIM | {"evidence": [{"quote": 5}, {"turn": 2}, "", QUOTE]}])

    assert len(debrief.claims[0].evidence) == 1
    assert debrief.dropped == 3


def test_plain_summary_becomes_sentences_without_evidence():
    debrief = answer(summary="She led it, e.g. the ledger. Was it hard? Yes!\nMore: 移行を主導した。測定した。")

    assert [sentence.text for sentence in debrief.summary] == [
        "She led it, e.g. the ledger.",
        "Was it hard?",
        "Yes!",
        "More: 移行を主導した。",
        "測定した。",
    ]
    assert all(sentence.evidence == () for sentence in debrief.summary)


def test_plain_summary_has_no_markdown_marks():
    debrief = answer(summary="## Summary\n\n- **Led** a migration\n* 3 - 2 is 1.\n2. Measured it.")

    assert [sentence.text for sentence in debrief.summary] == [
        "Summary",
        "Led a migration",
        "3 - 2 is 1.",
        "Measured it.",
    ]


@pytest.mark.parametrize("questions", [["Why?", "How?"], "Why?\nHow?", [{"question": "Why?"}, {"question": "How?"}]])
def test_questions_are_read_in_any_shape(questions):
    assert answer(follow_up_questions=questions).follow_up_questions == ("Why?", "How?")


@pytest.mark.parametrize("field", ["summary", "follow_up_questions", "claims", "ratings"])
def test_missing_field_is_empty(field):
    debrief = read({name: value for name, value in ANSWER.items() if name != field})

    assert getattr(debrief, field) == ()


MEGABYTES = 4 * 1024 * 1024
SLOW = {
    "open braces": "{" * MEGABYTES,
    "open objects": '{"a":' * (MEGABYTES // 5),
    "open lists in objects": ('{"a":[' + "1," * 9000) * 230,
    "objects that break off": '{"a":1,' * (MEGABYTES // 7),
    "quotation marks": '{"' * (MEGABYTES // 2),
    "tags": "<think>" * (MEGABYTES // 7),
    "angle brackets": "<" * MEGABYTES,
    "spaces in every field": json.dumps(
        {
            "claims": [CLAIM | {"kind": " " * 50_000}] * 10,
            "ratings": [{"competency": " " * 50_000, "rating": " " * 50_000}] * 10,
        }
    ),
    "spaces in a turn": json.dumps({"claims": [CLAIM | {"evidence": [QUOTE | {"turn": " " * 100_000}] * 20}]}),
    "sentences": json.dumps({"claims": [], "summary": "A. " * (MEGABYTES // 3)}),
    "ratings": json.dumps({"ratings": {f"key {number}": {"rating": 3} for number in range(100_000)}}),
}


@pytest.mark.parametrize("content", SLOW.values(), ids=SLOW)
def test_four_megabytes_take_a_second_at_most(content):
    began = time.process_time()

    with contextlib.suppress(InvalidModelAnswer):
        read(content)

    # twice the promise: the machine may be throttled, and anything worse than linear takes minutes
    assert time.process_time() - began < 2
