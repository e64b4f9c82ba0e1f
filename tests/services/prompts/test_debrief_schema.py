import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from services.prompts.debrief_schema import MOST_ENUMERATED_TURNS, debrief_schema

NUMBERS = st.lists(st.integers(1, 20_000), max_size=300, unique=True)


def nodes(value):
    """Every JSON schema in a schema."""
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from nodes(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from nodes(inner)


def answer(competencies, quote):
    rating = {"evidence": [quote], "rationale": "Led it.", "rating": 4}
    return {
        "summary": [{"text": "She led it.", "evidence": [quote]}],
        "claims": [{"claim": "Led it.", "kind": "strength", "evidence": [quote]}],
        "ratings": {str(number): rating for number in range(1, competencies + 1)},
        "follow_up_questions": ["How?"],
    }


@given(competencies=st.integers(1, 20), turns=NUMBERS, has_notes=st.booleans())
def test_every_string_and_list_is_bounded(competencies, turns, has_notes):
    schema = debrief_schema(competencies, turns, has_notes=has_notes, is_bounded=True)

    Draft202012Validator.check_schema(schema)
    assert all("maxLength" in node or "enum" in node for node in nodes(schema) if node.get("type") == "string")
    assert all("maxItems" in node for node in nodes(schema) if node.get("type") == "array")


@given(competencies=st.integers(1, 20), turns=NUMBERS, has_notes=st.booleans())
def test_every_object_lists_all_of_its_keys_and_no_others(competencies, turns, has_notes):
    schema = debrief_schema(competencies, turns, has_notes=has_notes, is_bounded=False)

    objects = [node for node in nodes(schema) if node.get("type") == "object"]
    assert all(node["required"] == list(node["properties"]) for node in objects)
    assert all(node["additionalProperties"] is False for node in objects)


def test_schema_without_bounds_has_none():
    schema = debrief_schema(2, [2], has_notes=True, is_bounded=False)

    assert not any(node.keys() & {"maxLength", "maxItems", "minimum", "maximum"} for node in nodes(schema))


@pytest.mark.parametrize(
    ("source", "turn", "is_allowed"),
    [
        ("transcript", 2, True),
        ("transcript", 3, False),
        ("notes", None, True),
        ("chat", 2, False),
        ("transcript", "2", False),
    ],
)
def test_quotes_come_from_turns_of_the_candidate_or_from_notes(source, turn, is_allowed):
    schema = debrief_schema(2, [2, 4], has_notes=True, is_bounded=True)

    quoted = answer(2, {"source": source, "turn": turn, "quote": "I led it."})

    assert Draft202012Validator(schema).is_valid(quoted) is is_allowed


def test_quotes_name_no_notes_where_there_are_none():
    schema = debrief_schema(1, [2], has_notes=False, is_bounded=True)

    assert not Draft202012Validator(schema).is_valid(answer(1, {"source": "notes", "turn": None, "quote": "Calm."}))


@pytest.mark.parametrize("ratings", [{"3": None}, {"1": None}, {}])
def test_ratings_are_of_the_competencies_that_there_are(ratings):
    schema = debrief_schema(2, [2], has_notes=False, is_bounded=True)
    good = answer(2, {"source": "transcript", "turn": 2, "quote": "I led it."})

    assert Draft202012Validator(schema).is_valid(good)
    assert not Draft202012Validator(schema).is_valid(good | {"ratings": ratings})


def test_many_turns_are_not_enumerated():
    schema = debrief_schema(1, range(1, MOST_ENUMERATED_TURNS + 2), has_notes=False, is_bounded=True)

    assert schema["$defs"]["evidence"]["items"]["properties"]["turn"] == {"type": "integer"}
