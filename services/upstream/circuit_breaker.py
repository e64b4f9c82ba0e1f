"""Circuit breaker: opens after 10 failures in a row; after 5 s one probe decides."""

import logging
from collections.abc import Callable
from math import ceil
from time import monotonic

from services.errors import ProviderUnavailable

log = logging.getLogger(__name__)

FAILURE_THRESHOLD = 10
OPEN_SECONDS = 5.0


class CircuitBreaker:
    """Refuses calls to a vendor that keeps failing, so that callers need not wait for another failure.

    After `FAILURE_THRESHOLD` failures in a row every call is refused for `OPEN_SECONDS`. Then one call, the probe, goes
    through: its success closes the circuit, its failure opens it again.
    """

    def __init__(self, vendor: str, clock: Callable[[], float] = monotonic) -> None:
        self._vendor = vendor
        self._clock = clock
        self._failures = 0
        self._open_until = 0.0
        self._is_probing = False

    def before_call(self) -> bool:
        """Whether this call is the probe. Raises ProviderUnavailable while the circuit is open."""
        if self._failures < FAILURE_THRESHOLD:
            return False
        remaining = self._open_until - self._clock()
        if remaining > 0 or self._is_probing:
            raise ProviderUnavailable(
                f"{self._vendor} has failed several times in a row and is not called for a moment; try again shortly.",
                retry_after=max(1, ceil(remaining)),
            )
        self._is_probing = True
        return True

    def after_call(self, *, is_probe: bool) -> None:
        """Marks the end of a call, whatever its outcome. After a cancelled probe another call may probe."""
        if is_probe:
            self._is_probing = False

    def succeeded(self) -> None:
        """Close the circuit."""
        self._failures = 0

    def failed(self) -> None:
        """Count a failure, and open the circuit when there were too many in a row."""
        self._failures += 1
        if self._failures < FAILURE_THRESHOLD:
            return
        now = self._clock()
        if now >= self._open_until:
            log.warning("%s failed %d times in a row; no calls for %.0f s", self._vendor, self._failures, OPEN_SECONDS)
        self._open_until = now + OPEN_SECONDS
