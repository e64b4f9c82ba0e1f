"""The phone briefing: one call to the interviewer before the interview, never a second one by itself."""

import logging
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from json import dumps
from secrets import token_hex
from typing import NamedTuple

from services.access.quotas import PHONE_CALLS, quota_slot
from services.briefing import Briefing
from services.clock import Clock
from services.errors import (
    BriefingNotFound,
    IdempotencyMismatch,
    InvalidInput,
    PhoneCallNotFound,
    PhoneCallUncertain,
    ProviderUnavailable,
    RateLimited,
    RoomNotFound,
    StorageFull,
    StorageUnavailable,
)
from services.interview.phone_numbers import check_phone_number
from services.prompts.phone import spoken_briefing
from services.storage.protocol import Storage
from services.storage.records import StoredRoom
from services.storage.retrying import write_with_retry
from services.vapi import CallRefused, PhoneCall, PhoneCallState, Vapi

log = logging.getLogger(__name__)

DIALLED_FOR = timedelta(hours=24)
"""How long an attempt at a call is remembered: as long as its idempotency key is."""

NOT_DIALLED = (
    RateLimited,
    InvalidInput,
    ProviderUnavailable,
    CallRefused,
    StorageUnavailable,
    StorageFull,
    RoomNotFound,
)
"""Failures after which it is certain that no phone rang. The storage is asked before dialling, and then only once the
attempt is over."""

_NONCE_BYTES = 16
_NOT_RECORDED = "The call is placed but could not be recorded, so it can't be looked up here."


class PlacedCall(NamedTuple):
    """A call that Vapi has taken on. One that is not recorded can't be looked up."""

    call: PhoneCall
    is_recorded: bool

    @property
    def warnings(self) -> list[str]:
        """What its user should know."""
        return [] if self.is_recorded else [_NOT_RECORDED]


@dataclass(frozen=True, slots=True)
class PhoneBriefing:
    """Phones one room's interviewer, and tells how that went."""

    vapi: Vapi
    storage: Storage
    clock: Clock
    interview: StoredRoom

    async def call(self, phone_number: str, allowed_countries: Collection[str], attempt: str | None) -> PlacedCall:
        """Phone them and brief them from the stored briefing: three times in any hour for a room at most.

        `attempt` is the caller with their idempotency key. An attempt whose end nobody
        knows may have rung the phone, so the same one never dials again. Raises
        InvalidInput, BriefingNotFound, RateLimited, PhoneCallUncertain, and what `Vapi` raises.
        """
        number = check_phone_number(phone_number, allowed_countries)
        briefing = self.interview.briefing
        if briefing is None:
            raise BriefingNotFound
        self.vapi.require_configured()
        room = self.interview.room
        async with (
            self._once(attempt, number),
            quota_slot(self.storage, self.clock, room.name, PHONE_CALLS, free=NOT_DIALLED),
        ):
            call = await self._dial(number, briefing)
        return PlacedCall(call, await self._record(call))

    async def look_up(self, call_id: str) -> PhoneCallState:
        """How a call of this room goes, or went. Raises PhoneCallNotFound for a call that is not this room's."""
        if not await self.storage.has_phone_call(self.interview.room.name, call_id):
            raise PhoneCallNotFound
        return await self.vapi.get_call(call_id)

    async def _dial(self, number: str, briefing: Briefing) -> PhoneCall:
        room = self.interview.room
        return await self.vapi.place_briefing_call(
            phone_number=number,
            interviewer_name=room.created_by,
            room_name=room.name,
            variables={"briefing": spoken_briefing(briefing)},
            nonce=token_hex(_NONCE_BYTES),
        )

    async def _record(self, call: PhoneCall) -> bool:
        """The phone rings: that this could not be recorded must not look as if no call was placed."""
        name = self.interview.room.name
        log.info("room %s placed call %s", name, call.call_id)
        now = self.clock()
        is_recorded = await write_with_retry(lambda: self.storage.add_phone_call(name, call.call_id, now))
        if not is_recorded:
            log.warning("call %s of room %s is not recorded", call.call_id, name)
        return is_recorded

    @asynccontextmanager
    async def _once(self, attempt: str | None, number: str) -> AsyncIterator[None]:
        """Lets this attempt dial once, and this number only. That is known even after a crash in the middle of it."""
        if attempt is None:
            yield
            return
        slot = _digest("dial", self.interview.room.name, attempt)
        # with the attempt, since whoever finds a hash of the number alone finds the number
        fingerprint = _digest(attempt, number)
        now = self.clock()
        lease = now + DIALLED_FOR
        try:
            begun = await self.storage.claim_slot(slot, fingerprint, now, lease, lease)
            if begun.state == "mismatch":
                raise IdempotencyMismatch("This Idempotency-Key was used with another number; send a new key.")
            if begun.state != "started":
                raise PhoneCallUncertain
            yield
        except NOT_DIALLED as error:
            # also where beginning itself failed, since the slot may be taken all the same, then under this lease
            is_storage_there = not isinstance(error, StorageUnavailable)
            if not await write_with_retry(lambda: self._let_go(slot, lease, now), in_background=is_storage_there):
                log.warning("room %s: an attempt that dialled nobody can't be repeated", self.interview.room.name)
            raise

    async def _let_go(self, slot: str, held: datetime, now: datetime) -> None:
        """Free the slot, where it is held under this lease and no other."""
        await self.storage.renew_slot(slot, held, now)


def _digest(*parts: str) -> str:
    return sha256(dumps(parts).encode()).hexdigest()
