"""Rate limits as a person writes them into a setting: `30/minute;500/day`."""

from collections.abc import Sequence
from dataclasses import dataclass

from limits import RateLimitItem, parse_many

from services.access.settings import UnusableLimit

LONGEST_SECONDS = 366 * 24 * 3600
LARGEST_QUOTA = 10**9


@dataclass(frozen=True, slots=True)
class Window:
    """So many calls in so many seconds. `name` is what clients read, `policy` or a part of it."""

    policy: str
    name: str
    limit: RateLimitItem
    seconds: int

    @property
    def quota(self) -> int:
        return self.limit.amount

    @property
    def policy_item(self) -> str:
        """An item of `RateLimit-Policy`: https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/"""
        return f'"{self.name}";q={self.quota};w={self.seconds}'


def read_windows(policy: str, text: str, variable: str) -> Sequence[Window]:
    """The windows of one policy, shortest first. Raises UnusableLimit, naming the variable."""
    try:
        limits = parse_many(text)
    except ValueError:
        raise UnusableLimit(f"{variable} can't be read; write it as 30/minute or 30/minute;500/day.") from None
    spans = [limit.get_expiry() for limit in limits]
    if not all(1 <= limit.amount <= LARGEST_QUOTA for limit in limits) or max(spans) > LONGEST_SECONDS:
        raise UnusableLimit(f"{variable} needs at least one call, and windows of a year at most.")
    if len(set(spans)) < len(spans):
        raise UnusableLimit(f"{variable} has two windows of the same length; keep the tighter one.")
    names = [policy] if len(limits) == 1 else [_name(policy, limit) for limit in limits]
    windows = [Window(policy, *parts) for parts in zip(names, limits, spans, strict=True)]
    return sorted(windows, key=lambda window: window.seconds)


def _name(policy: str, limit: RateLimitItem) -> str:
    """`default-minute`, `default-5minute`: several windows of one policy, told apart."""
    times = "" if limit.multiples == 1 else str(limit.multiples)
    return f"{policy}-{times}{limit.GRANULARITY.name}"
