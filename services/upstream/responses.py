"""Vendor responses: reading them, mapping errors to ours, and logging why a vendor refused."""

import json
import logging
import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from math import ceil
from time import time
from typing import Any, NamedTuple

import httpx
from pydantic import ValidationError, ValidatorFunctionWrapHandler, WrapValidator

from services.errors import ProviderBadAnswer, ProviderTimeout, ProviderUnavailable, ServiceError
from services.upstream.redaction import MAX_REASON_READ, loggable

log = logging.getLogger(__name__)

DEFAULT_RETRY_AFTER = 2
"""Seconds, for a vendor that limits us and gives no time."""
MAX_RETRY_AFTER = 86400

_MAX_PAGE_BYTES = 2000
_TAG = re.compile(r"<(?:style|script)\b.*?(?:</(?:style|script)>|$)|<[^>]*>", re.DOTALL | re.IGNORECASE)
_MAX_PROBLEMS = 3

Json = Mapping[str, Any]


def _or_none(value: Any, validate: ValidatorFunctionWrapHandler) -> Any:
    try:
        return validate(value)
    except ValidationError:
        return None


InvalidAsNone = WrapValidator(_or_none)
"""Optional response fields: an invalid value becomes None instead of failing the response."""


class MappedError(NamedTuple):
    """The error of ours that a vendor's error response means."""

    error: ServiceError
    is_permanent: bool = False
    """Retrying can't help, whatever the status says: the account's credit is used up, for example."""


class Refusal(NamedTuple):
    """The content of an error body. Any part may be missing; `reason` is the vendor's text, for the log only."""

    code: str | None = None
    type: str | None = None
    param: str | None = None
    reason: str = ""

    def has_code(self, *codes: str) -> bool:
        """Whether the code, or the type where vendors put it there, is one of these."""
        return self.code in codes or self.type in codes

    def mentions(self, *phrases: str) -> bool:
        """Whether the reason contains one of these phrases, whatever their case."""
        return any(phrase.casefold() in self.reason.casefold() for phrase in phrases)


class VendorResponse(NamedTuple):
    """A response, read whole."""

    status: int
    headers: httpx.Headers
    content: bytes

    @property
    def retry_after(self) -> int | None:
        """Whole seconds from `Retry-After`, in either of its forms; None where it is missing or invalid."""
        return parse_retry_after(self.headers.get("retry-after"))

    @property
    def refusal(self) -> Refusal:
        """The content of the body of an error response, which small servers write as plain text."""
        body = self.json_object()
        if body is None and self.headers.get("content-type", "").startswith("text/plain"):
            return Refusal(reason=self.content[:MAX_REASON_READ].decode(errors="replace"))
        return read_refusal(body)

    @property
    def plain_text(self) -> str:
        """The text of a body that is not a JSON object, such as a proxy's page of HTML, without its tags."""
        text = self.content[:_MAX_PAGE_BYTES].decode(errors="replace")
        return "" if self.json_object() is not None else _TAG.sub(" ", text)

    def json_object(self) -> Json | None:
        """The body as a JSON object, or None: error bodies may be anything. Gemini puts the object into a list."""
        try:
            value = json.loads(self.content)
        except (ValueError, RecursionError):
            return None
        if isinstance(value, list) and len(value) == 1:
            [value] = value
        return value if isinstance(value, dict) else None


def parse_retry_after(value: str | None) -> int | None:
    """Seconds of a `Retry-After` header (RFC 9110, 10.2.3): a number or a date."""
    if value is None:
        return None
    if value.strip().isdecimal():
        return min(int(value.strip()[:9]), MAX_RETRY_AFTER)
    try:
        seconds = ceil(parsedate_to_datetime(value).timestamp() - time())
    except (ValueError, OverflowError):
        return None
    return min(max(0, seconds), MAX_RETRY_AFTER)


