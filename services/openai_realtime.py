"""OpenAI Realtime: short-lived secrets with which a browser talks to the voice candidate.

https://developers.openai.com/api/docs/guides/realtime

The older `POST /realtime/sessions` and its handshake at `/realtime?model=` were
switched off on 2026-05-12. A browser now posts its SDP offer to `calls_url`.
"""

import logging
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from hashlib import sha256
from typing import Annotated, Any, NamedTuple

from pydantic import BaseModel, Field, ValidationError

from config import Settings
from services.errors import (
    FieldError,
    InvalidInput,
    ProviderBadAnswer,
    ProviderNotConfigured,
    ProviderUnavailable,
)
from services.upstream.client import VendorClient
from services.upstream.responses import InvalidAsNone, MappedError, VendorResponse, error_by_status

log = logging.getLogger(__name__)

SHORTEST_SECRET_SECONDS = 10
LONGEST_SECRET_SECONDS = 7200
SECRET_SECONDS = 60
"""Enough for a browser that connects at once. A secret starts any number of sessions until it expires."""

MAX_OUTPUT_TOKENS = 4096
"""The most that one answer can be allowed: about three minutes of speech. Without it there is no cap at all."""

OUTPUT_MODALITIES = ("audio",)
"""Audio comes with its transcript; `text` can't be asked for beside it."""

VOICES = ("marin", "cedar", "alloy", "ash", "ballad", "coral", "echo", "sage", "shimmer", "verse")

_CUSTOM_VOICE = re.compile(r"voice_[A-Za-z0-9_-]+")
_IDENTIFIER = re.compile(r"[A-Za-z0-9_.\[\]-]{1,120}")


class Lifetime(NamedTuple):
    """How long a model goes on working, as far as its vendor has said."""

    shutdown: date | None = None
    successor: str | None = None


_REALTIME_ENDS = date(2027, 1, 20)
_TRANSCRIPTION_ENDS = date(2027, 2, 26)

REALTIME_MODELS: Mapping[str, Lifetime] = {
    "gpt-realtime-2.1-mini": Lifetime(),
    "gpt-realtime-2.1": Lifetime(),
    "gpt-realtime-2": Lifetime(),
    "gpt-realtime-1.5": Lifetime(),
    "gpt-realtime": Lifetime(_REALTIME_ENDS, "gpt-realtime-2.1"),
    "gpt-realtime-2025-08-28": Lifetime(_REALTIME_ENDS, "gpt-realtime-2.1"),
    "gpt-realtime-mini": Lifetime(_REALTIME_ENDS, "gpt-realtime-2.1-mini"),
    "gpt-realtime-mini-2025-12-15": Lifetime(_REALTIME_ENDS, "gpt-realtime-2.1-mini"),
    "gpt-audio-mini": Lifetime(_REALTIME_ENDS, "gpt-realtime-2.1-mini"),
}
TRANSCRIPTION_MODELS: Mapping[str, Lifetime] = {
    "gpt-transcribe": Lifetime(),
    "gpt-live-transcribe": Lifetime(),
    "gpt-realtime-whisper": Lifetime(),
    "whisper-1": Lifetime(_TRANSCRIPTION_ENDS, "gpt-transcribe"),
    "gpt-4o-transcribe": Lifetime(_TRANSCRIPTION_ENDS, "gpt-transcribe"),
    "gpt-4o-mini-transcribe": Lifetime(_TRANSCRIPTION_ENDS, "gpt-transcribe"),
    "gpt-4o-mini-transcribe-2025-12-15": Lifetime(_TRANSCRIPTION_ENDS, "gpt-transcribe"),
    "gpt-4o-transcribe-diarize": Lifetime(_TRANSCRIPTION_ENDS, "gpt-transcribe"),
}
"""Both as known on 2026-11-23. A secret is minted for any name, so nothing else would tell at start."""

_OUT_OF_MONEY = frozenset({"insufficient_quota", "credit_balance_exhausted"})
_NOT_ALLOWED = (
    "OpenAI does not let this server's key use the voice model; whoever runs this server should check "
    "the project of OPENAI_API_KEY and OPENAI_REALTIME_MODEL."
)
_NOT_ACCEPTED = (
    "OpenAI did not accept the voice session; whoever runs this server should check OPENAI_BASE_URL, "
    "OPENAI_REALTIME_MODEL, OPENAI_REALTIME_VOICE and OPENAI_TRANSCRIPTION_MODEL."
)


@dataclass(frozen=True, slots=True)
class ClientSecret:
    """A short-lived key for one browser. It opens sessions that already know their instructions."""

    value: str = field(repr=False)
    expires_at: datetime
    session_id: str
    model: str
    modalities: list[str]
    calls_url: str
    """Where the browser posts its SDP offer, with the secret as bearer."""


class _Session(BaseModel):
    id: str = Field(min_length=1, max_length=200)
    model: Annotated[str | None, Field(min_length=1, max_length=200), InvalidAsNone] = None
    output_modalities: Annotated[list[str] | None, InvalidAsNone] = None


class _ClientSecretAnswer(BaseModel):
    value: str = Field(min_length=1, max_length=4096, pattern=r"^[!-~]+$")
    expires_at: int = Field(gt=0, lt=253_402_300_800)
    session: _Session


class _Error(BaseModel):
    type: Annotated[str | None, InvalidAsNone] = None
    code: Annotated[str | int | None, InvalidAsNone] = None
    param: Annotated[str | None, InvalidAsNone] = None


class _ErrorAnswer(BaseModel):
    error: _Error = _Error()


