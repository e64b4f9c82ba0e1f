"""OpenAI Realtime: short-lived client secrets for a browser that talks to the voice candidate.

https://developers.openai.com/api/docs/guides/realtime

The beta's `POST /realtime/sessions` and its handshake at `/realtime?model=` were switched off on 2026-05-12. A browser
now posts its SDP offer to `calls_url`.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, Field, ValidationError

from config import Settings
from services.errors import FieldError, InvalidInput, ProviderBadAnswer, ProviderNotConfigured, ProviderUnavailable
from services.upstream.client import VendorClient
from services.upstream.error_rules import REDIRECTS, ErrorRule, map_by_rules
from services.upstream.responses import InvalidAsNone, MappedError, VendorResponse, log_unreadable

VENDOR = "OpenAI"

SHORTEST_SECRET_SECONDS = 10
LONGEST_SECRET_SECONDS = 7200
SECRET_SECONDS = 60
"""Default lifetime, enough for a browser that connects immediately. A secret starts any number of sessions until it
expires.
"""

MAX_OUTPUT_TOKENS = 4096
"""The largest cap on one spoken answer: about three minutes of speech. Without one there is no cap at all."""

OUTPUT_MODALITIES = ("audio",)
"""Audio comes with its transcript; `text` can't be asked for beside it."""

VOICES = ("marin", "cedar", "alloy", "ash", "ballad", "coral", "echo", "sage", "shimmer", "verse")

MODELS_FILE = Path(__file__).with_name("openai_models.toml")

