"""Media types of responses, and the one that a request prefers (RFC 9110, 12.5.1)."""

from functools import lru_cache
from typing import Any

from fastapi import Request, Response
from pydantic import BaseModel

JSON = "application/json"
EVENTS = "text/event-stream"
HTML = "text/html"
MARKDOWN = "text/markdown"
WEBVTT = "text/vtt"
PLAIN_TEXT = "text/plain"


def json_response(model: BaseModel, **headers: str) -> Response:
    """Returns a model as JSON, without FastAPI's second validation."""
    # as bytes: `model_dump_json` would decode them, and the response encode them again
    return Response(model.__pydantic_serializer__.to_json(model), headers=headers, media_type=JSON)


def also_as(*kinds: str) -> dict[int | str, dict[str, Any]]:
    """Returns the other media types of a 200 response, for the OpenAPI document."""
    return {200: {"content": {kind: {"schema": {"type": "string"}} for kind in kinds}}}


def negotiate(request: Request, *offered: str) -> str:
    """Returns the offered media type that `Accept` weighs highest, the first one where several weigh the same."""
    return _heaviest(", ".join(request.headers.getlist("accept")), offered)


@lru_cache(maxsize=64)
def _heaviest(accept: str, offered: tuple[str, ...]) -> str:
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


def _weight(kind: str, ranges: list[tuple[str, float]]) -> float:
    """Returns the weight of the most specific range that covers the type."""
    for pattern in (kind, f"{kind.partition('/')[0]}/*", "*/*"):
        matching = [weight for name, weight in ranges if name == pattern]
        if matching:
            return max(matching)
    return 0.0
