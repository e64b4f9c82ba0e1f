"""Rate limits: counts calls per caller in the windows that the settings name, before any work is done.

A limit is written as `30/minute` or, with several windows, `30/minute;500/day`.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil
from time import monotonic
from types import TracebackType
from typing import Literal, NamedTuple, Self

from limits import RateLimitItem, parse_many
from redis.exceptions import RedisError

from config import Settings, UnusableSetting
from services.access.counters import Counters, MemoryCounters, RedisCounters
from services.errors import StorageUnavailable

log = logging.getLogger(__name__)

REDIS_SECONDS = 1.0
"""Maximum wait for Redis when one call is counted."""
REDIS_PAUSE_SECONDS = 1.0
"""Time after a failure of Redis until one call tries it again."""
LONGEST_WINDOW_SECONDS = 366 * 24 * 3600
LARGEST_QUOTA = 10**9

_URL_SETTING = "RATE_LIMIT_STORAGE_URL"
_REDIS_FAILURES = (RedisError, OSError, TimeoutError)

Group = Literal["default", "llm", "voice"]
"""`voice` has the windows of `llm`, counted apart."""


@dataclass(frozen=True, slots=True)
class Window:
    """A quota of calls in a number of seconds. `name` is for clients: the policy, or the policy and the window."""

    policy: str
    name: str
    limit: RateLimitItem
    seconds: int

    @property
    def quota(self) -> int:
        return self.limit.amount

    def key(self, caller: str) -> str:
        """The name of the caller's counter."""
        return f"{self.policy}/{self.seconds}/{caller}"

    @property
    def policy_item(self) -> str:
        """An item of `RateLimit-Policy`: https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/"""
        return f'"{self.name}";q={self.quota};w={self.seconds}'


class _Rules(NamedTuple):
    """The windows of one group, shortest first, and the value of `RateLimit-Policy` that describes them."""

    windows: Sequence[Window]
    policy: str


@dataclass(frozen=True, slots=True)
class Counted:
    """Result of counting one call."""

    is_allowed: bool
    retry_after: int | None
    """Whole seconds until the full window ends; None when the call is allowed."""
    rate_limit: str
    """Value of `RateLimit`: what remains of each window that was counted."""
    rate_limit_policy: str
    """Value of `RateLimit-Policy`: every window that applies."""


def read_windows(policy: str, text: str, setting: str) -> Sequence[Window]:
    """The windows of one setting, shortest first. Raises UnusableSetting, which names it."""
    try:
        limits = parse_many(text)
    except ValueError:
        raise UnusableSetting(f"{setting} can't be read; write it as 30/minute or 30/minute;500/day.") from None
    spans = [limit.get_expiry() for limit in limits]
    if not all(1 <= limit.amount <= LARGEST_QUOTA for limit in limits) or max(spans) > LONGEST_WINDOW_SECONDS:
        raise UnusableSetting(f"{setting} needs at least one call, and windows of a year at most.")
    if len(set(spans)) < len(spans):
        raise UnusableSetting(f"{setting} has two windows of the same length; keep the tighter one.")
    names = [policy] if len(limits) == 1 else [_window_name(policy, limit) for limit in limits]
    windows = [Window(policy, *parts) for parts in zip(names, limits, spans, strict=True)]
    return sorted(windows, key=lambda window: window.seconds)


def _window_name(policy: str, limit: RateLimitItem) -> str:
    """Name of a window, such as `default-minute` or `default-5minute`."""
    times = "" if limit.multiples == 1 else str(limit.multiples)
    return f"{policy}-{times}{limit.GRANULARITY.name}"


class Limiter:
    """Counts calls. Creating one checks the settings, opens nothing, and raises UnusableSetting.

    Windows are counted shortest first (`default` last among equals) up to the first full one, so a refused call does
    not count in the longer windows: repeating calls in a full minute does not use up the day.
    """

    def __init__(
        self, settings: Settings, clock: Callable[[], float] = monotonic, *, redis_seconds: float = REDIS_SECONDS
    ) -> None:
        default = read_windows("default", settings.rate_limit_default, "RATE_LIMIT_DEFAULT")
        self._rules: dict[Group, _Rules] = {"default": _rules(default)}
        costly: Sequence[Group] = ("llm", "voice")
        for group in costly:
            self._rules[group] = _rules([*read_windows(group, settings.rate_limit_llm, "RATE_LIMIT_LLM"), *default])
        self._local = MemoryCounters(clock)
        self._shared = _open_shared(settings.rate_limit_storage_url.get_secret_value(), redis_seconds)
        self._redis_seconds = redis_seconds
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
        """Count one call of this caller (an id or an address). All groups but `default` count against both settings."""
        rules = self._rules[group]
        if self._shared is not None and self._outage.may_try():
            try:
                async with asyncio.timeout(self._redis_seconds):
                    counted = await _count_in(self._shared, rules, caller)
            except _REDIS_FAILURES as error:
                self._outage.failed(error)
            else:
                self._outage.succeeded()
                return counted
        return await _count_in(self._local, rules, caller)

    async def ping(self) -> None:
        """Return when the configured counters answer; raise StorageUnavailable while each process counts alone."""
        if self._shared is None:
            return
        try:
            async with asyncio.timeout(self._redis_seconds):
                await self._shared.ping()
        except _REDIS_FAILURES as error:
            raise StorageUnavailable(
                "The shared rate-limit counters can't be reached; until they can, each process counts for itself."
            ) from error


class _Outage:
    """Whether Redis is unavailable. Logged once when it begins and once when it ends."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._is_on = False
        self._next_try = 0.0

    def may_try(self) -> bool:
        """Whether this call may use Redis: every call while it works, then one call after each pause."""
        if self._is_on and self._clock() < self._next_try:
            return False
        self._next_try = self._clock() + REDIS_PAUSE_SECONDS
        return True

    def failed(self, error: Exception) -> None:
        if not self._is_on:
            log.warning(
                "rate limits are counted per process: the Redis of %s is unavailable (%s)",
                _URL_SETTING,
                type(error).__name__,
            )
        self._is_on = True
        self._next_try = self._clock() + REDIS_PAUSE_SECONDS

    def succeeded(self) -> None:
        if self._is_on:
            log.warning("rate limits are shared again: the Redis of %s is available", _URL_SETTING)
        self._is_on = False


def _rules(windows: Sequence[Window]) -> _Rules:
    ordered = sorted(windows, key=lambda window: window.seconds)
    return _Rules(ordered, ", ".join(window.policy_item for window in ordered))


async def _count_in(counters: Counters, rules: _Rules, caller: str) -> Counted:
    remaining = []
    retry_after = None
    for window in rules.windows:
        count = await counters.add(window.key(caller), window.seconds)
        resets_in = max(1, ceil(count.seconds_left))
        remaining.append(f'"{window.name}";r={max(0, window.quota - count.total)};t={resets_in}')
        if count.total > window.quota:
            retry_after = resets_in
            break
    return Counted(retry_after is None, retry_after, ", ".join(remaining), rules.policy)


def _open_shared(url: str, seconds: float) -> Counters | None:
    if url == "memory://":
        return None
    if not url.startswith(("redis://", "rediss://")):
        raise UnusableSetting(f"{_URL_SETTING} is neither memory:// nor a redis:// or rediss:// URL.")
    try:
        return RedisCounters(url, seconds)
    except ValueError:
        raise UnusableSetting(f"{_URL_SETTING} is no Redis URL, such as redis://localhost:6379/0.") from None