class OpenAIRealtime:
    """The one call we make: a client secret for a session that is ready to talk."""

    def __init__(self, upstream: VendorClient, settings: Settings) -> None:
        self._upstream = upstream
        self._settings = settings
        self._calls_url = f"{settings.openai_base_url}/realtime/calls"
        self.is_emulated = "openai" in settings.sandbox
        self.is_configured = settings.providers["openai"] != "not_configured"

    def _choose_voice(self, asked: str | None) -> str:
        """The voice to speak with, the setting's where none is asked for. Raises InvalidInput for an unknown one."""
        if asked is None or asked == self._settings.openai_realtime_voice:
            return self._settings.openai_realtime_voice
        if asked not in VOICES:
            detail = f"There is no such voice; choose one of {', '.join(VOICES)}."
            raise InvalidInput(detail, errors=[FieldError("voice", detail)])
        return asked

    async def create_client_secret(
        self, *, instructions: str, voice: str | None, expires_in_seconds: int, safety_identifier: str
    ) -> ClientSecret:
        """A secret that lives for 10 to 7200 seconds. `safety_identifier` leaves here as a hash only.

        https://developers.openai.com/api/reference/resources/realtime/subresources/client_secrets

        Raises InvalidInput for a voice we don't know, ProviderNotConfigured,
        ProviderUnavailable, ProviderBadAnswer or ProviderTimeout.
        """
        voice = self._choose_voice(voice)
        if not self.is_configured:
            raise ProviderNotConfigured("OpenAI", "OPENAI_API_KEY")
        answer = await self._upstream.call(
            "POST",
            "/realtime/client_secrets",
            repeatable=True,  # a secret that nobody received just expires
            json={
                "expires_after": {"anchor": "created_at", "seconds": expires_in_seconds},
                "session": self._session(instructions, voice),
            },
            headers={"OpenAI-Safety-Identifier": sha256(safety_identifier.encode()).hexdigest()},
        )
        return self._client_secret(answer)

    def _session(self, instructions: str, voice: str) -> dict[str, Any]:
        return {
            "type": "realtime",
            "model": self._settings.openai_realtime_model,
            "instructions": instructions,
            "output_modalities": [*OUTPUT_MODALITIES],
            "max_output_tokens": MAX_OUTPUT_TOKENS,
            "audio": {
                "input": {
                    "transcription": {"model": self._settings.openai_transcription_model},
                    "noise_reduction": {"type": "near_field"},
                    "turn_detection": {"type": "semantic_vad", "eagerness": "auto"},
                },
                "output": {"voice": {"id": voice} if _CUSTOM_VOICE.fullmatch(voice) else voice},
            },
        }

    def _client_secret(self, answer: VendorResponse) -> ClientSecret:
        """Only what the browser needs: the session that OpenAI echoes holds the instructions.

        What it leaves out of the echo stands as we asked for it.
        """
        try:
            minted = _ClientSecretAnswer.model_validate_json(answer.content)
        except ValidationError:
            raise ProviderBadAnswer("OpenAI answered without a usable client secret; try again.") from None
        return ClientSecret(
            value=minted.value,
            expires_at=datetime.fromtimestamp(minted.expires_at, UTC),
            session_id=minted.session.id,
            model=minted.session.model or self._settings.openai_realtime_model,
            modalities=[*(minted.session.output_modalities or OUTPUT_MODALITIES)],
            calls_url=self._calls_url,
        )


def map_error(answer: VendorResponse) -> MappedError:
    """What OpenAI's error answers mean (https://developers.openai.com/docs/guides/error-codes)."""
    error = _error(answer)
    log.warning(
        "OpenAI refused: status=%d type=%s code=%s param=%s request=%s",
        answer.status,
        *map(_printable, (error.type, error.code, error.param, answer.headers.get("x-request-id"))),
    )
    match answer.status:
        case 429 if _OUT_OF_MONEY & {error.type, error.code}:
            return MappedError(
                ProviderUnavailable("OpenAI reports that this server's credit is used up; top it up there.")
            )
        case 403:
            return MappedError(ProviderUnavailable(_NOT_ALLOWED))
        case 400 | 404:
            return MappedError(ProviderBadAnswer(_NOT_ACCEPTED))
        case _:
            return error_by_status("OpenAI", answer, "OPENAI_API_KEY")


def warnings_about(settings: Settings, today: date) -> list[str]:
    """Sentences for the log at start: models that will be shut down, and names that nobody knows."""
    return [
        *_model_warnings("OPENAI_REALTIME_MODEL", settings.openai_realtime_model, REALTIME_MODELS, today),
        *_model_warnings(
            "OPENAI_TRANSCRIPTION_MODEL", settings.openai_transcription_model, TRANSCRIPTION_MODELS, today
        ),
        *_voice_warnings(settings.openai_realtime_voice),
    ]


def _error(answer: VendorResponse) -> _Error:
    try:
        return _ErrorAnswer.model_validate_json(answer.content).error
    except ValidationError:
        return _Error()


def _printable(identifier: str | int | None) -> str:
    """An identifier for the log; anything else that a vendor writes stays out of it."""
    text = str(identifier)
    return text if identifier is not None and _IDENTIFIER.fullmatch(text) else "-"


def _model_warnings(variable: str, model: str, known: Mapping[str, Lifetime], today: date) -> Iterator[str]:
    lifetime = known.get(model)
    if lifetime is None:
        yield f"{variable}={model} is not among the models known to work; sessions may be refused when they start."
    elif lifetime.shutdown is not None:
        verb = "was" if lifetime.shutdown <= today else "will be"
        yield f"{variable}={model} {verb} shut down by OpenAI on {lifetime.shutdown}; set it to {lifetime.successor}."


def _voice_warnings(voice: str) -> Iterator[str]:
    if voice not in VOICES and not _CUSTOM_VOICE.fullmatch(voice):
        yield f"OPENAI_REALTIME_VOICE={voice} is not among the voices known to work: {', '.join(VOICES)}."
