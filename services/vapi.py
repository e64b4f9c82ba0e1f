"""Vapi: one phone call that briefs the interviewer, and how it went.

https://docs.vapi.ai/api-reference/calls/create

Vapi's `POST /call` reaches telephones, not browsers, so it is kept for the
interviewer. Using Vapi for the candidate is deprecated: see `create_web_call`.
"""

import logging
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from config import Settings
from services.errors import (
    FieldError,
    InvalidInput,
    PhoneCallNotFound,
    ProviderBadAnswer,
    ProviderNotConfigured,
    ProviderTimeout,
    ProviderUnavailable,
    ServiceError,
)
from services.prompts.phone import (
    PHONE_END_PHRASE,
    PHONE_FIRST_MESSAGE,
    PHONE_SYSTEM_PROMPT,
    briefing_template,
    speakable,
    without_braces,
)
from services.upstream.client import VendorClient
from services.upstream.responses import InvalidAsNone, MappedError, VendorResponse, error_by_status

log = logging.getLogger(__name__)

VENDOR = "Vapi"
CALL_SECONDS = 900
"""A briefing call hangs up after this, whatever is being said."""
NAME_LENGTH = 40
"""Vapi refuses longer names."""
PHONE_MODEL = "gpt-5.4-mini"
PHONE_VOICE = {"provider": "vapi", "voiceId": "Elliot", "version": "2"}
SANDBOX_PHONE_NUMBER_ID = "00000000-0000-4000-8000-000000000000"

_MAY_RING = "the phone may ring all the same, so check before you try again."

REASONS: Mapping[str, str] = {
    "assistant-ended-call": "The assistant closed the call.",
    "assistant-said-end-call-phrase": "The assistant closed the call.",
    "customer-ended-call": "The person who was called hung up.",
    "customer-did-not-answer": "Nobody answered.",
    "customer-busy": "The line was busy.",
    "voicemail": "A voicemail box answered.",
    "silence-timed-out": "Nothing was said for too long, so the call ended.",
    "exceeded-max-duration": "The call reached its longest duration.",
    "call.start.error-subscription-insufficient-credits": "Vapi's credit is used up; top it up there.",
    "call.start.error-subscription-concurrency-limit-reached": "Too many calls were running at Vapi; try again later.",
    "call.start.error-vapi-number-international": "The Vapi number that calls are placed from can't phone abroad.",
    "call.start.error-vapi-number-outbound-daily-limit": "The Vapi number has reached its daily limit of calls.",
}
"""The common ones of several hundred, in words. https://docs.vapi.ai/calls/call-ended-reason"""

_Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,64}$")]
_Word = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,200}$")]
"""An identifier of Vapi's. Their lists grow, so none is checked against them."""


@dataclass(frozen=True, slots=True)
class PhoneCall:
    """A call that Vapi has taken on. It need not ring yet."""

    call_id: str
    status: str | None
    """Such as `queued`; None where Vapi did not say."""


@dataclass(frozen=True, slots=True)
class PhoneCallState:
    """How a call goes, or went."""

    call_id: str
    status: str | None
    started_at: AwareDatetime | None
    ended_at: AwareDatetime | None
    ended_reason: str | None
    """Vapi's own word, one of hundreds."""

    @property
    def duration_seconds(self) -> int | None:
        if self.started_at is None or self.ended_at is None:
            return None
        return max(0, round((self.ended_at - self.started_at).total_seconds()))

    @property
    def outcome(self) -> str | None:
        """The ended reason as a sentence, for the common ones."""
        return REASONS.get(self.ended_reason or "")


@dataclass(frozen=True, slots=True)
class WebCall:
    """A call in a browser. Whoever has the URL can join it."""

    call_id: str
    url: str = field(repr=False)


class _Call(BaseModel):
    """What we read of a call; `monitor` and `artifact` hold URLs that are credentials and are never read."""

    model_config = ConfigDict(alias_generator=to_camel)

    id: _Id


