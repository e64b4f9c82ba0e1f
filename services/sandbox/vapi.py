"""Vapi, emulated: phone calls that ring nowhere and last twenty seconds.

Requests and responses are Vapi's (https://docs.vapi.ai/api-reference/calls/create). Only the properties that this
service sends are known; any other is refused, as Vapi refuses a property that it does not know.
"""

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import httpx
from pydantic import ConfigDict, Field, field_validator
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
    """A closed object with camelCase names."""

    model_config = ConfigDict(alias_generator=to_camel)


class Assistant(_Object):
    """An assistant sent with the call. Nothing in it is required; `tools` would belong in `model`."""

    name: str | None = Field(None, max_length=40)
    model: dict[str, Any] | None = None
    voice: dict[str, Any] | None = None
    first_message: str | None = None
    first_message_mode: str | None = None
    voicemail_detection: dict[str, Any] | None = None
    end_call_phrases: list[str] | None = None
    max_duration_seconds: float | None = Field(None, ge=10, le=43200)
    artifact_plan: dict[str, Any] | None = None
    monitor_plan: dict[str, Any] | None = None


class AssistantOverrides(_Object):
    """Overrides of the assistant for this call, and the values for its prompt."""

    max_duration_seconds: float | None = Field(None, ge=10, le=43200)
    variable_values: dict[str, Any] | None = None


class Customer(_Object):
    """The person who is called."""

    number: str = Field("", max_length=40)
    name: str | None = Field(None, max_length=40)

    @field_validator("number")
    @classmethod
    def _is_e164(cls, value: str) -> str:
        if not _E164.fullmatch(value):
            raise ValueError(NOT_E164)
        return value


class CreateCall(_Object):
    """The body of `POST /call`."""

    assistant_id: str | None = None
    assistant: Assistant | None = None
    assistant_overrides: AssistantOverrides | None = None
    phone_number_id: str | None = None
    customer: Customer | None = None
    name: str | None = Field(None, max_length=40)


@dataclass(frozen=True)
class PlacedCall:
    """A call as it was requested. Its state follows from the clock."""

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
    """The phone calls of one organisation. Above its capacity the oldest are dropped."""

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
        if body.phone_number_id is None:
            raise _bad_request(NO_NUMBER_TO_CALL_FROM)
        if body.customer is None or not body.customer.number:
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
    return _bad_request([_message(error) for error in errors])


def _message(error: ErrorDetails) -> str:
    """One item of the `message` list."""
    if error["type"] == "extra_forbidden":
        *parents, name = map(str, error["loc"])
        return ".".join([*parents, f"property {name} should not exist"])
    if error["type"] == "value_error":
        return reason(error)
    return f"{field_path(error)}: {reason(error)}"


def _bad_request(message: str | list[str]) -> Refusal:
    return _refusal(400, "Bad Request", message)


def _refusal(status: int, error: str, message: str | list[str]) -> Refusal:
    return Refusal(status, {"message": message, "error": error, "statusCode": status})
