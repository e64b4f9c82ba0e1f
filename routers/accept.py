"""Media types of responses, and the one that a request prefers (RFC 9110, 12.5.1)."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import Header, Response
from pydantic import BaseModel

JSON = "application/json"
EVENTS = "text/event-stream"
HTML = "text/html"
MARKDOWN = "text/markdown"
WEBVTT = "text/vtt"
PLAIN_TEXT = "text/plain"

Accept = Annotated[str | None, Header(include_in_schema=False)]


def json_response(model: BaseModel, **headers: str) -> Response:
    """Returns a model as JSON, without FastAPI's second validation."""
    return Response(model.model_dump_json(), headers=headers, media_type=JSON)


def also_as(*kinds: str) -> dict[int | str, dict[str, Any]]:
    """Returns the other media types of a 200 response, for the OpenAPI document."""
    return {200: {"content": {kind: {"schema": {"type": "string"}} for kind in kinds}}}


def negotiate(accept: str | None, offered: Sequence[str]) -> str:
    """Returns the offered media type that `Accept` weighs highest, the first one where several weigh the same."""
    ranges = [_weighted_range(part) for part in (accept or "*/*").split(",")]
    weights = [(_weight(kind, ranges), -place, kind) for place, kind in enumerate(offered)]
    return max(weights)[2]


def _weighted_range(part: str) -> tuple[str, float]:
    """Returns a media range and its `q`, which is 0 if it is not a number."""
    kind, *parameters = (piece.strip().lower() for piece in part.split(";"))
    weight = next((parameter[2:] for parameter in parameters if parameter.startswith("q=")), "1")
    try:
        return kind, float(weight)
    except ValueError:
        return kind, 0.0


def _weight(kind: str, ranges: Sequence[tuple[str, float]]) -> float:
    """Returns the weight of the most specific range that covers the type."""
    for pattern in (kind, f"{kind.partition('/')[0]}/*", "*/*"):
        matching = [weight for name, weight in ranges if name == pattern]
        if matching:
            return max(matching)
    return 0.0
