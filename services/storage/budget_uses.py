"""Uses of budgets in rolling windows: what both storages have in common.

A use starts as a record of its own, the reservation. When it is settled it is added to the record of its bucket, a
24th of the window, so that a day of uses is 24 records and those that are still running.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from services.storage.records import BudgetUse, Exhausted

BUCKETS = 24


class CountedUse(NamedTuple):
    """An amount that counts until `ends_at`."""

    amount: int
    ends_at: datetime


def find_exhausted(uses: Sequence[BudgetUse], counted: Mapping[str, Sequence[CountedUse]]) -> Exhausted | None:
    """Returns the first use that exceeds its budget. `counted` holds the uses that count now, by subject."""
    for use in uses:
        of_subject = counted.get(use.subject, ())
        used = sum(one.amount for one in of_subject)
        if used + use.amount > use.most:
            return Exhausted(use, used, _free_at(use, used, of_subject))
    return None


def _free_at(use: BudgetUse, used: int, counted: Sequence[CountedUse]) -> datetime | None:
    excess = used + use.amount - use.most
    for one in sorted(counted, key=lambda one: one.ends_at):
        excess -= one.amount
        if excess <= 0:
            return one.ends_at
    return None


def bucket_of(ends_at: datetime, window: timedelta) -> str:
    """The id of the bucket that a use with this end belongs to."""
    return f"bucket-{int(ends_at.timestamp() // (window.total_seconds() / BUCKETS))}"
