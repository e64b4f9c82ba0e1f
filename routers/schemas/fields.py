"""The fields of requests and answers: their limits, and what never passes."""

import unicodedata
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Path
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
)

from services.text.invisible import has_bidirectional_or_tag_characters, strip_invisible


def _without_null_bytes(text: str) -> str:
    if "\x00" in text:
        raise ValueError("null bytes are not allowed")
    return text


def _visible(text: str) -> str:
    """Names are shown to people: nothing in them breaks lines, reorders text, or is all there is and can't be seen."""
    if any(
        unicodedata.category(character) in {"Cc", "Zl", "Zp"} for character in text
    ) or has_bidirectional_or_tag_characters(text):
        raise ValueError("line breaks, control characters and characters that reorder text are not allowed")
    if text and not strip_invisible(text).strip():
        raise ValueError("there is nothing to see in it")
    return text


def _none_as_empty(value: Any) -> Any:
    return "" if value is None else value


def _none_as_list(value: Any) -> Any:
    return [] if value is None else value


def _rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def or_null(longest: int) -> BeforeValidator:
    """The page sends null for what it does not know: the same as an empty text."""
    return BeforeValidator(_none_as_empty, json_schema_input_type=Annotated[str, Field(max_length=longest)] | None)


def or_default(value: int, least: int, most: int) -> BeforeValidator:
    """Null for a number: the client leaves it to us."""
    return BeforeValidator(
        lambda sent: value if sent is None else sent,
        json_schema_input_type=Annotated[int, Field(ge=least, le=most)] | None,
    )


def or_no_list(item: type, most: int) -> BeforeValidator:
    """Null for a list: the same as an empty one."""
    return BeforeValidator(_none_as_list, json_schema_input_type=Annotated[list[item], Field(max_length=most)] | None)  # type: ignore[valid-type]


# constraints stand before a validator of ours: behind one, pydantic takes the value for anything that has a length
NoNullBytes = AfterValidator(_without_null_bytes)
Role = Annotated[str, StringConstraints(max_length=200), NoNullBytes, or_null(200)]
LongText = Annotated[str, StringConstraints(max_length=50_000), NoNullBytes, or_null(50_000)]
"""Whole resumes and job descriptions are pasted here."""
RoomName = Annotated[
    str,
    Path(
        alias="name",
        pattern=r"^[A-Za-z0-9_-]{1,128}$",
        description="The room's name, as `room_name` gives it.",
        examples=["interview-3f9c1c2ab1de4f7a9d20c4e1b7"],
    ),
]
PersonName = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=80),
    AfterValidator(_visible),
]
FocusArea = Annotated[str, StringConstraints(strip_whitespace=True, max_length=120), AfterValidator(_visible)]
Timestamp = Annotated[datetime, PlainSerializer(_rfc3339, return_type=str, when_used="json")]


class RequestModel(BaseModel):
    """What clients send. Unknown fields are ignored: the page may be newer than we are."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True, use_attribute_docstrings=True)


class ResponseModel(BaseModel):
    """What clients get."""

    model_config = ConfigDict(use_attribute_docstrings=True)
