"""What has to be written down although the database is away for a moment: nobody else knows it."""

from asyncio import sleep, timeout
from collections.abc import Awaitable, Callable

from services.errors import RoomNotFound, StorageFull, StorageUnavailable

PATIENCE_SECONDS = 10.0
PAUSE_SECONDS = 0.5


async def write_down(write: Callable[[], Awaitable[None]]) -> bool:
    """Whether it could be written, at once or within ten seconds."""
    try:
        async with timeout(PATIENCE_SECONDS):
            await _once_it_can_be(write)
    except (TimeoutError, StorageFull, RoomNotFound):
        return False
    return True


async def _once_it_can_be(write: Callable[[], Awaitable[None]]) -> None:
    while True:
        try:
            await write()
        except StorageUnavailable:
            await sleep(PAUSE_SECONDS)
        else:
            return
