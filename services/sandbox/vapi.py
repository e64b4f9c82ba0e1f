"""Vapi emulated: phone calls that ring nowhere and take twenty seconds.

What it accepts and answers: https://docs.vapi.ai/api-reference/calls/create
"""

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import httpx
from pydantic import ConfigDict, Field, ValidationInfo, field_validator
from pydantic.alias_generators import to_camel
from pydantic_core import ErrorDetails

from services.sandbox.wire import Clock, Closed, Emulation, Refusal, Route, field_path, read_body, reason, timestamp

MAX_CALLS = 1000
RINGS_AFTER = 2.0
ANSWERED_AFTER = 5.0
ENDED_AFTER = 20.0
ORG_ID = "5a4d6b0e-5a4d-4b0e-8000-000000000001"

_E164 = re.compile(r"\+[1-9]\d{6,14}")

NOT_E164 = (
    "customer.number must be a valid phone number in the E.164 format. "
    "Hot tip, you may be missing the country code (Eg. US: +1)."
)
NO_NUMBER_TO_CALL_FROM = "Couldn't Get Phone Number. Need Either `phoneNumberId` Or `phoneNumber`."
NO_ASSISTANT = "Couldn't Get Assistant. Need Either `assistantId` Or `assistant`."
WRONG_KEY = "Invalid Key. Hot tip, you may be using the private key instead of the public key, or vice versa."


class _Object(Closed):
    """Closed like the rest, in Vapi's spelling."""

    model_config = ConfigDict(alias_generator=to_camel)


class Assistant(_Object):
    """An assistant sent whole. Nothing in it is required, and `tools` belong in `model`."""

    name: str | None = Field(None, max_length=40)
    model: dict[str, Any] | None = None
    voice: dict[str, Any] | None = None
    transcriber: dict[str, Any] | None = None
    first_message: str | None = None
    first_message_mode: str | None = None
    first_message_interruptions_enabled: bool | None = None
    voicemail_detection: Any = None
    voicemail_message: str | None = None
    end_call_message: str | None = None
    end_call_phrases: list[str] | None = None
    client_messages: list[str] | None = None
    server_messages: list[str] | None = None
    max_duration_seconds: float | None = Field(None, ge=10, le=43200)
    background_sound: str | None = None
    model_output_in_messages_enabled: bool | None = None
    transport_configurations: list[dict[str, Any]] | None = None
    observability_plan: dict[str, Any] | None = None
    credentials: list[dict[str, Any]] | None = None
    credential_ids: list[str] | None = None
    hooks: list[dict[str, Any]] | None = None
    compliance_plan: dict[str, Any] | None = None
    metadata: dict[str, Any] | None = None
    background_speech_denoising_plan: dict[str, Any] | None = None
    analysis_plan: dict[str, Any] | None = None
    artifact_plan: dict[str, Any] | None = None
    start_speaking_plan: dict[str, Any] | None = None
    stop_speaking_plan: dict[str, Any] | None = None
    monitor_plan: dict[str, Any] | None = None
    server: dict[str, Any] | None = None
    keypad_input_plan: dict[str, Any] | None = None


class AssistantOverrides(Assistant):
    """Any field of an assistant, and the values of its template."""

    variable_values: dict[str, Any] | None = None


