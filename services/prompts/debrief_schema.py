"""The JSON schema of a debrief, made for one request: it allows only what this interview has.

Strict in the sense of OpenAI: every object lists all of its keys and no others.
https://platform.openai.com/docs/guides/structured-outputs#supported-schemas
"""

from collections.abc import Sequence
from typing import Any

JsonSchema = dict[str, Any]

MOST_ENUMERATED_TURNS = 100
"""Beyond it a turn is any number: OpenAI takes at most 1,000 enumerated values, and code checks the turn anyway."""

_SENTENCES, _CLAIMS, _QUOTES, _QUESTIONS = 5, 12, 3, 6
_TEXT, _CLAIM, _RATIONALE, _QUESTION, _QUOTE = 300, 250, 400, 300, 450
"""Characters. llama.cpp refuses more than 2,000 repetitions."""


def debrief_schema(
    competencies: int, quotable_turns: Sequence[int], *, has_notes: bool, is_bounded: bool
) -> JsonSchema:
    """The schema. `is_bounded` adds the length of every string and list, which not every server takes."""
    return _Schema(is_bounded=is_bounded).debrief(competencies, _sources(quotable_turns, has_notes=has_notes))


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


class _Schema:
    """Builds the parts, with or without bounds."""

    def __init__(self, *, is_bounded: bool) -> None:
        self._is_bounded = is_bounded

    def debrief(self, competencies: int, sources: JsonSchema) -> JsonSchema:
        evidence, rating = {"$ref": "#/$defs/evidence"}, {"$ref": "#/$defs/rating"}
        kind = {"type": "string", "enum": ["strength", "improvement"]}
        schema = _object(
            summary=self._list(_object(text=self._string(_TEXT), evidence=evidence), _SENTENCES),
            claims=self._list(_object(claim=self._string(_CLAIM), kind=kind, evidence=evidence), _CLAIMS),
            ratings=_object(**{str(number): rating for number in range(1, competencies + 1)}),
            follow_up_questions=self._list(self._string(_QUESTION), _QUESTIONS),
        )
        score = {"type": ["integer", "null"], "enum": [1, 2, 3, 4, 5, None]}
        definitions = {
            "evidence": self._list(_object(**sources, quote=self._string(_QUOTE)), _QUOTES),
            "rating": _object(evidence=evidence, rationale=self._string(_RATIONALE), rating=score),
        }
        return schema | {"$defs": definitions}

    def _string(self, length: int) -> JsonSchema:
        return {"type": "string"} | ({"maxLength": length} if self._is_bounded else {})

    def _list(self, items: JsonSchema, length: int) -> JsonSchema:
        return {"type": "array", "items": items} | ({"maxItems": length} if self._is_bounded else {})


def _object(**properties: JsonSchema) -> JsonSchema:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
