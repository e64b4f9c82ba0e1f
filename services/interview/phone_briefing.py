"""Phone briefing: one call that briefs the interviewer before the interview. A call is never placed a second time."""

import logging
from collections.abc import Collection
from dataclasses import dataclass
from secrets import token_hex
from typing import NamedTuple

from services.access.budgets import Budgets
from services.access.idempotency import Unrepeatable
from services.briefing import Briefing
from services.clock import Clock
from services.errors import (
    BriefingNotFound,
    BudgetExhausted,
    InvalidInput,
    PhoneCallNotFound,
    PhoneCallUncertain,
    ProviderNotConfigured,
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

NOT_DIALLED = (
    BriefingNotFound,
    BudgetExhausted,
    CallRefused,
    InvalidInput,
    ProviderNotConfigured,
    ProviderUnavailable,
    RateLimited,
    RoomNotFound,
    StorageFull,
    StorageUnavailable,
)
"""Errors after which certainly no call was placed. Storage errors count: storage is not used while dialling."""
DIALS_ONCE = Unrepeatable(NOT_DIALLED, PhoneCallUncertain)

_NONCE_BYTES = 16
_NOT_RECORDED = "The call is placed but could not be recorded, so it can't be looked up here."


class PlacedCall(NamedTuple):
    """A call that Vapi has accepted. A call that is not recorded can't be looked up."""

    call: PhoneCall
    is_recorded: bool

    @property
    def warnings(self) -> list[str]:
        """Warnings for the caller."""
        return [] if self.is_recorded else [_NOT_RECORDED]


@dataclass(frozen=True, slots=True)
class PhoneBriefing:
    """The phone calls of one room to its interviewer."""

    vapi: Vapi
    storage: Storage
    clock: Clock
    budgets: Budgets
    interview: StoredRoom

    async def call(self, phone_number: str, allowed_countries: Collection[str], caller: str) -> PlacedCall:
        """Phone the interviewer and brief them from the stored briefing.

        Raises InvalidInput, BriefingNotFound, what `Budgets.phone_call` raises for the caller, the room and the
        number, and what `Vapi.place_briefing_call` raises.
        """
        number = check_phone_number(phone_number, allowed_countries)
        briefing = self.interview.briefing
        if briefing is None:
            raise BriefingNotFound
        self.vapi.require_configured()
        async with self.budgets.phone_call(caller, self.interview.room.name, number, free=NOT_DIALLED):
            call = await self._dial(number, briefing)
        return PlacedCall(call, await self._record(call))

    async def look_up(self, call_id: str) -> PhoneCallState:
        """The state of a call that this room placed. Raises PhoneCallNotFound for any other call."""
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
        """Whether the call was recorded. A failure is no error of the call, because the phone rings already."""
        name = self.interview.room.name
        log.info("room %s placed call %s", name, call.call_id)
        now = self.clock()
        is_recorded = await write_with_retry(lambda: self.storage.add_phone_call(name, call.call_id, now))
        if not is_recorded:
            log.warning("call %s of room %s is not recorded", call.call_id, name)
        return is_recorded
