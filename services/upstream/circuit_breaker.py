"""A vendor that keeps failing is left alone for a short while, then tried with one call."""

import logging
from collections.abc import Callable
from math import ceil
from time import monotonic

from services.errors import ProviderUnavailable

log = logging.getLogger(__name__)

FAILURES_IN_A_ROW = 10
REST_SECONDS = 5.0


class CircuitBreaker:
    """Counts failures in a row. After ten of them every call is refused for five seconds;
    then one call is let through, and its outcome decides.
    """

    def __init__(self, vendor: str, clock: Callable[[], float] = monotonic) -> None:
        self._vendor = vendor
        self._clock = clock
        self._failures = 0
        self._open_until = 0.0
        self._is_probing = False

    def before_call(self) -> bool:
        """Whether the call is the one that probes a failing vendor. Raises ProviderUnavailable while it rests."""
        if self._failures < FAILURES_IN_A_ROW:
            return False
        rest = self._open_until - self._clock()
        if rest > 0 or self._is_probing:
            raise ProviderUnavailable(
                f"{self._vendor} has been failing and is left alone for a moment; try again shortly.",
                retry_after=max(1, ceil(rest)),
            )
        self._is_probing = True
        return True

    def after_call(self, *, is_probe: bool) -> None:
        """The call has ended, whatever its outcome."""
        if is_probe:
            self._is_probing = False

    def succeeded(self) -> None:
        self._failures = 0

    def failed(self) -> None:
        self._failures += 1
        if self._failures < FAILURES_IN_A_ROW:
            return
        now = self._clock()
        if now >= self._open_until:
            log.warning("%s fails again and again, left alone for %.0f s", self._vendor, REST_SECONDS)
        self._open_until = now + REST_SECONDS