def map_status(vendor: str, response: VendorResponse, key_variable: str) -> MappedError:
    """The error for a status, unless the vendor is more precise."""
    match response.status:
        case 402:
            error: ServiceError = ProviderUnavailable(
                f"{vendor} asks for a payment; check the plan and the billing of this server's account there."
            )
        case 401 | 403:
            error = ProviderUnavailable(f"{vendor} rejected this server's key; check {key_variable}.")
        case 429:
            wait = DEFAULT_RETRY_AFTER if response.retry_after is None else response.retry_after
            error = ProviderUnavailable(f"{vendor} is limiting requests; try again in a moment.", retry_after=wait)
        case 503 | 529:
            detail = f"{vendor} is down or overloaded; try again in a moment."
            error = ProviderUnavailable(detail, retry_after=response.retry_after)
        case 408 | 504 | 524:
            error = ProviderTimeout(f"{vendor} took too long to answer; try again.")
        case status if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            error = ProviderBadAnswer(f"{vendor} failed to answer; try again.")
        case _:
            error = ProviderBadAnswer(f"{vendor} did not accept the request; the server's log says why.")
    return MappedError(error)


def read_refusal(body: Json | None) -> Refusal:
    """Reads an error body in any of the forms that vendors use.

    `{"error": {"message", "type", "code", "param"}}` of OpenAI and OpenRouter, `{"error": "code", "info"}` of Daily,
    `{"message", "error"}` of Vapi, and the same fields at the top.
    """
    body = body or {}
    error = body.get("error")
    details = error if isinstance(error, dict) else body
    reason = _first_text(details, "message", "info", "detail") or (error if isinstance(error, str) else "")
    metadata = details.get("metadata")
    if isinstance(metadata, dict) and isinstance(metadata.get("raw"), str):
        reason = f"{reason}: {metadata['raw']}"  # what the provider behind OpenRouter said
    return Refusal(
        code=identifier(details.get("code")) or identifier(error),
        type=identifier(details.get("type")),
        param=identifier(details.get("param")),
        reason=reason[:MAX_REASON_READ],
    )


def log_refusal(vendor: str, response: VendorResponse, *, sent: Any = None) -> None:
    """Log a vendor's status, code and reason in one line of bounded length, without personal data.

    `sent` is the JSON that was sent: what the vendor repeats of it is left out (see `loggable`).
    """
    refusal = response.refusal
    log.warning(
        "%s refused: status=%d code=%s type=%s param=%s request=%s reason=%s",
        vendor,
        response.status,
        refusal.code or "-",
        refusal.type or "-",
        refusal.param or "-",
        identifier(response.headers.get("x-request-id")) or "-",
        loggable(refusal.reason or response.plain_text.strip(), sent),
    )


def log_unreadable(vendor: str, response: VendorResponse, error: ValidationError) -> None:
    """Log which fields of a successful response are missing or invalid, without their values."""
    problems = error.errors(include_input=False, include_context=False)[:_MAX_PROBLEMS]
    log.warning(
        "%s sent a response that can't be read: status=%d type=%s %s",
        vendor,
        response.status,
        identifier(response.headers.get("content-type", "").partition(";")[0]) or "-",
        "; ".join(f"{'.'.join(map(str, problem['loc'])) or 'body'}: {problem['msg']}" for problem in problems),
    )


def _first_text(details: Json, *names: str) -> str:
    values = [details.get(name) for name in names]
    texts = ["; ".join(map(str, value)) if isinstance(value, list) else value for value in values]
    return next((text for text in texts if isinstance(text, str) and text), "")


_IDENTIFIER = re.compile(r"[A-Za-z0-9_.\[\]/-]{1,120}")


def identifier(value: object) -> str | None:
    """A vendor's identifier, safe for the log; None for anything else."""
    is_one = isinstance(value, str | int) and not isinstance(value, bool)
    return str(value) if is_one and _IDENTIFIER.fullmatch(str(value)) else None
