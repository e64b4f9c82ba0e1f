"""Retention: deletes expired records in the background, then purges the storage's files.

Apart from `purging.py`, because it also runs over memory, where SQLAlchemy is never imported.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from services.errors import StorageUnavailable
from services.storage.protocol import Storage

log = logging.getLogger(__name__)

BATCH = 100
"""Rooms deleted in one transaction: few enough that no other call waits long."""
EVERY = timedelta(minutes=10)
RESPONSES_EVERY = timedelta(minutes=1)


async def delete_expired(storage: Storage, now: datetime, retention: timedelta | None, *, batch: int = BATCH) -> int:
    """Delete expired responses and budget uses and, where there is a `retention`, rooms that ended longer ago.

    Returns the number of rooms.
    """
    await storage.delete_expired_responses(now)
    await storage.delete_expired_uses(now)
    if retention is None:
        return 0
    total = 0
    while count := await storage.erase_ended(now - retention, batch):
        total += count
    return total


Pause = Callable[[float], Awaitable[object]]


async def run_retention(
    storage: Storage, clock: Callable[[], datetime], retention: timedelta | None, *, pause: Pause = asyncio.sleep
) -> None:
    """Delete and purge now and every ten minutes, until cancelled. A failure is logged and tried again next time."""

    async def delete_and_purge() -> None:
        count = await delete_expired(storage, clock(), retention)
        await storage.purge_deleted(in_background=True)
        if count:
            log.info("erased %d rooms that ended longer ago than the retention", count)

    await _repeat(delete_and_purge, EVERY, pause, "ended rooms were not erased")


async def run_response_expiry(storage: Storage, clock: Callable[[], datetime], *, pause: Pause = asyncio.sleep) -> None:
    """Delete expired responses every minute, until cancelled: the secrets of voice sessions are among them."""

    async def delete() -> None:
        await storage.delete_expired_responses(clock())

    # at the start run_retention deletes them, and skips rooms that another transaction has locked
    await pause(RESPONSES_EVERY.total_seconds())
    await _repeat(delete, RESPONSES_EVERY, pause, "expired responses were not deleted")


async def _repeat(work: Callable[[], Awaitable[None]], every: timedelta, pause: Pause, failure: str) -> None:
    while True:
        try:
            await work()
        except StorageUnavailable as error:
            log.warning("%s: %s", failure, error.detail)
        except Exception:  # nothing awaits this task, so an unexpected error would end it without a log line
            log.exception(failure)
        await pause(every.total_seconds())
