"""Retry policy of each vendor: which failures are tried again, and how often.

`VendorClient` applies it, and nothing else in the service retries a vendor. Whatever this table says, a call is sent
again only if its caller declares it safe to repeat (`repeatable=True`; placing a phone call is not), only before the
first byte of a response has been used, and only while the call's one deadline allows.
"""

import random
from collections.abc import Mapping
from http import HTTPStatus
from typing import NamedTuple

BACKOFF_SECONDS = 0.25
"""Mean wait before the first retry; it doubles with each one."""


class RetryPolicy(NamedTuple):
    """Maximum retries after each kind of failure. Kinds that are not listed, such as a 400, are never retried."""

    rate_limited: int
    """429"""
    overloaded: int
    """503, 529"""
    timed_out: int
    """408, 504, 524: a server on the way gave up waiting."""
    failed: int
    """Any other 5xx."""
    not_sent: int
    """Nothing was sent: DNS, connection, TLS or proxy failed."""
    disconnected: int
    """The connection closed before a response, or answered something that is not HTTP."""

    def retries_after(self, status: int) -> int:
        """Maximum retries after a response with this status."""
        match status:
            case 429:
                return self.rate_limited
            case 503 | 529:
                return self.overloaded
            case 408 | 504 | 524:
                return self.timed_out
            case _ if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                return self.failed
            case _:
                return 0


RETRY_POLICIES: Mapping[str, RetryPolicy] = {
    # https://docs.daily.co/docs/rest-api/errors
    "daily": RetryPolicy(rate_limited=2, overloaded=2, timed_out=1, failed=1, not_sent=2, disconnected=2),
    # https://openrouter.ai/docs/api-reference/errors-and-debugging
    "openrouter": RetryPolicy(rate_limited=2, overloaded=2, timed_out=1, failed=1, not_sent=2, disconnected=2),
    # https://developers.openai.com/docs/guides/error-codes
    "openai": RetryPolicy(rate_limited=2, overloaded=2, timed_out=1, failed=1, not_sent=2, disconnected=2),
    # looking a call up; `POST /call` is never repeated
    "vapi": RetryPolicy(rate_limited=2, overloaded=2, timed_out=1, failed=1, not_sent=2, disconnected=2),
    # the published keys of AUTH_JWKS_URL
    "token_issuer": RetryPolicy(rate_limited=2, overloaded=2, timed_out=1, failed=1, not_sent=2, disconnected=2),
}


def backoff(retries: int, retry_after: int | None) -> float:
    """Seconds to wait before the next attempt: what the vendor asks for, else exponential with jitter."""
    if retry_after is not None:
        return float(retry_after)
    return BACKOFF_SECONDS * float(2**retries) * random.uniform(0.5, 1.5)
