"""Budgets: how much of models and of the phone each caller may use, counted in the storage for all processes.

An upper estimate is reserved before the work and settled after it to what it took. A reservation whose process was
killed counts until its window has passed.
"""

import asyncio
import hmac
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime, timedelta
from hashlib import sha256
from secrets import token_bytes, token_hex
from typing import NamedTuple

from config import Settings
from services.access.background import BackgroundTasks
from services.clock import Clock
from services.errors import (
    BudgetExhausted,
    InvalidInput,
    PayloadTooLarge,
    ProviderNotConfigured,
    ProviderUnavailable,
    RateLimited,
    RoomNotFound,
    ServiceError,
    StorageFull,
    StorageUnavailable,
)
from services.storage.protocol import Storage
from services.storage.records import BudgetUse, Exhausted
from services.storage.retrying import LONGEST_SECONDS, write_with_retry
from services.text.durations import in_words, whole_seconds

log = logging.getLogger(__name__)

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
ROOM_PHONE_CALLS = 3
ROOM_VOICE_SESSIONS = 30
NO_TOKENS_USED = (
    BudgetExhausted,
    InvalidInput,
    PayloadTooLarge,
    ProviderNotConfigured,
    ProviderUnavailable,
    RateLimited,
    RoomNotFound,
    StorageFull,
    StorageUnavailable,
)
"""Errors after which the model certainly charged nothing, unless the reservation was settled before."""

_RESERVATION_BYTES = 16


class Budget(NamedTuple):
    """Maximum amount in any window; 0 is unlimited. `sentence` says what was used, with `used` and `most`."""

    name: str
    most: int
    window: timedelta
    sentence: str
    error: type[ServiceError] = BudgetExhausted


class _Charge(NamedTuple):
    """An amount charged to one budget. `whose` is an id that contains no personal data."""

    budget: Budget
    whose: str
    amount: int = 1
    room: str | None = None

    def use(self) -> BudgetUse:
        budget = self.budget
        return BudgetUse(f"{budget.name}:{self.whose}", self.amount, budget.most, budget.window, self.room)


class Reservation:
    """A reservation. Settle it to the amount that the work took, as soon as that is known; the last call counts."""

    def __init__(self, amount: int) -> None:
        self.amount = amount
        self._settled: int | None = None

    def settle(self, amount: int) -> None:
        self._settled = amount

    def final_amount(self, *, is_free: bool) -> int:
        """The amount that counts: the settled one, else the estimate, or 0 if the failed work cost nothing."""
        if self._settled is not None:
            return self._settled
        return 0 if is_free else self.amount

    @asynccontextmanager
    async def part(self, amount: int) -> AsyncIterator["Reservation"]:
        """One of several pieces of work under this reservation, which is settled to the sum of what they took.

        A part whose error is one of `NO_TOKENS_USED` takes nothing.
        """
        part = Reservation(amount)
        is_free = False
        try:
            yield part
        except NO_TOKENS_USED:
            is_free = True
            raise
        finally:
            self.settle((self._settled or 0) + part.final_amount(is_free=is_free))


