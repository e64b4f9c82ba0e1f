"""Vapi: phone calls that brief the interviewer, and their state.

https://docs.vapi.ai/api-reference/calls/create

`POST /call` reaches telephones, not browsers, so it serves the interviewer. Vapi for the candidate is deprecated: see
`create_web_call`.
"""

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
from services.upstream.error_rules import ErrorRule, map_by_rules
from services.upstream.responses import InvalidAsNone, MappedError, VendorResponse, log_unreadable

VENDOR = "Vapi"
CALL_SECONDS = 900
"""Maximum duration of a briefing call."""
NAME_LENGTH = 40
"""Maximum length of a name."""
PHONE_MODEL = "gpt-5.4-mini"
PHONE_VOICE = {"provider": "vapi", "voiceId": "Elliot", "version": "2"}
SANDBOX_PHONE_NUMBER_ID = "00000000-0000-4000-8000-000000000000"

_MAY_RING = "the phone may still ring, so check before you try again."

OUTCOMES: Mapping[str, str] = {
    "assistant-ended-call": "The assistant ended the call.",
    "assistant-said-end-call-phrase": "The assistant ended the call.",
    "customer-ended-call": "The person who was called hung up.",
    "customer-did-not-answer": "The call was not answered.",
    "customer-busy": "The line was busy.",
    "voicemail": "Voicemail answered.",
    "silence-timed-out": "Nothing was said for too long, so the call ended.",
    "exceeded-max-duration": "The call reached its time limit.",
    "call.start.error-subscription-insufficient-credits": "Vapi's credit is used up; top it up there.",
    "call.start.error-subscription-concurrency-limit-reached": "Too many calls were running at Vapi; try again later.",
    "call.start.error-vapi-number-international": "The number that calls are placed from can't call abroad.",
    "call.start.error-vapi-number-outbound-daily-limit": "The number that calls are placed from is at its daily limit.",
}
"""Sentences for the common ones of several hundred reasons: https://docs.vapi.ai/calls/call-ended-reason"""

_Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,64}$")]
_Word = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,200}$")]
"""An identifier from one of Vapi's lists, which grow: no value is checked against them."""


@dataclass(frozen=True, slots=True)
class PhoneCall:
    """A call that Vapi has accepted. It may not ring yet."""

    call_id: str
    status: str | None
    """Vapi's status, such as `queued`; None if missing."""


@dataclass(frozen=True, slots=True)
class PhoneCallState:
    """The state of a call."""

    call_id: str
    status: str | None
    started_at: AwareDatetime | None
    ended_at: AwareDatetime | None
    ended_reason: str | None
    """Vapi's identifier, one of hundreds."""

    @property
    def duration_seconds(self) -> int | None:
        if self.started_at is None or self.ended_at is None:
            return None
        return max(0, round((self.ended_at - self.started_at).total_seconds()))

    @property
    def outcome(self) -> str | None:
        """The reason as a sentence, for the common ones."""
        return OUTCOMES.get(self.ended_reason or "")


@dataclass(frozen=True, slots=True)
class WebCall:
    """A call in a browser. Its URL is all that is needed to join it."""

    call_id: str
    url: str = field(repr=False)


class _Call(BaseModel):
    """The fields we read of a call. `monitor` and `artifact` contain URLs that are credentials; they are not read."""

    model_config = ConfigDict(alias_generator=to_camel)

    id: _Id


class _State(_Call):
    """The state of a call. Only the id is required: an invalid other field must not lose a call that was placed."""

    status: Annotated[_Word | None, InvalidAsNone] = None
    started_at: Annotated[AwareDatetime | None, InvalidAsNone] = None
    ended_at: Annotated[AwareDatetime | None, InvalidAsNone] = None
    ended_reason: Annotated[_Word | None, InvalidAsNone] = None


class _WebCall(_Call):
    web_call_url: str = Field(max_length=2000, pattern=r"^https://")


Model = TypeVar("Model", bound=_Call)


class CallRefused(ProviderBadAnswer):
    """Vapi refused the request, so certainly no call was placed."""


class _NotFound(CallRefused):
    """Vapi has nothing at this path."""


def _invalid_number(detail: str) -> InvalidInput:
    return InvalidInput(detail, errors=[FieldError("phone_number", detail)])