class _State(_Call):
    """How it goes. Of a call that was just placed only the id counts: it must not get lost over the rest."""

    status: Annotated[_Word | None, InvalidAsNone] = None
    started_at: Annotated[AwareDatetime | None, InvalidAsNone] = None
    ended_at: Annotated[AwareDatetime | None, InvalidAsNone] = None
    ended_reason: Annotated[_Word | None, InvalidAsNone] = None


class _WebCall(_Call):
    web_call_url: str = Field(max_length=2000, pattern=r"^https://")


Kind = TypeVar("Kind", bound=_Call)


class CallRefused(ProviderBadAnswer):
    """Vapi read the request and did nothing."""


_REFUSED = "Vapi did not accept the call; whoever runs this server should check {}."
_MOVED = frozenset({301, 302, 307, 308})
"""Redirections, which are not followed. 303 is none of them: it follows what was done."""


class _Unknown(CallRefused):
    """There is nothing at this address."""


def map_error(answer: VendorResponse) -> MappedError:
    """What Vapi's error answers mean. Its `message` is a text or a list of texts, and never passed on."""
    match answer.status:
        case 400 if b"customer.number" in answer.content:
            detail = "Vapi can't phone this number; check it, or give another one."
            error: ServiceError = InvalidInput(detail, errors=[FieldError("phone_number", detail)])
        case 400:
            error = CallRefused(_REFUSED.format("VAPI_PHONE_NUMBER_ID and VAPI_ASSISTANT_ID"))
        case 402:
            error = ProviderUnavailable("Vapi's credit is used up; whoever runs this server should top it up there.")
        case 404:
            error = _Unknown("Vapi does not know this; whoever runs this server should check VAPI_BASE_URL.")
        case 401 | 403 | 408 | 429:
            return error_by_status(VENDOR, answer, "VAPI_API_KEY")
        case status if status in _MOVED or 400 <= status < 500:
            error = CallRefused(_REFUSED.format("VAPI_BASE_URL and Vapi's log"))
        case 503 | 529:
            # said in front of Vapi: what became of the request is unknown, as with any other 5xx
            return MappedError(ProviderBadAnswer("Vapi failed to answer; try again."), retries=2)
        case _:
            return error_by_status(VENDOR, answer, "VAPI_API_KEY")
    return MappedError(error)


