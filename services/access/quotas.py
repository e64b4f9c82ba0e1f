"""What a room may do only so often, counted where the room is stored: for all processes, across restarts."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from math import ceil
from secrets import token_hex

from services.clock import Clock
from services.errors import RateLimited, StorageUnavailable
from services.storage.protocol import Storage
from services.storage.records import Quota
from services.storage.retrying import LONGEST_SECONDS, write_with_retry

log = logging.getLogger(__name__)

VOICE_SESSIONS = Quota("realtime", 30, timedelta(hours=1), "voice sessions")
PHONE_CALLS = Quota("phone", 3, timedelta(hours=1), "phone calls")

_USE_BYTES = 16


@asynccontextmanager
async def quota_slot(
    storage: Storage, clock: Clock, room_name: str, quota: Quota, *, free: tuple[type[BaseException], ...]
) -> AsyncIterator[None]:
    """Counts what is done inside as one use; none where it fails in a way that is `free`.

    Raises RateLimited where the quota is used up, before anything is done.
    """
    use, now = token_hex(_USE_BYTES), clock()
    next_at = None
    try:
        next_at = await storage.consume_quota(room_name, quota, use, now)
        if next_at is None:
            yield
    except free as error:
        # also where counting itself failed, since it may have been counted all the same
        seconds = 0 if isinstance(error, StorageUnavailable) else LONGEST_SECONDS
        if not await write_with_retry(lambda: storage.refund_quota(room_name, use), seconds=seconds):
            log.warning("room %s: one of its %s may count although it came to nothing", room_name, quota.what)
        raise
    if next_at is not None:
        raise _used_up(quota, next_at - now)


def _used_up(quota: Quota, wait: timedelta) -> RateLimited:
    seconds = max(1, ceil(wait.total_seconds()))
    return RateLimited(
        f"This room has had its {quota.most} {quota.what} an hour; try again in {ceil(seconds / 60)} min.",
        retry_after=seconds,
    )