_CUSTOM_VOICE = re.compile(r"voice_[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class ClientSecret:
    """A short-lived key for one browser. It opens sessions that already have their instructions."""

    value: str = field(repr=False)
    expires_at: datetime
    session_id: str
    model: str
    modalities: list[str]
    calls_url: str
    """URL to which the browser posts its SDP offer, with the secret as bearer token."""


class _Session(BaseModel):
    id: str = Field(min_length=1, max_length=200)
    model: Annotated[str | None, Field(min_length=1, max_length=200), InvalidAsNone] = None
    output_modalities: Annotated[list[str] | None, InvalidAsNone] = None


class _ClientSecretResponse(BaseModel):
    value: str = Field(min_length=1, max_length=4096, pattern=r"^[!-~]+$")
    expires_at: int = Field(gt=0, lt=253_402_300_800)
    session: _Session


class OpenAIRealtime:
    """The one call we make: a client secret for a session that is ready to talk."""

    def __init__(self, upstream: VendorClient, settings: Settings) -> None:
        self._upstream = upstream
        self._settings = settings
        self._calls_url = f"{settings.openai_base_url}/realtime/calls"
        self.is_emulated = "openai" in settings.sandbox
        self.is_configured = settings.providers["openai"] != "not_configured"

    async def create_client_secret(
        self, *, instructions: str, voice: str | None, expires_in_seconds: int, safety_identifier: str
    ) -> ClientSecret:
        """A secret that is valid for 10 to 7200 seconds. Only a hash of `safety_identifier` is sent.

        https://developers.openai.com/api/reference/resources/realtime/subresources/client_secrets

        Raises InvalidInput for an unknown voice, ProviderNotConfigured, ProviderUnavailable, ProviderBadAnswer or
        ProviderTimeout.
        """
        voice = self._choose_voice(voice)
        if not self.is_configured:
            raise ProviderNotConfigured(VENDOR, "OPENAI_API_KEY")
        response = await self._upstream.call(
            "POST",
            "/realtime/client_secrets",
            repeatable=True,  # a secret that is lost on the way expires unused
            json={
                "expires_after": {"anchor": "created_at", "seconds": expires_in_seconds},
                "session": self._session(instructions, voice),
            },
            headers={"OpenAI-Safety-Identifier": sha256(safety_identifier.encode()).hexdigest()},
        )
        return self._client_secret(response)

    def _choose_voice(self, requested: str | None) -> str:
        """The requested voice, or the setting's. Raises InvalidInput for an unknown one."""
        if requested is None or requested == self._settings.openai_realtime_voice:
            return self._settings.openai_realtime_voice
        if requested not in VOICES:
            detail = f"There is no such voice; choose one of {', '.join(VOICES)}."
            raise InvalidInput(detail, errors=[FieldError("voice", detail)])
        return requested

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

    def _client_secret(self, response: VendorResponse) -> ClientSecret:
        """Only what the browser needs: the session that OpenAI echoes contains the instructions.

        What the echo leaves out is taken from the request.
        """
        try:
            issued = _ClientSecretResponse.model_validate_json(response.content)
        except ValidationError as error:
            log_unreadable(VENDOR, response, error)
            raise ProviderBadAnswer("OpenAI answered without a usable client secret; try again.") from None
        return ClientSecret(
            value=issued.value,
            expires_at=datetime.fromtimestamp(issued.expires_at, UTC),
            session_id=issued.session.id,
            model=issued.session.model or self._settings.openai_realtime_model,
            modalities=[*(issued.session.output_modalities or OUTPUT_MODALITIES)],
            calls_url=self._calls_url,
        )


_NOT_ACCEPTED = "OpenAI did not accept the voice session; check {}."
_ERROR_RULES = (
    ErrorRule(
        ProviderUnavailable,
        "OpenAI reports that this server's credit or spending limit is used up, or that its billing is not active; "
        "check the billing at OpenAI.",
        codes=(
            "insufficient_quota",
            "credit_balance_exhausted",
            "organization_spend_limit_exceeded",
            "project_spend_limit_exceeded",
            "organization_usage_limit_exceeded",
            "billing_hard_limit_reached",
            "billing_not_active",
        ),
        is_permanent=True,
    ),
    ErrorRule(
        ProviderUnavailable,
        "OpenAI does not accept this server's IP address; add it to the allow list of the project of OPENAI_API_KEY.",
        codes=("ip_not_authorized",),
    ),
    ErrorRule(
        ProviderUnavailable,
        "OpenAI does not serve the country that this server calls from; move the server or set HTTPS_PROXY.",
        codes=("unsupported_country_region_territory",),
    ),
    ErrorRule(
        ProviderUnavailable,
        "The project of OPENAI_API_KEY is in another region; set OPENAI_BASE_URL to that region's address, such as "
        "https://eu.api.openai.com/v1.",
        statuses=(400, 401, 403, 421),
        phrases=("hostname", "eu.api.openai.com"),
    ),
    ErrorRule(
        ProviderUnavailable,
        "OPENAI_API_KEY may not create voice sessions; give the key that permission at OpenAI.",
        statuses=(401, 403),
        phrases=("insufficient permissions",),
    ),
    ErrorRule(
        ProviderUnavailable,
        "OpenAI does not let this key use the voice model; check the project of OPENAI_API_KEY and "
        "OPENAI_REALTIME_MODEL.",
        statuses=(403,),
        phrases=("model",),
    ),
    ErrorRule(ProviderBadAnswer, _NOT_ACCEPTED.format("OPENAI_REALTIME_MODEL"), codes=("model_not_found",)),
    ErrorRule(ProviderBadAnswer, _NOT_ACCEPTED.format("OPENAI_REALTIME_MODEL"), parameter="session.model"),
    ErrorRule(ProviderBadAnswer, _NOT_ACCEPTED.format("OPENAI_REALTIME_VOICE"), parameter="session.audio.output.voice"),
    ErrorRule(
        ProviderBadAnswer,
        _NOT_ACCEPTED.format("OPENAI_TRANSCRIPTION_MODEL"),
        parameter="session.audio.input.transcription",
    ),
    ErrorRule(
        ProviderBadAnswer,
        _NOT_ACCEPTED.format("OPENAI_BASE_URL, OPENAI_REALTIME_MODEL and OPENAI_TRANSCRIPTION_MODEL"),
        statuses=(400, 404),
    ),
    ErrorRule(ProviderBadAnswer, "OpenAI has moved from this address; check OPENAI_BASE_URL.", statuses=REDIRECTS),
)
"""https://developers.openai.com/docs/guides/error-codes"""


def map_error(response: VendorResponse) -> MappedError:
    """The error for an error response of OpenAI."""
    return map_by_rules(_ERROR_RULES, VENDOR, response, "OPENAI_API_KEY")


class ModelLifetime(BaseModel):
    """When a model is shut down, and what replaces it; both None while no date is known."""

    shutdown: date | None = None
    successor: str | None = None


class KnownModels(BaseModel):
    """The content of `openai_models.toml`."""

    as_of: date
    realtime: Mapping[str, ModelLifetime]
    transcription: Mapping[str, ModelLifetime]


@cache
def known_models() -> KnownModels:
    """The models that OpenAI is known to offer for voice sessions."""
    return KnownModels.model_validate(tomllib.loads(MODELS_FILE.read_text(encoding="utf-8")))


def warnings_about(settings: Settings, today: date) -> list[str]:
    """Sentences for the log at start: models that will be shut down, and unknown names."""
    known = known_models()
    transcription_model = settings.openai_transcription_model
    return [
        *_model_warnings("OPENAI_REALTIME_MODEL", settings.openai_realtime_model, known.realtime, known.as_of, today),
        *_model_warnings("OPENAI_TRANSCRIPTION_MODEL", transcription_model, known.transcription, known.as_of, today),
        *_voice_warnings(settings.openai_realtime_voice),
    ]


def _model_warnings(
    variable: str, model: str, known: Mapping[str, ModelLifetime], as_of: date, today: date
) -> Iterator[str]:
    lifetime = known.get(model)
    if lifetime is None:
        yield f"{variable}={model} was not among the known models on {as_of}; sessions may be refused when they start."
    elif lifetime.shutdown is not None:
        verb = "was" if lifetime.shutdown <= today else "will be"
        yield f"{variable}={model} {verb} shut down by OpenAI on {lifetime.shutdown}; set it to {lifetime.successor}."


def _voice_warnings(voice: str) -> Iterator[str]:
    if voice not in VOICES and not _CUSTOM_VOICE.fullmatch(voice):
        yield f"OPENAI_REALTIME_VOICE={voice} is not among the voices known to work: {', '.join(VOICES)}."
