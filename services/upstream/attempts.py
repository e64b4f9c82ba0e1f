"""Failed attempts of a call to a vendor: the error for the caller, and how often to try again."""

from typing import NamedTuple

from services.errors import ProviderBadAnswer, ProviderTimeout, ProviderUnavailable, ServiceError
from services.upstream.responses import DEFAULT_RETRY_AFTER
from services.upstream.retry_policy import RetryPolicy
from services.upstream.transport import TransportFailure


class VendorUnreachable(ProviderUnavailable):
    """Nothing was sent: DNS, connection or TLS failed."""


class FailedAttempt(NamedTuple):
    """The outcome of a failed attempt."""

    error: ServiceError
    retries: int
    """Maximum retries of such a failure."""
    is_down: bool
    """Whether it counts as a failure for the circuit breaker."""
    is_deadline: bool = False
    """Whether the call's own deadline has passed."""

    def final_error(self) -> ServiceError:
        """The error to raise, with `Retry-After` where another attempt may help."""
        if isinstance(self.error, ProviderUnavailable) and self.retries and self.error.retry_after is None:
            self.error.retry_after = DEFAULT_RETRY_AFTER
        return self.error


def unanswered(vendor: str, failure: TransportFailure, policy: RetryPolicy) -> FailedAttempt:
    """An attempt that got no response."""
    match failure:
        case TransportFailure.TIMED_OUT:
            return FailedAttempt(timeout_error(vendor), 0, is_down=True)
        case TransportFailure.DISCONNECTED:
            detail = f"{vendor} closed the connection without a response; try again."
            return FailedAttempt(ProviderBadAnswer(detail), policy.disconnected, is_down=True)
        case TransportFailure.PROXY_FAILED:
            detail = f"{vendor} can't be reached through the proxy; check HTTPS_PROXY and NO_PROXY."
            return FailedAttempt(ProviderUnavailable(detail), policy.not_sent, is_down=True)
        case TransportFailure.NOT_SENT:
            detail = f"{vendor} can't be reached right now; try again in a moment."
            return FailedAttempt(VendorUnreachable(detail), policy.not_sent, is_down=True)


def timeout_error(vendor: str) -> ProviderTimeout:
    """The error for a call that its deadline has ended."""
    return ProviderTimeout(f"{vendor} took too long to answer; try again.")
