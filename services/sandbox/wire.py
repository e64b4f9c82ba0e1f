"""The base of the emulated vendors: routes, the check for a key, errors in the vendor's own form."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple, TypeVar

import httpx
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

Clock = Callable[[], float]
Body = TypeVar("Body", bound=BaseModel)


class Closed(BaseModel):
    """An object that refuses unknown fields and converts no types, as the vendors' validators do."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Refusal(Exception):
    """An error response of the vendor."""

    def __init__(self, status: int, body: Mapping[str, Any]) -> None:
        super().__init__(status)
        self.status = status
        self.body = body


class Route(NamedTuple):
    """One call of the vendor's API. `path` is the end of the URL, with `{names}`; the base URL comes before it."""

    method: str
    path: str
    answer: Callable[..., httpx.Response]
    needs_key: bool = True

    def match(self, request: httpx.Request) -> Mapping[str, str] | None:
        """The named parts of the path, or None if the request is another call."""
        pattern = ".*" + re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", self.path)
        found = re.fullmatch(pattern, request.url.path)
        return found.groupdict() if found and request.method == self.method else None


class Emulation:
    """An emulated vendor. Subclasses define `routes` and the two refusals."""

    routes: Sequence[Route] = ()

    def answer(self, request: httpx.Request) -> httpx.Response:
        try:
            return self._dispatch(request)
        except Refusal as refusal:
            return httpx.Response(refusal.status, json=refusal.body)

    def without_key(self) -> Refusal:
        """The refusal of a request without a usable `Authorization` header."""
        raise NotImplementedError

    def unknown_call(self, request: httpx.Request) -> Refusal:
        """The refusal of a call that the vendor does not have."""
        raise NotImplementedError

    def _dispatch(self, request: httpx.Request) -> httpx.Response:
        has_key = bool(bearer_key(request))
        for route in self.routes:
            if (has_key or not route.needs_key) and (names := route.match(request)) is not None:
                return route.answer(request, **names)
        raise self.unknown_call(request) if has_key else self.without_key()


def bearer_key(request: httpx.Request) -> str:
    """The API key of the request, or an empty string."""
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    return key.strip() if scheme.lower() == "bearer" else ""


def read_body(model: type[Body], request: httpx.Request, refuse: Callable[[Sequence[ErrorDetails]], Refusal]) -> Body:
    """The body of the request, validated. Raises the refusal that `refuse` makes of the errors."""
    try:
        return model.model_validate_json(request.content)
    except ValidationError as error:
        raise refuse(error.errors(include_url=False, include_context=False)) from None


def field_path(error: ErrorDetails) -> str:
    """The path of the refused value, with dots: `session.audio.input`. Parts that pydantic adds are left out."""
    return ".".join(str(part) for part in error["loc"] if "[" not in str(part))


def reason(error: ErrorDetails) -> str:
    """Why the value was refused."""
    return error["msg"].removeprefix("Value error, ")


def timestamp(at: float) -> str:
    """Unix seconds as vendors write times: ISO 8601 with milliseconds, in UTC."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
