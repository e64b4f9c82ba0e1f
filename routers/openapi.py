"""The OpenAPI document: FastAPI's, completed so that clients generated from it have complete and pleasant types.

It works on the finished document, so that it covers every route. What only a route knows is declared there:
`problem_responses`, `also_as`, `streamed`, `LOCATION`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from types import UnionType
from typing import Any, Final, cast

from fastapi import FastAPI
from pydantic import BaseModel, TypeAdapter

from routers.problems import problem_codes
from routers.schemas.service import Problem

Document = dict[str, Any]
"""A part of an OpenAPI document."""

TAGS: Final[Mapping[str, str]] = {
    "rooms": "Open, read, join and delete rooms; brief the interviewer; ask the sidebar; make debriefs.",
    "plans": "What to ask, and the scales that ratings are fixed to.",
    "transcripts": "The record of the interview.",
    "reviews": "The ratings and the decision of people.",
    "voice": "Voice sessions with a simulated candidate, and phone calls to the interviewer.",
    "webhooks": "Calls from providers.",
    "service": "Whether the service runs.",
}
"""Groups of operations, in the order in which they are shown. Only those that have operations are."""

REQUEST_ID = "X-Request-ID"
HEADERS: Final[Mapping[str, Document]] = {
    REQUEST_ID: {
        "description": "Id of the request, taken over from it where it is valid. It is in every log line.",
        "required": True,
        "schema": {"type": "string", "examples": ["5f0c1f1f2c9a4d0e8f6b7a3d2c1b0a99"]},
    },
    "X-Sandbox": {
        "description": "`true` where all providers are emulated, or the names of those that are.",
        "schema": {"type": "string"},
    },
    "RateLimit": {
        "description": "What is left of the caller's rate limit, and the seconds until it is renewed.",
        "schema": {"type": "string", "examples": ['"default";r=299;t=60']},
    },
    "RateLimit-Policy": {
        "description": "The caller's rate limit: calls, and the seconds for which they are counted.",
        "schema": {"type": "string", "examples": ['"default";q=300;w=60']},
    },
    "Retry-After": {
        "description": "Seconds to wait before the same call is tried again.",
        "schema": {"type": "integer", "minimum": 0},
    },
    "Location": {
        "description": "Address of what was made.",
        "schema": {"type": "string", "format": "uri-reference"},
    },
    "Idempotency-Replayed": {
        "description": "Present where this is the stored response of an earlier call with the same key.",
        "schema": {"type": "string", "const": "true"},
    },
    "WWW-Authenticate": {"description": "How to authenticate.", "schema": {"type": "string"}},
}

SECURITY: Final[Mapping[str, Document]] = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "An API key or a JWT; needed only where API_KEYS, AUTH_JWT_SECRET or AUTH_JWKS_URL is set.",
    }
}
"""Of every `AccessCheckedRoute`."""

LICENSE: Final[Document] = {"name": "MIT", "identifier": "MIT"}

_REF = "#/components/schemas/"
_SCHEMA_MAPS = frozenset({"properties", "patternProperties"})
_SCHEMA_LISTS = frozenset({"anyOf", "oneOf", "allOf", "prefixItems"})
_SUBSCHEMAS = frozenset({"items", "additionalProperties", "propertyNames"})
_EMPTY: tuple[Any, ...] = ("", [], {}, None, False)
"""Defaults that need no mention; 0 equals False."""


def header_references(*names: str) -> Document:
    """Returns the headers of a response, as references to the document's own."""
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


LOCATION: Final[Document] = {"headers": header_references("Location")}
"""Declares that a response names the address of what was made: `responses={201: LOCATION}`."""


def streamed(name: str, **events: type[BaseModel] | UnionType) -> dict[int | str, Document]:
    """Returns the event stream of a 200 response: a schema for each event, with the type of its data.

    `name` is the schema's; `error` is added, since every stream can end with it. OpenAPI 3.1 has no keyword for the
    items of a stream, so the schema is the one of a single event whose `data` has been parsed.
    """
    models: dict[str, type[BaseModel] | UnionType] = {**events, "error": Problem}
    variants: dict[str, Document] = {}
    definitions: dict[str, Document] = {}
    for event, model in models.items():
        data = _schema_of(model)
        definitions |= data.pop("$defs")
        variants[f"{name}{event.title()}"] = _object(event={"const": event, "type": "string"}, data=data)
    mapping = {event: _REF + variant for event, variant in zip(models, variants, strict=True)}
    stream = {
        "description": "One event of the stream, its `data` parsed as JSON. `done` and `error` end the stream.",
        "oneOf": [{"$ref": _REF + variant} for variant in variants],
        "discriminator": {"propertyName": "event", "mapping": mapping},
    }
    schema = {"$ref": _REF + name, "$defs": {name: stream, **variants, **definitions}}
    return {200: {"content": {"text/event-stream": {"schema": schema}}}}


