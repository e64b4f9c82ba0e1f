"""Builds the JSON schemas of structured answers.

Strict in the sense of OpenAI: every object lists all of its keys and no others.
https://platform.openai.com/docs/guides/structured-outputs#supported-schemas
"""

from typing import Any

JsonSchema = dict[str, Any]


class SchemaBuilder:
    """Builds strings and lists. `is_bounded` adds their length, which not every server takes.

    llama.cpp refuses more than 2,000 repetitions.
    """

    def __init__(self, *, is_bounded: bool) -> None:
        self._is_bounded = is_bounded

    def string(self, length: int) -> JsonSchema:
        return {"type": "string"} | ({"maxLength": length} if self._is_bounded else {})

    def list(self, items: JsonSchema, length: int) -> JsonSchema:
        return {"type": "array", "items": items} | ({"maxItems": length} if self._is_bounded else {})


def closed_object(**properties: JsonSchema) -> JsonSchema:
    """An object with exactly these keys."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
