"""Issues OpenAI Realtime client secrets for a simulated candidate, built from the room's briefing."""

import logging
from asyncio import CancelledError
from dataclasses import dataclass
from secrets import token_hex
from typing import NamedTuple

from services.access.budgets import Budgets
from services.briefing import BriefingFields
from services.errors import ServiceError
from services.openai_realtime import SECRET_SECONDS, ClientSecret, OpenAIRealtime
from services.prompts.voice_candidate import candidate_instructions
from services.storage.records import StoredRoom

log = logging.getLogger(__name__)

NOT_ISSUED = (ServiceError, CancelledError)
"""Errors after which no caller has a secret, so that none counts."""

_NONCE_BYTES = 16
_NO_BRIEFING = "No briefing is saved for this room, so the candidate has no resume and knows no job."
_EMULATED = "This secret is emulated, as the whole of OpenAI is while SANDBOX is on: no voice answers at calls_url."


class VoiceSession(NamedTuple):
    """A client secret, and warnings about what the candidate does not know."""

    secret: ClientSecret
    warnings: list[str]


@dataclass(frozen=True, slots=True)
class VoiceCandidate:
    """Issues client secrets for sessions in which the model plays the candidate."""

    openai: OpenAIRealtime
    budgets: Budgets

    async def for_room(self, interview: StoredRoom, voice: str | None, expires_in_seconds: int) -> VoiceSession:
        """A secret for this room's candidate. Raises RateLimited after 30 an hour for the room."""
        room, briefing = interview.room, interview.briefing
        profile = briefing or (BriefingFields(candidate_name=room.candidate_name) if room.candidate_name else None)
        async with self.budgets.voice_session(room.name, free=NOT_ISSUED):
            issued = await self._issue(profile, voice, expires_in_seconds, f"room:{room.name}")
        return issued if briefing else VoiceSession(issued.secret, [_NO_BRIEFING, *issued.warnings])

    async def for_page(self, profile: BriefingFields | None, caller: str) -> VoiceSession:
        """A secret for a candidate described in the request, for a browser that connects at once."""
        return await self._issue(profile, None, SECRET_SECONDS, f"caller:{caller}")

    async def _issue(
        self, profile: BriefingFields | None, voice: str | None, expires_in_seconds: int, safety_identifier: str
    ) -> VoiceSession:
        instructions = candidate_instructions(profile, token_hex(_NONCE_BYTES))
        secret = await self.openai.create_client_secret(
            instructions=instructions.text,
            voice=voice,
            expires_in_seconds=expires_in_seconds,
            safety_identifier=safety_identifier,
        )
        log.info("voice session %s is ready", secret.session_id)
        warnings = [*instructions.warnings, *([_EMULATED] if self.openai.is_emulated else [])]
        return VoiceSession(secret, warnings)