def add_openapi(app: FastAPI) -> None:
    """Complete the document of the app when it is first read."""
    generate: Callable[[], Document] = app.openapi

    @cache
    def openapi() -> Document:
        return complete(generate())

    app.openapi = openapi  # type: ignore[method-assign]  # https://fastapi.tiangolo.com/how-to/extending-openapi/


def complete(document: Document) -> Document:
    """Returns FastAPI's document with what generated clients need."""
    schemas: dict[str, Document] = document["components"]["schemas"]
    _tidy(schemas.values())
    _add_schemas(schemas, _schema_of(Problem)["$defs"])
    for operation in _operations(document):
        _complete_operation(operation)
        for content in _contents(operation):
            _add_schemas(schemas, content["schema"].pop("$defs", {}))
    schemas["Problem"]["properties"]["code"]["enum"] = problem_codes()
    document["components"]["schemas"] = dict(sorted(schemas.items()))
    document["components"]["headers"] = dict(HEADERS)
    document["components"]["securitySchemes"] = dict(SECURITY)
    document["tags"] = _tags(document)
    return document


def _complete_operation(operation: Document) -> None:
    operation["tags"] = operation["tags"][-1:]  # the most specific; generators make a module for each tag
    operation.setdefault("security", [])
    _tidy(content["schema"] for content in _contents(operation))
    for parameter in _parameters(operation):
        parameter["schema"].pop("title", None)
    operation["responses"]["default"] = {
        "description": "Any other error",
        "content": {"application/problem+json": {"schema": {"$ref": f"{_REF}Problem"}}},
    }
    for status, response in operation["responses"].items():
        response["headers"] = header_references(*_headers(operation, status)) | response.get("headers", {})


def _headers(operation: Document, status: str) -> Iterator[str]:
    yield from (REQUEST_ID, "X-Sandbox")
    if "429" in operation["responses"]:
        yield from ("RateLimit", "RateLimit-Policy")
    if status in {"409", "429", "503"}:
        yield "Retry-After"
    if status == "401":
        yield "WWW-Authenticate"
    if status.startswith("2") and any(entry["name"] == "Idempotency-Key" for entry in _parameters(operation)):
        yield "Idempotency-Replayed"


def _tidy(schemas: Iterable[Document]) -> None:
    for schema in schemas:
        for part in _with_parts(schema):
            _tidy_part(part)


def _tidy_part(schema: Document) -> None:
    """Leave out what makes generated types worse.

    Generators make a field with a default a required one, in requests too. pydantic's titles repeat the names.
    """
    if isinstance(schema.get("title"), str):
        del schema["title"]
    default = schema.pop("default", None)
    if default not in _EMPTY and schema.get("const") != default:
        schema["description"] = f"{schema.get('description', '')}\nDefault: {default}.".strip()
    if "prefixItems" in schema and all(item == schema["prefixItems"][0] for item in schema["prefixItems"]):
        schema["items"] = schema.pop("prefixItems")[0]  # most generators know no tuples
    if schema.get("type") == "array" and "prefixItems" not in schema:
        schema.setdefault("items", {})  # a list that is always empty has none
    if "example" in schema:
        schema["examples"] = [schema.pop("example")]  # the keyword of OpenAPI 3.1


def _tags(document: Document) -> list[Document]:
    used = {operation["tags"][0] for operation in _operations(document)}
    known = [{"name": name, "description": text} for name, text in TAGS.items() if name in used]
    return known + [{"name": name} for name in sorted(used - set(TAGS))]


def _schema_of(model: type[BaseModel] | UnionType) -> Document:
    """References to the schemas of a model, or of several, in responses; `$defs` hold what is referred to."""
    schema = TypeAdapter(cast("Any", model)).json_schema(mode="serialization", ref_template=f"{_REF}{{model}}")
    definitions = schema.pop("$defs", {})
    if isinstance(model, type):
        definitions |= {model.__name__: schema}
        schema = {"$ref": _REF + model.__name__}
    _tidy(definitions.values())
    return schema | {"$defs": definitions}


def _object(**properties: Document) -> Document:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _add_schemas(schemas: dict[str, Document], more: Mapping[str, Document]) -> None:
    for name, schema in more.items():
        if schemas.setdefault(name, schema) != schema:
            raise ValueError(f"two different schemas are named {name}: rename one of the models")


def _operations(document: Document) -> Iterator[Document]:
    for calls in document["paths"].values():
        yield from calls.values()


def _parameters(operation: Document) -> list[Document]:
    parameters: list[Document] = operation.get("parameters", [])
    return parameters


def _contents(operation: Document) -> Iterator[Document]:
    """The content of the request and of every response."""
    for body in (operation.get("requestBody", {}), *operation["responses"].values()):
        yield from body.get("content", {}).values()


def _with_parts(schema: Document) -> Iterator[Document]:
    """The schema and all schemas inside of it."""
    yield schema
    for keyword, value in schema.items():
        if keyword in _SCHEMA_MAPS:
            parts = list(value.values())
        elif keyword in _SCHEMA_LISTS:
            parts = value
        else:
            parts = [value] if keyword in _SUBSCHEMAS and isinstance(value, dict) else []
        for part in parts:
            yield from _with_parts(part)
