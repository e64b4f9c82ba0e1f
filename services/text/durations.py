"""Durations in words, for sentences that say how long to wait."""

from datetime import timedelta
from math import ceil

_DAY = timedelta(days=1)
_MINUTES_IN_AN_HOUR = 60


def in_words(duration: timedelta) -> str:
    """The duration in words, such as `1 min`, `3 h 20 min` or `2 days`, rounded up."""
    if duration >= 2 * _DAY:
        return f"{ceil(duration / _DAY)} days"
    hours, minutes = divmod(max(1, ceil(duration.total_seconds() / 60)), _MINUTES_IN_AN_HOUR)
    parts = [f"{hours} h"] * bool(hours) + [f"{minutes} min"] * bool(minutes)
    return " ".join(parts)


def whole_seconds(duration: timedelta) -> int:
    """The value of `Retry-After`: whole seconds, rounded up, at least 1."""
    return max(1, ceil(duration.total_seconds()))
