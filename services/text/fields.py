"""Field types and base models: limits of text from clients, times, and how null is read.

A type is written once and serves the request, the stored document and the response.
"""

import unicodedata
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    GetJsonSchemaHandler,
    PlainSerializer,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from services.text.invisible import has_bidirectional_or_tag_characters, strip_invisible

ROLE_CHARACTERS = 200
ROOM_NAME_PATTERN = r"^[A-Za-z0-9_-]{1,128}$"
"""Names of rooms, as Daily takes them."""
LONG_TEXT_CHARACTERS = 50_000
"""Whole resumes and job descriptions are pasted."""

_LINE_BREAKS_AND_CONTROLS = frozenset({"Cc", "Zl", "Zp"})


def _reject_null_characters(text: str) -> str:
    """PostgreSQL cannot store U+0000, so no field takes it."""
    if "\x00" in text:
        raise ValueError("null bytes are not allowed")
    return text


def _reject_hidden_text(text: str) -> str:
    """Names are shown to people: one line, in reading order, with something visible in it."""
    is_controlled = any(unicodedata.category(character) in _LINE_BREAKS_AND_CONTROLS for character in text)
    if is_controlled or has_bidirectional_or_tag_characters(text):
        raise ValueError("line breaks, control characters and characters that reorder text are not allowed")
    if text and not strip_invisible(text).strip():
        raise ValueError("it has no visible character")
    return text


def _rater_name(name: str) -> str:
    """The name composed, since systems encode accents in different ways."""
    if name != name.strip("/"):
        raise ValueError("a slash at its beginning or end is not allowed")
    return unicodedata.normalize("NFC", name)


def _rfc3339(time: datetime) -> str:
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z")


# Put constraints before custom validators: after one, pydantic no longer knows the type.
ROOM_NAME_PATTERN = r"^[A-Za-z0-9_-]{1,128}$"
"""Names of rooms at Daily."""
NoNullCharacters = AfterValidator(_reject_null_characters)
PersonName = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=80),
    AfterValidator(_reject_hidden_text),
]
RaterName = Annotated[PersonName, AfterValidator(_rater_name)]
"""Name or id of a person who rates, in a path too."""
JobTitle = Annotated[str, StringConstraints(max_length=ROLE_CHARACTERS), NoNullCharacters]
LongText = Annotated[str, StringConstraints(max_length=LONG_TEXT_CHARACTERS), NoNullCharacters]
FocusArea = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=120),
    AfterValidator(_reject_hidden_text),
]
Timestamp = Annotated[
    datetime,
    PlainSerializer(_rfc3339, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""RFC 3339 in UTC with `Z`."""


class RequestModel(BaseModel):
    """Base of requests. Unknown fields are ignored, since the web page may be newer than the service.

    A null means that the field is left out: the web page sends null for what it does not know.
    """

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True, use_attribute_docstrings=True)

    @model_validator(mode="before")
    @classmethod
    def _drop_nulls(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {name: sent for name, sent in value.items() if sent is not None}

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Says in the JSON schema that optional fields take null."""
        reference = handler(core_schema)
        schema = handler.resolve_ref_schema(reference)
        required = schema.get("required", ())
        for name, field in schema.get("properties", {}).items():
            if name not in required:
                schema["properties"][name] = _nullable(field)
        return reference


class ResponseModel(BaseModel):
    """Base of responses and of stored documents: an immutable value."""

    model_config = ConfigDict(
        frozen=True,
        from_attributes=True,
        use_attribute_docstrings=True,
        json_schema_serialization_defaults_required=True,  # a response always has the fields that have a default
    )


_ABOUT_A_FIELD = frozenset({"default", "description", "title", "examples"})


def _nullable(field: dict[str, Any]) -> dict[str, Any]:
    if {"type": "null"} in field.get("anyOf", ()):
        return field
    kept = {name: value for name, value in field.items() if name in _ABOUT_A_FIELD}
    kind = {name: value for name, value in field.items() if name not in _ABOUT_A_FIELD}
    return {"anyOf": [kind, {"type": "null"}], **kept}
