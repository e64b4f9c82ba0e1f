"""What a vendor answered, and what an answer that is no success means for us."""

from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from json import loads as json_loads
from math import ceil
from time import time
from typing import Any, NamedTuple

import httpx
from pydantic import ValidationError, ValidatorFunctionWrapHandler, WrapValidator

from services.errors import ProviderBadAnswer, ProviderTimeout, ProviderUnavailable, ServiceError

DEFAULT_RETRY_AFTER = 2
"""Seconds, where a vendor turns us away without saying for how long."""
LONGEST_RETRY_AFTER = 86400

Json = Mapping[str, Any]


def _or_none(value: Any, validate: ValidatorFunctionWrapHandler) -> Any:
    try:
        return validate(value)
    except ValidationError:
        return None


InvalidAsNone = WrapValidator(_or_none)
"""For what a vendor says beside what counts: odd, it is not known, and nothing else gets lost over it."""


class MappedError(NamedTuple):
    """What a vendor's error answer means for us, and how often such a call may be tried again."""

    error: ServiceError
    retries: int = 0
    is_down: bool = False
    """Whether it counts towards leaving the vendor alone; `VendorClient` sets it."""


class VendorResponse(NamedTuple):
    """A vendor's answer, read whole."""

    status: int
    headers: httpx.Headers
    content: bytes

    @property
    def retry_after(self) -> int | None:
        """Whole seconds from `Retry-After`, in either of its forms; None where it is missing or odd."""
        return parse_retry_after(self.headers.get("retry-after"))

    def json_object(self) -> Json | None:
        """The body as a JSON object, or None: error bodies may be anything."""
        try:
            value = json_loads(self.content)
        except (ValueError, RecursionError):
            return None
        return value if isinstance(value, dict) else None


def parse_retry_after(value: str | None) -> int | None:
    """Seconds of a `Retry-After` header (RFC 9110, 10.2.3): a number or a date."""
    if value is None:
        return None
    if value.strip().isdecimal():
        return min(int(value.strip()[:9]), LONGEST_RETRY_AFTER)
    try:
        seconds = ceil(parsedate_to_datetime(value).timestamp() - time())
    except (ValueError, OverflowError):
        return None
    return min(max(0, seconds), LONGEST_RETRY_AFTER)


def error_by_status(vendor: str, answer: VendorResponse, key_variable: str) -> MappedError:
    """What a status means where the vendor says nothing more precise."""
    match answer.status:
        case 401 | 403:
            detail = f"{vendor} did not accept our key; whoever runs this server should check {key_variable}."
            return MappedError(ProviderUnavailable(detail))
        case 429:
            wait = DEFAULT_RETRY_AFTER if answer.retry_after is None else answer.retry_after
            return MappedError(
                ProviderUnavailable(f"{vendor} is overloaded; try again in a moment.", retry_after=wait), retries=2
            )
        case 503 | 529:
            return MappedError(
                ProviderUnavailable(f"{vendor} is down or overloaded; try again.", retry_after=answer.retry_after), 2
            )
        case 408 | 504 | 524:
            return MappedError(ProviderTimeout(f"{vendor} took too long to answer; try again."), retries=1)
        case status if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return MappedError(ProviderBadAnswer(f"{vendor} failed to answer; try again."), retries=1)
        case _:
            return MappedError(ProviderBadAnswer(f"{vendor} did not accept our request; try again later."))
