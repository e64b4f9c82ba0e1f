"""Retries a write while the database is unavailable. For facts that are stored nowhere else."""

from asyncio import sleep, timeout
from collections.abc import Awaitable, Callable

from services.errors import BudgetExhausted, RoomNotFound, StorageFull, StorageUnavailable

LONGEST_SECONDS = 10.0
PAUSE_SECONDS = 0.5


async def write_with_retry(write: Callable[[], Awaitable[None]], *, seconds: float = LONGEST_SECONDS) -> bool:
    """Whether the write succeeded within this time. With 0 seconds it is tried once."""
    try:
        async with timeout(seconds or None):
            while not await _is_written(write):
                if not seconds:
                    return False
                await sleep(PAUSE_SECONDS)
    except (TimeoutError, BudgetExhausted, StorageFull, RoomNotFound):
        return False
    return True


async def add_with_retry(add: Callable[[], Awaitable[int]]) -> int:
    """The version that was added, retrying for a few seconds while the database is unavailable. Raises its error."""
    versions: list[int] = []

    async def write() -> None:
        versions.append(await add())

    if not await write_with_retry(write):
        await write()  # raises the error
    return versions[-1]


async def _is_written(write: Callable[[], Awaitable[None]]) -> bool:
    try:
        await write()
    except StorageUnavailable:
        return False
    return True