class Vapi:
    """The calls we make. Each raises ProviderNotConfigured without a key, and the provider errors of `VendorClient`."""

    def __init__(self, upstream: VendorClient, settings: Settings) -> None:
        self._upstream = upstream
        self._assistant_id = settings.vapi_assistant_id
        self._phone_number_id = settings.vapi_phone_number_id or (
            SANDBOX_PHONE_NUMBER_ID if "vapi" in settings.sandbox else None
        )
        self._has_key = bool(settings.vapi_api_key or "vapi" in settings.sandbox)
        self.is_configured = self._has_key and self._phone_number_id is not None

    def require_configured(self) -> None:
        """Raises ProviderNotConfigured, which names the setting that is empty."""
        self._require_key()
        if self._phone_number_id is None:
            raise ProviderNotConfigured(VENDOR, "VAPI_PHONE_NUMBER_ID")

    async def place_briefing_call(
        self, *, phone_number: str, interviewer_name: str, room_name: str, variables: Mapping[str, str], nonce: str
    ) -> PhoneCall:
        """Phone the interviewer and brief them. Never tried twice: a lost answer may be a ringing phone.

        `phone_number` has passed `check_phone_number`. `variables` hold what is
        to be said: `briefing`, and whatever a saved assistant's prompt names.
        `nonce` is 64 random bits or more in hex. Raises InvalidInput when Vapi
        refuses the number.
        """
        self.require_configured()
        body = {
            **self._assistant(variables, nonce),
            "phoneNumberId": self._phone_number_id,
            "customer": {"number": phone_number, "name": _name(interviewer_name) or "Interviewer"},
            "name": _name(f"Briefing {room_name}"),
        }
        try:
            call = _read(_State, await self._upstream.call("POST", "/call", repeatable=False, json=body))
        except CallRefused:
            raise
        except ProviderTimeout as error:
            raise ProviderTimeout(f"Vapi took too long to answer; {_MAY_RING}") from error
        except ProviderBadAnswer as error:
            raise ProviderBadAnswer(f"Vapi gave no answer that can be used; {_MAY_RING}") from error
        return PhoneCall(call.id, call.status)

    async def get_call(self, call_id: str) -> PhoneCallState:
        """How the call went. The id must be one that Vapi gave us; raises PhoneCallNotFound where it knows none such.

        https://docs.vapi.ai/api-reference/calls/get
        """
        self._require_key()
        try:
            call = _read(_State, await self._upstream.call("GET", f"/call/{call_id}", repeatable=True))
        except _Unknown:
            raise PhoneCallNotFound("The call was placed, but Vapi does not know it, or not any more.") from None
        except CallRefused:
            raise ProviderBadAnswer("Vapi does not tell how this call went; try again later.") from None
        if call.id != call_id:
            raise ProviderBadAnswer("Vapi told of another call; try again later.")
        return PhoneCallState(call.id, call.status, call.started_at, call.ended_at, call.ended_reason)

    async def create_web_call(self, *, instructions: str) -> WebCall:
        """Deprecated: a browser call with an AI candidate. Use `OpenAIRealtime.create_client_secret`.

        Kept for programs that call it; no route of this service does. Vapi takes
        a public key here, so VAPI_API_KEY, a private one, is likely refused.
        Vapi opens a video room of its own: the call never joins ours.
        """
        warnings.warn(
            "The candidate speaks over OpenAI Realtime: use OpenAIRealtime.create_client_secret",
            DeprecationWarning,
            stacklevel=2,
        )
        self._require_key()
        body = {
            "assistant": {
                "model": _model([{"role": "system", "content": "{{ instructions }}"}]),
                "voice": PHONE_VOICE,
                "maxDurationSeconds": CALL_SECONDS,
            },
            "assistantOverrides": {"variableValues": _values({"instructions": instructions})},
        }
        call = _read(_WebCall, await self._upstream.call("POST", "/call/web", repeatable=False, json=body))
        return WebCall(call.id, call.web_call_url)

    def _assistant(self, variables: Mapping[str, str], nonce: str) -> dict[str, Any]:
        """The saved assistant, told only what differs, or one sent whole."""
        overrides = {"variableValues": _values(variables), "maxDurationSeconds": CALL_SECONDS}
        if self._assistant_id is not None:
            return {"assistantId": self._assistant_id, "assistantOverrides": overrides}
        return {"assistant": _briefing_assistant(nonce), "assistantOverrides": overrides}

    def _require_key(self) -> None:
        if not self._has_key:
            raise ProviderNotConfigured(VENDOR, "VAPI_API_KEY")


def _briefing_assistant(nonce: str) -> dict[str, Any]:
    """An assistant for one call. Nothing is recorded, and nobody can listen in or take over."""
    return {
        "name": "Interview briefing",
        "model": _model(
            [
                {"role": "system", "content": PHONE_SYSTEM_PROMPT},
                {"role": "user", "content": briefing_template(nonce)},
            ]
        ),
        "voice": PHONE_VOICE,
        "firstMessage": PHONE_FIRST_MESSAGE,
        "firstMessageMode": "assistant-speaks-first",
        "endCallPhrases": [PHONE_END_PHRASE],
        "voicemailDetection": {"provider": "vapi"},
        "artifactPlan": {"recordingEnabled": False, "pcapEnabled": False},
        "monitorPlan": {"listenEnabled": False, "controlEnabled": False},
    }


def _model(messages: list[dict[str, str]]) -> dict[str, Any]:
    return {"provider": "openai", "model": PHONE_MODEL, "messages": messages}


def _values(variables: Mapping[str, str]) -> dict[str, str]:
    """Values as they may meet a LiquidJS template: nothing in them can be evaluated."""
    return {name: without_braces(value) for name, value in variables.items()}


def _name(text: str) -> str:
    return speakable(text)[:NAME_LENGTH]


def _read(kind: type[Kind], answer: VendorResponse) -> Kind:
    try:
        return kind.model_validate_json(answer.content)
    except ValidationError:
        raise ProviderBadAnswer("Vapi sent an answer that can't be used; try again later.") from None