_NOT_ACCEPTED = "Vapi did not accept the call; check {}."
_OUT_OF_CREDIT = "Vapi reports that this account's credit is used up; top it up there."
_REFUSALS = (400, 402, 403, 429)
_NOT_CARRIED_OUT = tuple({301, 302, 307, 308, *range(400, 500)} - {408, 429})
"""Statuses after which Vapi certainly placed no call. A 303 is sent after a request was carried out."""
_ERROR_RULES = (
    ErrorRule(_invalid_number, "Vapi can't call this number; check it.", statuses=(400,), phrases=("customer.number",)),
    ErrorRule(
        ProviderUnavailable,
        "The number that calls are placed from has reached Vapi's daily limit; call again tomorrow, or set "
        "VAPI_PHONE_NUMBER_ID to a number that was imported into Vapi.",
        statuses=_REFUSALS,
        phrases=("daily outbound call limit",),
    ),
    ErrorRule(
        ProviderUnavailable,
        "Too many calls are running at Vapi; try again in a minute.",
        statuses=_REFUSALS,
        phrases=("concurrency limit",),
        retry_after=60,
    ),
    ErrorRule(
        ProviderUnavailable,
        "The number that calls are placed from can't call abroad; set VAPI_PHONE_NUMBER_ID to one that can.",
        statuses=_REFUSALS,
        phrases=("international",),
    ),
    ErrorRule(ProviderUnavailable, _OUT_OF_CREDIT, statuses=_REFUSALS, phrases=("credits", "balance", "billing")),
    ErrorRule(ProviderUnavailable, _OUT_OF_CREDIT, statuses=(402,)),
    ErrorRule(
        CallRefused,
        _NOT_ACCEPTED.format("VAPI_PHONE_NUMBER_ID"),
        statuses=(400,),
        phrases=("phoneNumberId", "phone number"),
    ),
    ErrorRule(CallRefused, _NOT_ACCEPTED.format("VAPI_ASSISTANT_ID"), statuses=(400,), phrases=("assistantId",)),
    ErrorRule(CallRefused, _NOT_ACCEPTED.format("VAPI_PHONE_NUMBER_ID and VAPI_ASSISTANT_ID"), statuses=(400,)),
    ErrorRule(
        ProviderUnavailable,
        "Vapi rejected this server's key; check that VAPI_API_KEY is a private key, and that VAPI_BASE_URL is the "
        "address of its region.",
        statuses=(401,),
    ),
    ErrorRule(
        ProviderUnavailable,
        "VAPI_API_KEY may not use this assistant; allow VAPI_ASSISTANT_ID for the key at Vapi.",
        statuses=(403,),
        phrases=("assistantId",),
    ),
    ErrorRule(
        ProviderUnavailable,
        "Vapi, or a firewall in front of it, refused this server; check the restrictions of VAPI_API_KEY and the "
        "network that the server calls through.",
        statuses=(403,),
    ),
    ErrorRule(_NotFound, "Vapi has no such call or path; check VAPI_BASE_URL.", statuses=(404,)),
    # a proxy in front of Vapi may answer this: as with any other 5xx, the phone may ring
    ErrorRule(ProviderBadAnswer, "Vapi failed to answer; try again.", statuses=(503, 529)),
    ErrorRule(CallRefused, _NOT_ACCEPTED.format("VAPI_BASE_URL"), statuses=_NOT_CARRIED_OUT),
)
"""https://docs.vapi.ai/calls/troubleshoot-call-errors"""


def map_error(response: VendorResponse) -> MappedError:
    """The error for an error response of Vapi."""
    return map_by_rules(_ERROR_RULES, VENDOR, response, "VAPI_API_KEY")


class Vapi:
    """The calls we make. Each raises ProviderNotConfigured without a key, and the errors of `VendorClient`."""

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
        """Call the interviewer and brief them. Never retried, since a lost response may mean a ringing phone.

        `phone_number` has passed `check_phone_number`. `variables` are the values for the assistant's prompt:
        `briefing`, and others that a saved assistant names. `nonce` is at least 64 random bits in hex. Raises
        InvalidInput when Vapi refuses the number, and CallRefused when it refuses the call.
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
            raise ProviderBadAnswer(f"Vapi gave no usable response; {_MAY_RING}") from error
        return PhoneCall(call.id, call.status)

    async def get_call(self, call_id: str) -> PhoneCallState:
        """The state of a call, by the id that Vapi gave it. Raises PhoneCallNotFound if Vapi has none with this id.

        https://docs.vapi.ai/api-reference/calls/get
        """
        self._require_key()
        try:
            call = _read(_State, await self._upstream.call("GET", f"/call/{call_id}", repeatable=True))
        except _NotFound:
            raise PhoneCallNotFound("The call was placed, but Vapi does not know it, or no longer does.") from None
        except CallRefused:
            raise ProviderBadAnswer("Vapi refused to give the state of this call; try again later.") from None
        if call.id != call_id:
            raise ProviderBadAnswer("Vapi gave the state of another call; try again later.")
        return PhoneCallState(call.id, call.status, call.started_at, call.ended_at, call.ended_reason)

    async def create_web_call(self, *, instructions: str) -> WebCall:
        """A browser call with an AI candidate. Deprecated: use `OpenAIRealtime.create_client_secret`.

        Kept for programs that call it; no route of this service does. Vapi expects a public key here and is likely to
        refuse VAPI_API_KEY, which is a private one. The call is in a room of Vapi's own and never joins ours.
        """
        warnings.warn(
            "use OpenAIRealtime.create_client_secret for the candidate",
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
        """A saved assistant with what differs for this call, or a complete assistant."""
        overrides = {"variableValues": _values(variables), "maxDurationSeconds": CALL_SECONDS}
        if self._assistant_id is not None:
            return {"assistantId": self._assistant_id, "assistantOverrides": overrides}
        return {"assistant": _briefing_assistant(nonce), "assistantOverrides": overrides}

    def _require_key(self) -> None:
        if not self._has_key:
            raise ProviderNotConfigured(VENDOR, "VAPI_API_KEY")


def _briefing_assistant(nonce: str) -> dict[str, Any]:
    """An assistant for one call. Recording, listening in and taking over are off."""
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
    """Values without braces, so that LiquidJS finds nothing in them to evaluate."""
    return {name: without_braces(value) for name, value in variables.items()}


def _name(text: str) -> str:
    return speakable(text)[:NAME_LENGTH]


def _read(model: type[Model], response: VendorResponse) -> Model:
    try:
        return model.model_validate_json(response.content)
    except ValidationError as error:
        log_unreadable(VENDOR, response, error)
        raise ProviderBadAnswer("Vapi sent a response that can't be used; try again later.") from None