class Customer(_Object):
    """Who is phoned."""

    number_e164_check_enabled: bool = True
    number: str | None = Field(None, min_length=3, max_length=40)
    extension: str | None = Field(None, max_length=10)
    sip_uri: str | None = None
    name: str | None = Field(None, max_length=40)
    email: str | None = Field(None, max_length=40)
    external_id: str | None = Field(None, max_length=40)
    assistant_overrides: AssistantOverrides | None = None

    @field_validator("number")
    @classmethod
    def _is_e164(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is not None and info.data.get("number_e164_check_enabled", True) and not _E164.fullmatch(value):
            raise ValueError(NOT_E164)
        return value


class CreateCall(_Object):
    """The body of `POST /call`, as far as a single phone call needs it."""

    assistant_id: str | None = None
    assistant_version: str | None = None
    assistant: Assistant | None = None
    assistant_overrides: AssistantOverrides | None = None
    phone_number_id: str | None = None
    phone_number: dict[str, Any] | None = None
    customer: Customer | None = None
    name: str | None = Field(None, max_length=40)
    schedule_plan: dict[str, Any] | None = None


@dataclass(frozen=True)
class PlacedCall:
    """A call as it was asked for. What became of it follows from the clock."""

    id: str
    placed_at: float
    request: dict[str, Any]

    def document(self, now: float) -> dict[str, Any]:
        """The call as Vapi sends it."""
        elapsed = now - self.placed_at
        base = {
            "id": self.id,
            "orgId": ORG_ID,
            "createdAt": timestamp(self.placed_at),
            "updatedAt": timestamp(now),
            "type": "outboundPhoneCall",
            "status": _status(elapsed),
            "cost": 0,
        }
        return base | self.request | self._timeline(elapsed)

    def _timeline(self, elapsed: float) -> dict[str, Any]:
        timeline = {}
        if elapsed >= ANSWERED_AFTER:
            timeline["startedAt"] = timestamp(self.placed_at + ANSWERED_AFTER)
        if elapsed >= ENDED_AFTER:
            timeline |= {"endedAt": timestamp(self.placed_at + ENDED_AFTER), "endedReason": "customer-ended-call"}
        return timeline


class Vapi(Emulation):
    """Phone calls of one organisation; the oldest are forgotten."""

    def __init__(self, now: Clock, capacity: int = MAX_CALLS) -> None:
        self._now = now
        self._capacity = capacity
        self._calls: dict[str, PlacedCall] = {}
        self.routes = (
            Route("POST", "/call", self._create_call),
            Route("GET", "/call/{call_id}", self._get_call),
        )

    def without_key(self) -> Refusal:
        return _refusal(401, "Unauthorized", WRONG_KEY)

    def unknown_call(self, request: httpx.Request) -> Refusal:
        return _refusal(404, "Not Found", f"Cannot {request.method} {request.url.path}")

    def _create_call(self, request: httpx.Request) -> httpx.Response:
        body = read_body(CreateCall, request, _invalid_body)
        if body.assistant_id is None and body.assistant is None:
            raise _bad_request(NO_ASSISTANT)
        if body.phone_number_id is None and body.phone_number is None:
            raise _bad_request(NO_NUMBER_TO_CALL_FROM)
        if body.customer is None or (body.customer.number is None and body.customer.sip_uri is None):
            raise _bad_request([NOT_E164])
        call = PlacedCall(str(uuid.uuid4()), self._now(), body.model_dump(by_alias=True, exclude_unset=True))
        self._keep(call)
        limits = {"concurrencyBlocked": False, "concurrencyLimit": 10, "remainingConcurrentCalls": 9}
        return httpx.Response(201, json=call.document(call.placed_at) | {"subscriptionLimits": limits})

    def _get_call(self, _request: httpx.Request, call_id: str) -> httpx.Response:
        call = self._calls.get(call_id)
        if call is None:
            raise _refusal(404, "Not Found", f"Couldn't Find Call: {call_id}")
        return httpx.Response(200, json=call.document(self._now()))

    def _keep(self, call: PlacedCall) -> None:
        self._calls[call.id] = call
        for oldest in list(islice(self._calls, max(0, len(self._calls) - self._capacity))):
            del self._calls[oldest]


def _status(elapsed: float) -> str:
    if elapsed < RINGS_AFTER:
        return "queued"
    if elapsed < ANSWERED_AFTER:
        return "ringing"
    return "in-progress" if elapsed < ENDED_AFTER else "ended"


def _invalid_body(errors: Sequence[ErrorDetails]) -> Refusal:
    return _bad_request([_complaint(error) for error in errors])


def _complaint(error: ErrorDetails) -> str:
    """One line of the list that Vapi answers with."""
    if error["type"] == "extra_forbidden":
        *where, name = map(str, error["loc"])
        return ".".join([*where, f"property {name} should not exist"])
    if error["type"] == "value_error":
        return reason(error)
    return f"{field_path(error)}: {reason(error)}"


def _bad_request(message: str | list[str]) -> Refusal:
    return _refusal(400, "Bad Request", message)


def _refusal(status: int, error: str, message: str | list[str]) -> Refusal:
    return Refusal(status, {"message": message, "error": error, "statusCode": status})
