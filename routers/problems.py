"""Renders every error as a problem document (RFC 9457)."""

import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import iter_route_contexts
from starlette.exceptions import HTTPException
from starlette.types import Message, Scope

from services import errors
from services.errors import FieldError, InvalidInput, PayloadTooLarge, ServiceError, Unauthorized, UnsupportedMediaType

log = logging.getLogger(__name__)

MAX_ERRORS = 50
"""Most field errors that one problem lists."""

BODY = (413, 415)
"""Statuses of a body that is refused before it is parsed: too large, or not JSON."""

_CRASHED = "Something went wrong on our side; try again, and report the request id if it happens again."
_DETAILS = {
    400: "The request could not be read; check that its body is well-formed.",
    404: "There is nothing at this address; check its spelling, and see the documentation for what there is.",
    405: "This address does not take this method; see the documentation for what it takes.",
    408: "The request body did not arrive in time; send it again over a faster connection, or send less.",
}
_CODES = {404: "not_found", 405: "method_not_allowed", 408: "request_timeout"}
_OTHER_CODE = "http_error"
_CRASH_CODE = "internal_error"

_PATTERNS = {
    "name": "a room's name has 1 to 128 letters, digits, hyphens and underscores",
    "call_id": "a call's id has 1 to 64 letters, digits and hyphens",
    "starting_after": "send the room_name of the last room of the page before",
    "id": "an id has 1 to 40 letters, digits, hyphens and underscores",
}
"""The patterns of fields, in words."""
_MESSAGES = {
    "too_short": "it has too few items; send at least {min_length}",
    "too_long": "it has too many items; send at most {max_length}",
    "list_type": "send a list",
    "tuple_type": "send a list",
    "model_attributes_type": "send an object",
}
"""What pydantic says in Python's words, in those of JSON."""


class ProblemResponse(JSONResponse):
    """A problem document."""

    media_type = "application/problem+json"


def problem(error: ServiceError, scope: Scope) -> dict[str, Any]:
    """Returns the problem document of an error."""
    document = _document(error.status, error.code, error.title, error.detail, scope)
    if error.errors:
        document["errors"] = [entry._asdict() for entry in error.errors]
    return document


def problem_response(error: ServiceError, scope: Scope) -> ProblemResponse:
    """Returns the HTTP response of an error."""
    headers: dict[str, str] = {}
    if error.retry_after is not None:
        headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, Unauthorized):
        headers["WWW-Authenticate"] = 'Bearer realm="interview-room-api"'
    return ProblemResponse(problem(error, scope), error.status, headers)


def status_problem(status: int, scope: Scope) -> ProblemResponse:
    """Returns the problem response of an error that the framework names by its HTTP status only."""
    if status == PayloadTooLarge.status:
        return problem_response(PayloadTooLarge(), scope)
    if status == 400:
        return problem_response(InvalidInput(_DETAILS[400]), scope)
    phrase = HTTPStatus(status).phrase
    document = _document(status, _CODES.get(status, _OTHER_CODE), phrase, _DETAILS.get(status, f"{phrase}."), scope)
    return ProblemResponse(document, status)


def crash_problem(scope: Scope) -> dict[str, Any]:
    """Returns the problem document of an unhandled exception, without details of the exception."""
    return _document(500, _CRASH_CODE, "Internal error", _CRASHED, scope)


async def disconnected() -> Message:
    """ASGI `receive` for responses that need nothing of their request."""
    return {"type": "http.disconnect"}


