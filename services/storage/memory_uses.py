"""Uses of budgets, in memory."""

from collections.abc import Sequence
from datetime import datetime

from services.storage.budget_uses import CountedUse, bucket_of, find_exhausted
from services.storage.memory_rooms import USE_BYTES, MemoryRooms
from services.storage.records import BudgetUse, Exhausted


class MemoryUses(MemoryRooms):
    """The methods of `Storage` about budgets."""

    async def reserve_uses(self, reservation: str, uses: Sequence[BudgetUse], now: datetime) -> Exhausted | None:
        self._sweep()
        for use in uses:
            if use.room is not None:
                self._entry(use.room)
        if exhausted := find_exhausted(uses, {use.subject: self._counted(use.subject, now) for use in uses}):
            return exhausted
        self._evict_ended(len(uses) * USE_BYTES)
        for use in uses:
            self._set_use(use.subject, reservation, CountedUse(use.amount, now + use.window))
            if use.room is not None:
                self._rooms[use.room].subjects.add(use.subject)
        return None

    async def settle_uses(self, reservation: str, uses: Sequence[BudgetUse], amount: int) -> None:
        for use in uses:
            reserved = self._delete_use(use.subject, reservation)
            if reserved is None or amount == 0:
                continue
            bucket = bucket_of(reserved.ends_at, use.window)
            merged = self._uses.get(use.subject, {}).get(bucket, CountedUse(0, reserved.ends_at))
            ends_at = max(merged.ends_at, reserved.ends_at)
            self._set_use(use.subject, bucket, CountedUse(merged.amount + amount, ends_at))

    async def delete_expired_uses(self, now: datetime) -> int:
        return self._delete_expired_uses(now)

    def _counted(self, subject: str, now: datetime) -> list[CountedUse]:
        return [one for one in self._uses.get(subject, {}).values() if one.ends_at > now]

    def _set_use(self, subject: str, use_id: str, use: CountedUse) -> None:
        of_subject = self._uses.setdefault(subject, {})
        self._bytes += 0 if use_id in of_subject else USE_BYTES
        of_subject[use_id] = use
