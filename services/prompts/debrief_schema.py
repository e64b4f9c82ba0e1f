"""The JSON schema of a debrief, made for one request: it allows only what this interview has."""

from collections.abc import Sequence

from services.prompts.json_schema import JsonSchema, SchemaBuilder, closed_object

MOST_ENUMERATED_TURNS = 100
"""Beyond it a turn is any number: OpenAI takes at most 1,000 enumerated values, and code checks the turn anyway."""

_SENTENCES, _CLAIMS, _QUOTES, _QUESTIONS = 5, 12, 3, 6
_TEXT, _CLAIM, _RATIONALE, _QUESTION, _QUOTE = 300, 250, 400, 300, 450
"""Characters. llama.cpp refuses more than 2,000 repetitions."""


def debrief_schema(
    competencies: int, quotable_turns: Sequence[int], *, has_notes: bool, is_bounded: bool
) -> JsonSchema:
    """The schema. `is_bounded` adds the length of every string and list, which not every server takes."""
    build = SchemaBuilder(is_bounded=is_bounded)
    evidence, rating = {"$ref": "#/$defs/evidence"}, {"$ref": "#/$defs/rating"}
    kind = {"type": "string", "enum": ["strength", "improvement"]}
    schema = closed_object(
        summary=build.list(closed_object(text=build.string(_TEXT), evidence=evidence), _SENTENCES),
        claims=build.list(closed_object(claim=build.string(_CLAIM), kind=kind, evidence=evidence), _CLAIMS),
        ratings=closed_object(**{str(number): rating for number in range(1, competencies + 1)}),
        follow_up_questions=build.list(build.string(_QUESTION), _QUESTIONS),
    )
    score = {"type": ["integer", "null"], "enum": [1, 2, 3, 4, 5, None]}
    quote = closed_object(**_sources(quotable_turns, has_notes=has_notes), quote=build.string(_QUOTE))
    definitions = {
        "evidence": build.list(quote, _QUOTES),
        "rating": closed_object(evidence=evidence, rationale=build.string(_RATIONALE), rating=score),
    }
    return schema | {"$defs": definitions}


def _sources(quotable_turns: Sequence[int], *, has_notes: bool) -> JsonSchema:
    """The fields `source` and `turn` of a quote: the sources that there are, and the turns of the candidate."""
    has_transcript = bool(quotable_turns)
    sources = ["transcript"] * has_transcript + ["notes"] * has_notes
    turns: list[int | None] = [*quotable_turns, *([None] if has_notes or not has_transcript else [])]
    turn: JsonSchema = {"type": _turn_type(has_transcript=has_transcript, has_null=None in turns)}
    if len(quotable_turns) <= MOST_ENUMERATED_TURNS:
        turn["enum"] = turns
    return {"source": {"type": "string", "enum": sources or ["transcript"]}, "turn": turn}


def _turn_type(*, has_transcript: bool, has_null: bool) -> str | list[str]:
    if not has_transcript:
        return "null"
    return ["integer", "null"] if has_null else "integer"
