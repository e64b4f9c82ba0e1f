"""The storage budget of one payer: how many rooms and bytes are stored for them, and what fits besides."""

from datetime import datetime, timedelta
from typing import NamedTuple

from pydantic import ByteSize

from services.errors import BudgetExhausted
from services.text.durations import in_words, whole_seconds
from setting_types import StorageBudget

ROW_BYTES = 100
"""Size of a stored record besides its texts."""
UNLIMITED = StorageBudget()


class Stored(NamedTuple):
    """Rooms and bytes stored for one payer. `first_end` is the earliest end of its rooms."""

    rooms: int = 0
    bytes: int = 0
    first_end: datetime | None = None


def size_in_bytes(*texts: str | bytes | None) -> int:
    """Size of a record with these texts in a database."""
    return ROW_BYTES + sum(len(text.encode() if isinstance(text, str) else text) for text in texts if text)


def find_excess(budget: StorageBudget, stored: Stored, rooms: int, size: int) -> Stored:
    """The rooms and bytes above the budget after adding these; 0 if they fit."""
    rooms_over = stored.rooms + rooms - budget.rooms if budget.rooms and rooms > 0 else 0
    bytes_over = stored.bytes + size - budget.bytes if budget.bytes and size > 0 else 0
    return Stored(max(0, rooms_over), max(0, bytes_over))


def exhausted(
    budget: StorageBudget,
    stored: Stored,
    excess: Stored,
    size: int,
    *,
    now: datetime,
    kept_after_end: timedelta | None,
) -> BudgetExhausted:
    """The error for a write that does not fit. Ended rooms are deleted `kept_after_end` later; None: never."""
    if excess.rooms:
        state = f"You have {stored.rooms} rooms stored, and {budget.rooms} is the most that one caller may keep"
    else:
        state = (
            f"You have {_readable(stored.bytes)} of at most {_readable(budget.bytes)} stored, "
            f"and this needs {_readable(size)} more"
        )
    if size > budget.bytes > 0 and not excess.rooms:
        return BudgetExhausted(f"{state}; send less.")
    if stored.first_end is None or kept_after_end is None:
        return BudgetExhausted(f"{state}; delete rooms that you no longer need.")
    wait = max(timedelta(), stored.first_end + kept_after_end - now)
    return BudgetExhausted(
        f"{state}; delete rooms that you no longer need, or wait {in_words(wait)} until an ended one is deleted.",
        retry_after=whole_seconds(wait),
    )


def _readable(size: int) -> str:
    return ByteSize(size).human_readable(separator=" ")
