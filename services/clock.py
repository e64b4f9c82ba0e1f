"""The time, as something that is handed over: tests hand over their own."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """Now, aware and in UTC."""
    return datetime.now(UTC)
