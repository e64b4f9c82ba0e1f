"""Checks requests to vendors against the OpenAPI documents that the vendors publish.

`VENDOR_SPECS` names a directory with the vendors' OpenAPI documents. Every
request that a test makes to a vendor can then be checked against them: method,
path, parameters and body. Without it nothing is checked, and the tests that
need it are skipped with a reason.
"""

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple, Self
from urllib.parse import urlsplit

import httpx
from jsonschema.exceptions import ValidationError
from openapi_core import Config, OpenAPI
from openapi_core.datatypes import RequestParameters
from openapi_core.exceptions import OpenAPIError
from openapi_core.validation.request.exceptions import InvalidRequestBody
from werkzeug.datastructures import Headers, ImmutableMultiDict

Vendor = Literal["daily", "openrouter", "openai", "vapi"]

MOST_LINES = 8
WITHOUT = "VENDOR_SPECS is not set: point it at the directory with the vendors' OpenAPI documents to run this"

DOCUMENTS: Mapping[Vendor, str] = {
    "daily": "daily.openapi.json",
    "openrouter": "openrouter.openapi.json",
    "openai": "openai.openapi.json",
    "vapi": "vapi.subset.openapi.json",
}

BASE_URLS: Mapping[str, Vendor] = {
    "https://api.daily.co/v1": "daily",
    "https://openrouter.ai/api/v1": "openrouter",
    "https://eu.openrouter.ai/api/v1": "openrouter",
    "https://api.openai.com/v1": "openai",
    "https://api.vapi.ai": "vapi",
    "https://api.eu.vapi.ai": "vapi",
}
"""The vendors' own. The first of each vendor is the one in its document."""


class Amendment(NamedTuple):
    """A difference between a document and the vendor's real behaviour."""

    vendor: Vendor
    place: str
    """Keys from the root of the document, separated by blanks."""
    reason: str


TOO_STRICT = (
    Amendment(
        "openai",
        "components schemas RealtimeTurnDetection anyOf 0 discriminator",
        "it has no mapping and its alternatives have no names, so no value could ever be resolved",
    ),
    Amendment(
        "vapi",
        "paths /call/{id} get parameters 0 schema format",
        "the id is whatever Vapi called it, and tests make one up",
    ),
)
"""Keywords to remove."""

TOO_LAX = (
    Amendment("openai", "components schemas RealtimeCreateClientSecretRequest", "unknown parameters are a 400"),
    Amendment("openai", "components schemas RealtimeSessionCreateRequestGA", "unknown parameters are a 400"),
    Amendment("vapi", "components schemas CreateCallDTO", "a property that should not exist is a 400"),
    Amendment("vapi", "components schemas CreateCustomerDTO", "a property that should not exist is a 400"),
    Amendment("vapi", "components schemas CreateAssistantDTO", "a property that should not exist is a 400"),
    Amendment("vapi", "components schemas AssistantOverrides", "a property that should not exist is a 400"),
)
"""Objects to close."""


class SpecChecker:
    """Checks requests against the documents in a directory. `base_urls` adds to the vendors' own."""

    def __init__(self, directory: Path, base_urls: Mapping[str, Vendor] | None = None) -> None:
        self._directory = directory
        self._base_urls = {**BASE_URLS, **(base_urls or {})}

    @classmethod
    def from_environment(cls, base_urls: Mapping[str, Vendor] | None = None) -> Self | None:
        """The checker that VENDOR_SPECS asks for; None when it is not set."""
        directory = os.environ.get("VENDOR_SPECS")
        return cls(Path(directory), base_urls) if directory else None

    def knows(self, request: httpx.Request) -> bool:
        """Whether the request goes to a vendor with a document."""
        return self._base_url(request) is not None

    def check(self, request: httpx.Request) -> None:
        """Raises AssertionError, with one line for each thing that the vendor would refuse."""
        base_url = self._base_url(request)
        assert base_url is not None, f"{request.url} belongs to no vendor whose document we have"
        vendor = self._base_urls[base_url]
        rest = str(request.url.copy_with(query=None)).removeprefix(base_url)
        try:
            _document(self._directory, vendor).validate_request(_OpenAPIRequest(request, _own_base_url(vendor) + rest))
        except OpenAPIError as error:
            lines = "\n".join(f"  {line}" for line in _complaints(error))
            raise AssertionError(
                f"{request.method} {rest} is not what {DOCUMENTS[vendor]} asks for:\n{lines}"
            ) from None

    def _base_url(self, request: httpx.Request) -> str | None:
        url = str(request.url)
        return next((base for base in self._base_urls if url.startswith(f"{base.rstrip('/')}/")), None)


class _OpenAPIRequest:
    """An httpx request in the form of openapi-core, under the base URL of the document."""

    def __init__(self, request: httpx.Request, url: str) -> None:
        parts = urlsplit(url)
        self.host_url = f"{parts.scheme}://{parts.netloc}"
        self.path = parts.path
        self.method = request.method.lower()
        self.body = request.content or None
        self.content_type = request.headers.get("content-type", "")
        self.parameters = RequestParameters(
            query=ImmutableMultiDict(request.url.params.multi_items()),
            header=Headers(request.headers.multi_items()),
            cookie=ImmutableMultiDict(),
        )


@cache
def _document(directory: Path, vendor: Vendor) -> OpenAPI:
    """The vendor's document with the amendments above, read once. It is not validated itself: that takes seconds."""
    document = json.loads((directory / DOCUMENTS[vendor]).read_text())
    _amend(document, vendor, TOO_STRICT, lambda holder, key: holder.pop(key))
    _amend(document, vendor, TOO_LAX, lambda holder, key: holder[key].update(additionalProperties=False))
    return OpenAPI.from_dict(document, config=Config(spec_validator_cls=None))


def _amend(document: Any, vendor: Vendor, amendments: Iterable[Amendment], change: Callable[[Any, Any], Any]) -> None:
    for amendment in amendments:
        if amendment.vendor == vendor:
            *path, last = amendment.place.split()
            holder = document
            for key in path:
                holder = holder[int(key) if isinstance(holder, list) else key]
            change(holder, last)


def _own_base_url(vendor: Vendor) -> str:
    return next(url for url, owner in BASE_URLS.items() if owner == vendor)


def _complaints(error: OpenAPIError) -> list[str]:
    """What was refused, and where: one line for each alternative that failed."""
    problems: tuple[ValidationError, ...] = getattr(error.__cause__, "schema_errors", ())
    reasons = [reason for problem in problems for reason in _reasons(problem)]
    lines = [f"{reason.json_path}: {reason.message[:200]}" for reason in reasons[:MOST_LINES]]
    return lines if isinstance(error, InvalidRequestBody) and lines else [str(error)[:200], *lines]


def _reasons(problem: ValidationError) -> Iterator[ValidationError]:
    if not problem.context:
        yield problem
    for alternative in problem.context or ():
        yield from _reasons(alternative)
