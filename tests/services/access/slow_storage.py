"""Storages that respond late, as over a network."""

import asyncio
from collections.abc import Callable
from datetime import datetime

from services.errors import StorageUnavailable
from services.storage.memory import MemoryStorage
from services.storage.records import Claim, StoredResponse


class SlowStorage(MemoryStorage):
    """Answers late about slots. `was_asked` is set while it does."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        super().__init__(clock)
        self.was_asked = asyncio.Event()

    async def claim_slot(self, *arguments, **named) -> Claim:
        claim = await super().claim_slot(*arguments, **named)
        self.was_asked.set()
        await asyncio.sleep(0.01)
        return claim

    async def complete_slot(self, slot: str, response: StoredResponse, room: str | None, until: datetime) -> None:
        self.was_asked.set()
        await asyncio.sleep(0.01)
        await super().complete_slot(slot, response, room, until)

    async def release_slot(self, slot: str) -> None:
        await asyncio.sleep(0.01)
        await super().release_slot(slot)


class RenewingStorage(MemoryStorage):
    """Reports renewals, holds them back until `next_renewal`, and may fail the first one."""

    def __init__(self, clock: Callable[[], datetime], *, fails_first: bool = False) -> None:
        super().__init__(clock)
        self._renewals: asyncio.Queue[bool] = asyncio.Queue()
        self._may_renew = asyncio.Event()
        self._fails = fails_first

    async def next_renewal(self) -> bool:
        """Whether the next renewal succeeds."""
        self._may_renew.set()
        self._renewals = asyncio.Queue()
        return await self._renewals.get()

    async def renew_slot(self, slot: str, old_lease: datetime, new_lease: datetime) -> bool:
        await self._may_renew.wait()
        if self._fails:
            self._fails = False
            raise StorageUnavailable("It does not answer.")
        is_renewed = await super().renew_slot(slot, old_lease, new_lease)
        self._renewals.put_nowait(is_renewed)
        return is_renewed
