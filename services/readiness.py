"""Readiness: whether what the service depends on can be reached."""

import asyncio
from collections.abc import Callable
from time import monotonic
from typing import Literal, Protocol

from services.errors import ServiceError

CACHE_SECONDS = 1.0
"""Seconds for which a result is reused, so that each dependency is asked once a second at most."""

DependencyState = Literal["ok", "unavailable"]


class _Pinged(Protocol):
    async def ping(self) -> None:
        """Return when it responds; raise a ServiceError when it does not."""


class Readiness:
    """Asks the storage and the rate-limit storage whether they respond."""

    def __init__(self, storage: _Pinged, rate_limit_storage: _Pinged, clock: Callable[[], float] = monotonic) -> None:
        self._storage = storage
        self._rate_limit_storage = rate_limit_storage
        self._clock = clock
        self._lock = asyncio.Lock()
        self._states: dict[str, DependencyState] = {}
        self._expires_at = 0.0

    async def dependencies(self) -> dict[str, DependencyState]:
        """Returns the state of each dependency, at most `CACHE_SECONDS` old."""
        async with self._lock:
            if not self._states or self._clock() >= self._expires_at:
                storage, limits = await asyncio.gather(_state(self._storage), _state(self._rate_limit_storage))
                self._states = {"storage": storage, "rate_limit_storage": limits}
                self._expires_at = self._clock() + CACHE_SECONDS
            return self._states


async def _state(dependency: _Pinged) -> DependencyState:
    try:
        await dependency.ping()
    except ServiceError:
        return "unavailable"
    return "ok"