class Budgets:
    """Reserves amounts of budgets for the duration of a block.

    `phone_secret` keys the hashes of phone numbers. All processes share it, and it is not in the database.
    """

    def __init__(self, storage: Storage, clock: Clock, settings: Settings, phone_secret: bytes) -> None:
        self._storage = storage
        self._clock = clock
        self._phone_secret = phone_secret
        self._background = BackgroundTasks()
        calls = settings.phone_budget
        self._tokens = Budget(
            "model_tokens", settings.model_budget, DAY, "You have used {used:,} of your {most:,} model tokens a day"
        )
        self._caller_calls = Budget(
            "caller_phone_calls", calls.per_day, DAY, "You have placed {used} of your {most} phone calls a day"
        )
        self._number_calls_a_day = Budget(
            "number_phone_calls_a_day", calls.per_day, DAY, "This number was called {used} times, of {most} a day"
        )
        self._number_calls_an_hour = Budget(
            "number_phone_calls_an_hour", calls.per_hour, HOUR, "This number was called {used} times, of {most} an hour"
        )
        self._room_calls = Budget(
            "room_phone_calls",
            ROOM_PHONE_CALLS,
            HOUR,
            "This room has placed {used} of its {most} phone calls an hour",
            RateLimited,
        )
        self._room_sessions = Budget(
            "room_voice_sessions",
            ROOM_VOICE_SESSIONS,
            HOUR,
            "This room has started {used} of its {most} voice sessions an hour",
            RateLimited,
        )

    def model_tokens(
        self, caller: str, estimate: int, *, free: tuple[type[BaseException], ...] = NO_TOKENS_USED
    ) -> AbstractAsyncContextManager[Reservation]:
        """Reserve tokens of the caller's day. Raises BudgetExhausted."""
        return self._reserved([_Charge(self._tokens, _digest(caller), estimate)], free)

    def phone_call(
        self, caller: str, room: str, number: str, *, free: tuple[type[BaseException], ...]
    ) -> AbstractAsyncContextManager[Reservation]:
        """Reserve one call of the room's hour, of the caller's day, and of the number's hour and day.

        Raises RateLimited for the room and BudgetExhausted for the others.
        """
        hashed = hmac.digest(self._phone_secret, number.encode(), sha256).hex()
        charges = [
            _Charge(self._room_calls, room, room=room),
            _Charge(self._caller_calls, _digest(caller)),
            _Charge(self._number_calls_an_hour, hashed),
            _Charge(self._number_calls_a_day, hashed),
        ]
        return self._reserved(charges, free)

    def voice_session(
        self, room: str, *, free: tuple[type[BaseException], ...]
    ) -> AbstractAsyncContextManager[Reservation]:
        """Reserve one voice session of the room's hour. Raises RateLimited."""
        return self._reserved([_Charge(self._room_sessions, room, room=room)], free)

    @asynccontextmanager
    async def _reserved(
        self, charges: Sequence[_Charge], free: tuple[type[BaseException], ...]
    ) -> AsyncIterator[Reservation]:
        limited = [charge for charge in charges if charge.budget.most]
        reservation = Reservation(charges[0].amount)
        reservation_id = token_hex(_RESERVATION_BYTES)
        uses = await self._reserve(reservation_id, limited) if limited else ()
        failure: BaseException | None = None
        try:
            yield reservation
        except BaseException as error:
            failure = error
            raise
        finally:
            if uses:
                amount = reservation.final_amount(is_free=isinstance(failure, free))
                if self._storage.is_ephemeral:
                    await self._storage.settle_uses(reservation_id, uses, amount)
                else:
                    await self._background.run_shielded(self._settle(reservation_id, uses, amount, failure))

    async def _reserve(self, reservation_id: str, charges: Sequence[_Charge]) -> Sequence[BudgetUse]:
        """Reserve. When cancelled meanwhile, remove the reservation as soon as the storage has answered."""
        now, uses = self._clock(), [charge.use() for charge in charges]
        reserve = self._storage.reserve_uses(reservation_id, uses, now)
        if self._storage.is_ephemeral:
            exhausted = await reserve
        else:
            reserving = self._background.start(reserve)
            try:
                exhausted = await asyncio.shield(reserving)
            except asyncio.CancelledError as error:
                self._background.start(self._remove(reserving, reservation_id, uses, error))
                raise
        if exhausted is not None:
            raise _error(charges[uses.index(exhausted.use)].budget, exhausted, now)
        return uses

    async def _remove(
        self,
        reserving: "asyncio.Task[Exhausted | None]",
        reservation_id: str,
        uses: Sequence[BudgetUse],
        failure: BaseException,
    ) -> None:
        await asyncio.wait([reserving])
        await self._settle(reservation_id, uses, 0, failure)

    async def _settle(
        self, reservation_id: str, uses: Sequence[BudgetUse], amount: int, failure: BaseException | None
    ) -> None:
        """Retries a refund while the storage is unavailable, unless that is why the work failed."""
        is_retried = amount == 0 and not isinstance(failure, StorageUnavailable)
        if not await write_with_retry(
            lambda: self._storage.settle_uses(reservation_id, uses, amount),
            seconds=LONGEST_SECONDS if is_retried else 0,
        ):
            log.warning("a reservation of %s could not be settled: its estimate counts", uses[0].subject)


def _digest(caller: str) -> str:
    return sha256(caller.encode()).hexdigest()


def phone_secret(settings: Settings) -> bytes:
    """A secret that all processes derive from the Vapi key, without which no call can be placed.

    With the database alone a number can't be found from its hash by trying all numbers. In the sandbox, where no key is
    set and no phone rings, each process has its own.
    """
    if settings.vapi_api_key is None:
        return token_bytes()
    return hmac.digest(settings.vapi_api_key.get_secret_value().encode(), b"phone numbers in budgets", sha256)


def _error(budget: Budget, exhausted: Exhausted, now: datetime) -> ServiceError:
    used, need = exhausted.used, exhausted.use.amount
    state = budget.sentence.format(used=used, most=budget.most)
    if need > 1:
        state += f", and this needs up to {need:,}"
    if exhausted.free_at is None:
        return budget.error(f"{state}: more than the whole budget; send less.")
    wait = exhausted.free_at - now
    return budget.error(f"{state}; try again in {in_words(wait)}.", retry_after=whole_seconds(wait))
