"""Erasing in the background what has outlived its time."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from services.errors import StorageUnavailable
from services.storage.protocol import Storage

log = logging.getLogger(__name__)

BATCH = 100
"""Rooms erased in one transaction: few enough that nobody waits for it."""
EVERY = timedelta(minutes=10)


async def delete_expired(storage: Storage, now: datetime, retention: timedelta | None, *, batch: int = BATCH) -> int:
    """Erase answers kept for replay that are past their time and, where there is a `retention`,
    the rooms that ended longer ago than that; how many rooms it were.
    """
    await storage.delete_expired_responses(now)
    if retention is None:
        return 0
    total = 0
    while count := await storage.erase_ended(now - retention, batch):
        total += count
    return total


async def run_retention(
    storage: Storage,
    clock: Callable[[], datetime],
    retention: timedelta | None,
    *,
    pause: Callable[[float], Awaitable[object]] = asyncio.sleep,
) -> None:
    """Erase now and every ten minutes, until cancelled, and scrub what was erased here or elsewhere.

    Whatever goes wrong is tried again the next time.
    """
    while True:
        try:
            count = await delete_expired(storage, clock(), retention)
            await storage.purge_deleted(in_background=True)
        except StorageUnavailable as error:
            log.warning("ended rooms were not erased: %s", error.detail)
        except Exception:  # nobody awaits this task, so a defect would end retention in silence
            log.exception("ended rooms were not erased")
        else:
            if count:
                log.info("erased %d rooms that ended long ago", count)
        await pause(EVERY.total_seconds())