def add_problem_handlers(app: FastAPI) -> None:
    """Register the handlers that render the errors of routes."""
    app.add_exception_handler(ServiceError, _service_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(HTTPException, _http_error)


def problem_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Returns the problem responses of a route, for the OpenAPI document."""
    # no "model": FastAPI would document application/json for it as well; routers/openapi.py adds the schema
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": HTTPStatus(status).phrase, "content": content} for status in statuses}


def problem_codes() -> list[str]:
    """Returns every code that a problem can have."""
    named = [error.code for error in vars(errors).values() if isinstance(error, type) and hasattr(error, "code")]
    return sorted({*named, *_CODES.values(), _OTHER_CODE, _CRASH_CODE})


async def _service_error(request: Request, error: Exception) -> ProblemResponse:
    assert isinstance(error, ServiceError)
    if isinstance(error, Unauthorized):
        log.info("unauthorized: %s", error.reason)
    return problem_response(error, request.scope)


async def _validation_error(request: Request, error: Exception) -> ProblemResponse:
    assert isinstance(error, RequestValidationError)
    return problem_response(_refusal(request, error.errors()), request.scope)


async def _http_error(request: Request, error: Exception) -> ProblemResponse:
    """Renders the framework's own errors: unknown addresses and methods, bodies that cannot be read."""
    assert isinstance(error, HTTPException)
    response = status_problem(error.status_code, request.scope)
    response.headers.update({"Allow": _allowed_methods(request)} if error.status_code == 405 else error.headers or {})
    return response


def _allowed_methods(request: Request) -> str:
    """Every method of the address; the framework names those of the first matching route only."""
    path = request.scope["path"].removeprefix(request.scope.get("root_path", ""))
    matching = (route for route in iter_route_contexts(request.app.routes) if route.path_regex.match(path))
    methods = set[str]().union(*(route.methods or () for route in matching))
    return ", ".join(sorted(methods | ({"HEAD"} if "GET" in methods else set())))


def _refusal(request: Request, problems: Sequence[Mapping[str, Any]]) -> ServiceError:
    kinds = {entry["type"] for entry in problems}
    if "json_invalid" in kinds:
        return InvalidInput("The body is not valid JSON; check its quotes, commas and brackets.")
    if _lacks_json_type(request, problems):
        return UnsupportedMediaType("Send the body as JSON, with the header Content-Type: application/json.")
    causes = [entry for entry in problems if not _follows_from_another(entry, problems)]
    errors = [FieldError(_field(entry["loc"]), _message(entry)) for entry in causes[:MAX_ERRORS]]
    return InvalidInput(_sentence(errors, len(causes)), errors=errors)


def _follows_from_another(entry: Mapping[str, Any], problems: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a list is too short only because pydantic does not count its invalid items."""
    place = tuple(entry["loc"])
    return entry["type"] == "too_short" and any(
        len(other["loc"]) > len(place) and tuple(other["loc"][: len(place)]) == place for other in problems
    )


def _lacks_json_type(request: Request, problems: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the Content-Type is not JSON: FastAPI then passes the body on as bytes, which no model accepts."""
    is_whole_body = any(tuple(entry["loc"]) == ("body",) and entry["type"] != "missing" for entry in problems)
    essence = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return is_whole_body and essence != "application/json" and not essence.endswith("+json")


def _field(location: Sequence[int | str]) -> str:
    """The field's path without FastAPI's prefix, and without the form of a transcript that was tried."""
    names = [str(part) for part in location[1:]]
    if len(names) > 1 and names[0] == "transcript":
        del names[1]
    return ".".join(names) or "body"


def _message(entry: Mapping[str, Any]) -> str:
    if tuple(entry["loc"]) == ("body",) and entry["type"] != "value_error":
        return "send a JSON object"
    if entry["type"] == "string_pattern_mismatch":
        return _PATTERNS.get(str(entry["loc"][-1]), str(entry["msg"]))
    if entry["type"] in _MESSAGES:
        return _MESSAGES[entry["type"]].format_map(entry.get("ctx", {}))
    return str(entry["msg"]).removeprefix("Value error, ")


def _sentence(errors: Sequence[FieldError], count: int) -> str:
    if count > 1:
        fields = ", ".join(dict.fromkeys(error.field for error in errors[:8]))
        each = f"the first {len(errors)} of {count}" if count > len(errors) else "each"
        return f"Some fields are invalid (see errors for {each}): {fields}."
    error = errors[0]
    if error.message == "Field required":
        return f"The field {error.field} is missing."
    return f"Check {error.field}: {error.message[:1].lower()}{error.message[1:]}."


def _document(status: int, code: str, title: str, detail: str, scope: Scope) -> dict[str, Any]:
    return {
        "type": f"urn:interview-room-api:problem:{code}",
        "title": title,
        "status": status,
        "detail": detail,
        "code": code,
        "request_id": scope["state"]["request_id"],
    }
