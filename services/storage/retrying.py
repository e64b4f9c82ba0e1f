"""What has to be written down although the database is away for a moment: nobody else knows it."""

from asyncio import sleep, timeout
from collections.abc import Awaitable, Callable

from services.errors import RoomNotFound, StorageFull, StorageUnavailable

PATIENCE_SECONDS = 10.0
PAUSE_SECONDS = 0.5


async def write_with_retry(write: Callable[[], Awaitable[None]], *, in_background: bool = True) -> bool:
    """Whether it could be written: at once or, for the patient, within ten seconds."""
    try:
        async with timeout(PATIENCE_SECONDS):
            while not await _is_written(write):
                if not in_background:
                    return False
                await sleep(PAUSE_SECONDS)
    except (TimeoutError, StorageFull, RoomNotFound):
        return False
    return True


async def _is_written(write: Callable[[], Awaitable[None]]) -> bool:
    try:
        await write()
    except StorageUnavailable:
        return False
    return True
