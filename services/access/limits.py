"""How often: calls counted per caller against every window of the settings, before anything that costs is done."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil
from time import monotonic
from types import TracebackType
from typing import Literal, Self

from redis.exceptions import RedisError

from config import Settings
from services.access.counters import Counters, MemoryCounters, RedisCounters
from services.access.rate_limits import Window, read_windows
from services.access.settings import UnusableLimit
from services.errors import StorageUnavailable

log = logging.getLogger(__name__)

PATIENCE_SECONDS = 1.0
"""Longest time that counting one call may wait for Redis."""
REST_SECONDS = 1.0
"""How long a Redis that failed is left alone before one call tries it again."""

_VARIABLE = "RATE_LIMIT_STORAGE_URL"
_GONE = (RedisError, OSError, TimeoutError)

Group = Literal["default", "llm"]


@dataclass(frozen=True, slots=True)
class Counted:
    """What became of counting one call."""

    is_allowed: bool
    retry_after: int | None
    """Whole seconds until the full window ends; None where the call is allowed."""
    rate_limit: str
    """Value of `RateLimit`: what remains of each window that was counted."""
    rate_limit_policy: str
    """Value of `RateLimit-Policy`: every window that applies."""


class Limiter:
    """Counts calls. Making one checks the settings, opens nothing, and raises UnusableLimit.

    Windows are counted shortest first (`llm` before `default`), and the first full
    one ends it: a refused call takes nothing from the longer ones, so hammering at
    a full minute does not use up the day. What it took from shorter ones comes back
    before the full one does.
    """

    def __init__(self, settings: Settings, clock: Callable[[], float] = monotonic) -> None:
        default = read_windows("default", settings.rate_limit_default, "RATE_LIMIT_DEFAULT")
        llm = read_windows("llm", settings.rate_limit_llm, "RATE_LIMIT_LLM")
        self._windows: dict[Group, Sequence[Window]] = {
            "default": default,
            "llm": sorted([*llm, *default], key=lambda window: window.seconds),
        }
        self._local = MemoryCounters(clock)
        self._shared = _open_shared(settings.rate_limit_storage_url.get_secret_value())
        self._outage = _Outage(clock)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._local.close()
        if self._shared is not None:
            await self._shared.close()

    async def count(self, group: Group, caller: str) -> Counted:
        """One call of this caller (an id, or an address where there is none). `llm` counts against both settings."""
        return await self._count(self._windows[group], (caller,))

    async def ping(self) -> None:
        """Return when counting works as it was set up; raise StorageUnavailable while it is per process only."""
        if self._shared is None:
            return
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self._shared.ping()
        except _GONE as error:
            raise StorageUnavailable(
                "The shared rate-limit counters can't be reached; until they can, each process counts for itself."
            ) from error

    async def _count(self, windows: Sequence[Window], identifiers: Sequence[str]) -> Counted:
        if self._shared is not None and self._outage.admit():
            try:
                async with asyncio.timeout(PATIENCE_SECONDS):
                    counted = await _count_in(self._shared, windows, identifiers)
            except _GONE as error:
                self._outage.failed(error)
            else:
                self._outage.succeeded()
                return counted
        return await _count_in(self._local, windows, identifiers)


class _Outage:
    """Whether Redis is gone. Told in the log once when it begins and once when it ends."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._is_on = False
        self._rests_until = 0.0

    def admit(self) -> bool:
        """Whether this call may try Redis: every one as long as it works, then one after each rest."""
        if self._is_on and self._clock() < self._rests_until:
            return False
        self._rests_until = self._clock() + REST_SECONDS
        return True

    def failed(self, error: Exception) -> None:
        if not self._is_on:
            log.warning(
                "rate limits are counted per process: the Redis of %s is gone (%s)", _VARIABLE, type(error).__name__
            )
        self._is_on = True
        self._rests_until = self._clock() + REST_SECONDS

    def succeeded(self) -> None:
        if self._is_on:
            log.warning("rate limits are shared again: the Redis of %s is back", _VARIABLE)
        self._is_on = False


async def _count_in(counters: Counters, windows: Sequence[Window], identifiers: Sequence[str]) -> Counted:
    remaining = []
    retry_after = None
    for window in windows:
        count = await counters.add(window.limit.key_for(window.policy, *identifiers), window.seconds)
        resets_in = max(1, ceil(count.seconds_left))
        remaining.append(f'"{window.name}";r={max(0, window.quota - count.total)};t={resets_in}')
        if count.total > window.quota:
            retry_after = resets_in
            break
    policies = ", ".join(window.policy_item for window in windows)
    return Counted(retry_after is None, retry_after, ", ".join(remaining), policies)


def _open_shared(url: str) -> Counters | None:
    if url == "memory://":
        return None
    if not url.startswith(("redis://", "rediss://")):
        raise UnusableLimit(f"{_VARIABLE} is neither memory:// nor a redis:// or rediss:// URL.")
    try:
        return RedisCounters(url, PATIENCE_SECONDS)
    except ValueError:
        raise UnusableLimit(f"{_VARIABLE} is no Redis URL, such as redis://localhost:6379/0.") from None
