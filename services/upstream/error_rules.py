"""Error tables: what a vendor's error response means, one rule per row.

A rule gives every condition that the response must meet; a condition that is left out is always met. The first rule
that matches decides, and `map_status` does where none does.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from services.errors import ServiceError
from services.upstream.responses import MappedError, Refusal, VendorResponse, map_status

REDIRECTS = (301, 302, 303, 307, 308)
"""Statuses of a redirect, which is never followed: the key would be sent to another address."""


class ErrorRule(NamedTuple):
    """One row of a vendor's error table."""

    error: Callable[[str], ServiceError]
    detail: str
    """The sentence for the caller. It names the setting or the cause, and repeats nothing of the vendor's."""
    statuses: Sequence[int] = ()
    codes: Sequence[str] = ()
    """The `code` or `type` of the error body is one of these."""
    parameter: str = ""
    """The `param` of the error body begins with this."""
    phrases: Sequence[str] = ()
    """The vendor's text contains one of these, whatever their case."""
    retry_after: int | None = None
    is_permanent: bool = False

    def matches(self, status: int, refusal: Refusal) -> bool:
        return (
            (not self.statuses or status in self.statuses)
            and (not self.codes or refusal.has_code(*self.codes))
            and (refusal.param or "").startswith(self.parameter)
            and (not self.phrases or refusal.mentions(*self.phrases))
        )

    def mapped_error(self) -> MappedError:
        error = self.error(self.detail)
        error.retry_after = self.retry_after
        return MappedError(error, self.is_permanent)


def map_by_rules(rules: Sequence[ErrorRule], vendor: str, response: VendorResponse, key_variable: str) -> MappedError:
    """The error of the first rule that matches, else the error for the status alone."""
    refusal = response.refusal
    rule = next((rule for rule in rules if rule.matches(response.status, refusal)), None)
    return map_status(vendor, response, key_variable) if rule is None else rule.mapped_error()
