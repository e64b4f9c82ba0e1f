"""Issues OpenAI Realtime client secrets for a simulated candidate, built from the room's briefing."""

import logging
from asyncio import CancelledError
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from json import dumps
from secrets import token_hex
from typing import NamedTuple

from pydantic import TypeAdapter

from services.access.budgets import Budgets
from services.access.idempotency import Idempotency, KeyedRequest
from services.briefing import BriefingFields
from services.errors import ServiceError
from services.openai_realtime import SECRET_SECONDS, ClientSecret, OpenAIRealtime
from services.prompts.voice_candidate import candidate_instructions
from services.storage.records import StoredResponse, StoredRoom

log = logging.getLogger(__name__)

NOT_ISSUED = (ServiceError, CancelledError)
"""Errors after which no secret was issued, so that the session does not count."""

TIME_TO_CONNECT = timedelta(seconds=5)
"""Minimum time left of a secret that is returned again."""

_NONCE_BYTES = 16
_NO_BRIEFING = "No briefing is saved for this room, so the candidate has no resume and knows no job."
_EMULATED = "This secret is emulated, as the whole of OpenAI is while SANDBOX is on: no voice answers at calls_url."


class VoiceSession(NamedTuple):
    """A client secret, and warnings about what the candidate does not know."""

    secret: ClientSecret
    warnings: list[str]


_VOICE_SESSION = TypeAdapter(VoiceSession)


@dataclass(frozen=True, slots=True)
class VoiceCandidate:
    """Issues client secrets for sessions in which the model plays the candidate.

    The same request of the same caller gets the same secret while that is valid: a page that asks again and again uses
    up neither its room's sessions nor OpenAI's limits.
    """

    openai: OpenAIRealtime
    budgets: Budgets
    once: Idempotency
    caller: str

    async def for_room(self, interview: StoredRoom, voice: str | None, expires_in_seconds: int) -> VoiceSession:
        """A secret for this room's candidate. Raises RateLimited after 30 an hour for the room."""
        room, briefing = interview.room, interview.briefing
        profile = briefing or (BriefingFields(candidate_name=room.candidate_name) if room.candidate_name else None)

        async def issue() -> VoiceSession:
            async with self.budgets.voice_session(room.name, free=NOT_ISSUED):
                issued = await self._issue(profile, voice, expires_in_seconds, f"room:{room.name}")
            return issued if briefing else VoiceSession(issued.secret, [_NO_BRIEFING, *issued.warnings])

        return await self._issue_once(issue, [room.name, voice, expires_in_seconds, _document(briefing)], room.name)

    async def for_page(self, profile: BriefingFields) -> VoiceSession:
        """A secret for a candidate described in the request, for a browser that connects immediately."""

        async def issue() -> VoiceSession:
            return await self._issue(profile, None, SECRET_SECONDS, f"caller:{self.caller}")

        return await self._issue_once(issue, ["page", _document(profile)])

    async def _issue_once(
        self, issue: Callable[[], Awaitable[VoiceSession]], made_of: list[str | int | None], room: str | None = None
    ) -> VoiceSession:
        """The valid session that was issued for the same input, else a new one."""
        same = sha256(dumps(made_of).encode()).hexdigest()

        async def work() -> StoredResponse:
            session = await issue()
            reusable_until = session.secret.expires_at - TIME_TO_CONNECT
            return StoredResponse(200, (), _VOICE_SESSION.dump_json(session), expires_at=reusable_until)

        async with self.once.lock(f"voice session {self.caller} {same}"):
            stored = await self.once.run(KeyedRequest(self.caller, "voice session", same, b"", room), work)
        return _VOICE_SESSION.validate_json(stored.body)

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


def _document(briefing: BriefingFields | None) -> str | None:
    return briefing.model_dump_json() if briefing else None
