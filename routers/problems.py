"""Errors to problem documents (RFC 9457): the only place that renders one."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import iter_route_contexts
from starlette.exceptions import HTTPException
from starlette.types import Scope

from routers.schemas.service import Problem
from services.errors import FieldError, InvalidInput, PayloadTooLarge, ServiceError, Unauthorized

TOO_LARGE = "The request is larger than this server reads; send less."
MOST_ERRORS = 50
"""An answer with thousands of them helps nobody."""
CRASHED = "Something went wrong on our side; try again, and report the request id if it happens again."

_DETAILS = {
    400: "The request could not be read; check that its body is well-formed.",
    404: "There is nothing at this address; check its spelling, and see the documentation for what there is.",
    405: "This address does not take this method; see the documentation for what it takes.",
    413: TOO_LARGE,
}
BODY = (413, 415)
"""How a body is refused that is too large, or not JSON."""
_CODES = {404: "not_found", 405: "method_not_allowed", 413: PayloadTooLarge.code}


_PATTERNS = {
    "name": "a room's name has 1 to 128 letters, digits, hyphens and underscores",
    "call_id": "a call's id has 1 to 64 letters, digits and hyphens",
}
"""What the patterns of addresses mean, in words."""


class ProblemResponse(JSONResponse):
    """A problem document."""

    media_type = "application/problem+json"


class UnsupportedMediaType(ServiceError):
    """A body that does not say it is JSON."""

    status = 415
    code = "unsupported_media_type"
    title = "Unsupported media type"


def problem(error: ServiceError, scope: Scope) -> dict[str, Any]:
    """The problem document of an error."""
    document = _document(error.status, error.code, error.title, error.detail, scope)
    if error.errors:
        document["errors"] = [entry._asdict() for entry in error.errors]
    return document


def problem_response(error: ServiceError, scope: Scope) -> ProblemResponse:
    """The answer for an error."""
    headers: dict[str, str] = {}
    if error.retry_after is not None:
        headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, Unauthorized):
        headers["WWW-Authenticate"] = 'Bearer realm="interview-room-api"'
    return ProblemResponse(problem(error, scope), error.status, headers)


def crash_problem(scope: Scope) -> dict[str, Any]:
    """The last resort: nothing of what happened is told."""
    return _document(500, "internal_error", "Internal error", CRASHED, scope)


def add_problem_handlers(app: FastAPI) -> None:
    """Render every error that leaves a handler."""
    app.add_exception_handler(ServiceError, _service_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(HTTPException, _http_error)


def problem_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The problems that a route answers, for the OpenAPI document."""
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        status: {"description": HTTPStatus(status).phrase, "model": Problem, "content": content} for status in statuses
    }


async def _service_error(request: Request, error: Exception) -> ProblemResponse:
    assert isinstance(error, ServiceError)
    return problem_response(error, request.scope)


async def _validation_error(request: Request, error: Exception) -> ProblemResponse:
    assert isinstance(error, RequestValidationError)
    return problem_response(_refusal(request, error.errors()), request.scope)


async def _http_error(request: Request, error: Exception) -> ProblemResponse:
    """What the framework raises by itself: unknown addresses and methods, bodies that can't be parsed."""
    assert isinstance(error, HTTPException)
    status = error.status_code
    if status == 400:
        return problem_response(InvalidInput(_DETAILS[400]), request.scope)
    phrase = HTTPStatus(status).phrase
    detail = _DETAILS.get(status, f"{phrase}.")
    document = _document(status, _CODES.get(status, "http_error"), phrase, detail, request.scope)
    headers = {"Allow": _allowed_methods(request)} if status == 405 else error.headers
    return ProblemResponse(document, status, headers)


def _allowed_methods(request: Request) -> str:
    """Every method of the address; the framework names those of the first route that has it."""
    routes = iter_route_contexts(request.app.routes)
    methods = (route.methods for route in routes if route.path_regex.match(request.url.path))
    return ", ".join(sorted(set().union(*(names or () for names in methods))))


def _refusal(request: Request, problems: Sequence[Mapping[str, Any]]) -> ServiceError:
    kinds = {entry["type"] for entry in problems}
    if "json_invalid" in kinds:
        return InvalidInput("The body is not valid JSON; check its quotes, commas and brackets.")
    if _lacks_json_type(request, problems):
        return UnsupportedMediaType("Send the body as JSON, with the header Content-Type: application/json.")
    errors = [FieldError(_field(entry["loc"]), _message(entry)) for entry in problems[:MOST_ERRORS]]
    return InvalidInput(_sentence(errors, len(problems)), errors=errors)


def _lacks_json_type(request: Request, problems: Sequence[Mapping[str, Any]]) -> bool:
    """FastAPI hands a body of another type on as bytes, which no model accepts."""
    is_whole_body = any(tuple(entry["loc"]) == ("body",) and entry["type"] != "missing" for entry in problems)
    essence = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return is_whole_body and essence != "application/json" and not essence.endswith("+json")


def _field(location: Sequence[int | str]) -> str:
    """The place as a client knows it: without where FastAPI found it and which form of a transcript was tried."""
    names = [str(part) for part in location[1:]]
    if len(names) > 1 and names[0] == "transcript":
        del names[1]
    return ".".join(names) or "body"


def _message(entry: Mapping[str, Any]) -> str:
    if tuple(entry["loc"]) == ("body",) and entry["type"] != "value_error":
        return "send a JSON object"
    if entry["type"] == "string_pattern_mismatch":
        return _PATTERNS.get(str(entry["loc"][-1]), str(entry["msg"]))
    return str(entry["msg"]).removeprefix("Value error, ")


def _sentence(errors: Sequence[FieldError], count: int) -> str:
    if count > 1:
        fields = ", ".join(dict.fromkeys(error.field for error in errors[:8]))
        each = f"the first {len(errors)} of {count}" if count > len(errors) else "each"
        return f"Some fields can't be used, see errors for {each}: {fields}."
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
