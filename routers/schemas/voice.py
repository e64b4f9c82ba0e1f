"""Client secrets for realtime voice sessions, and phone calls."""

from typing import Annotated

from fastapi import Path
from pydantic import ConfigDict, Field

from services.briefing import BriefingFields
from services.openai_realtime import LONGEST_SECRET_SECONDS, SECRET_SECONDS, SHORTEST_SECRET_SECONDS
from services.text.fields import JobTitle, LongText, PersonName, RequestModel, ResponseModel, Timestamp

PhoneCallId = Annotated[
    str,
    Path(pattern=r"^[A-Za-z0-9-]{1,64}$", description="The call's id, as `call_id` gives it."),
]


class RealtimeTokenRequest(RequestModel):
    """Ask for a voice session with this room's simulated candidate. Every field is optional."""

    model_config = ConfigDict(json_schema_extra={"example": {"voice": "cedar", "expires_in_seconds": 60}})

    voice: Annotated[str | None, Field(max_length=100)] = None
    """One of OpenAI's voices; the server's default without it."""
    expires_in_seconds: Annotated[
        int,
        Field(ge=SHORTEST_SECRET_SECONDS, le=LONGEST_SECRET_SECONDS),
    ] = SECRET_SECONDS
    """How long the secret can start sessions. A running session continues."""


class RealtimeSessionRequest(RequestModel):
    """Ask for a voice session with a simulated candidate described in the request."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "candidate_name": "Grace Hopper",
                "role": "Compiler engineer",
                "resume": "Wrote the A-0 linker…",
                "job_description": "We need an engineer who…",
            }
        }
    )

    candidate_name: PersonName
    role: JobTitle = ""
    resume: LongText = ""
    job_description: LongText = ""

    def profile(self) -> BriefingFields:
        """Returns the fields as a briefing, from which the candidate's instructions are made."""
        return BriefingFields(
            candidate_name=self.candidate_name,
            role=self.role,
            resume_summary=self.resume,
            notes=self.job_description,
        )


class RealtimeResponse(ResponseModel):
    """A short-lived key with which a browser starts a voice session. It does not contain the instructions."""

    client_secret: str
    """Starts sessions until it expires. Treat it as a password."""
    expires_at: Timestamp
    session_id: str
    model: str
    modalities: list[str]
    calls_url: str
    """URL for the SDP offer, with the secret as bearer token."""
    note: str
    """How to use the secret, for pages written for the interface that OpenAI removed."""
    warnings: list[str] = Field(default_factory=list)
    """What the candidate does not know, or knows only in part."""


class PhoneCallRequest(RequestModel):
    """Phone the interviewer."""

    model_config = ConfigDict(json_schema_extra={"example": {"phone_number": "+14155550100"}})

    phone_number: Annotated[str, Field(max_length=40)]
    """E.164: a plus, the country code and the number, without spaces."""


class PhoneCallResponse(ResponseModel):
    """A call that is being placed."""

    call_id: str
    status: str | None
    """Vapi's status, such as `queued`; null where it gave none."""
    warnings: list[str] = Field(default_factory=list)


class PhoneCallStateResponse(ResponseModel):
    """The state of a phone call."""

    call_id: str
    status: str | None
    """Vapi's status, such as `ringing`, `in-progress` or `ended`."""
    started_at: Timestamp | None
    ended_at: Timestamp | None
    duration_seconds: int | None
    ended_reason: str | None
    """Vapi's reason, one of hundreds."""
    outcome: str | None
    """The common reasons as a sentence; null for others."""
