"""What clients send and get about voice: keys for realtime sessions, and phone calls."""

from typing import Annotated

from fastapi import Path
from pydantic import ConfigDict, Field

from services.briefing import BriefingFields
from services.openai_realtime import LONGEST_SECRET_SECONDS, SECRET_SECONDS, SHORTEST_SECRET_SECONDS
from services.text.fields import JobTitle, LongText, PersonName, RequestModel, ResponseModel, Timestamp

PhoneCallId = Annotated[
    str,
    Path(pattern=r"^[A-Za-z0-9-]{1,64}$", description="The call's id, as placing it gave it."),
]


class RealtimeTokenRequest(RequestModel):
    """Ask for a voice session with this room's candidate. Every field may be left out."""

    model_config = ConfigDict(json_schema_extra={"example": {"voice": "cedar", "expires_in_seconds": 60}})

    voice: Annotated[str | None, Field(max_length=100)] = None
    """One of OpenAI's voices; the server's own choice without it."""
    expires_in_seconds: Annotated[
        int,
        Field(ge=SHORTEST_SECRET_SECONDS, le=LONGEST_SECRET_SECONDS),
    ] = SECRET_SECONDS
    """How long the secret may start sessions. A session that is running goes on."""


class RealtimeSessionRequest(RequestModel):
    """Ask for a voice session with a candidate that is described here."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "candidate_name": "Grace Hopper",
                "role": "Compiler engineer",
                "resume": "Wrote the A-0 linker…",
                "job_description": "We look for somebody who…",
            }
        }
    )

    candidate_name: PersonName
    role: JobTitle = ""
    resume: LongText = ""
    job_description: LongText = ""

    def profile(self) -> BriefingFields:
        """The same as a briefing."""
        return BriefingFields(
            candidate_name=self.candidate_name,
            role=self.role,
            resume_summary=self.resume,
            notes=self.job_description,
        )


class RealtimeResponse(ResponseModel):
    """A short-lived key with which a browser talks to the voice candidate. It holds no instructions."""

    client_secret: str
    """Starts sessions until it expires. Treat it as a password."""
    expires_at: Timestamp
    session_id: str
    model: str
    modalities: list[str]
    calls_url: str
    """Post the SDP offer here, with the secret as bearer."""
    note: str
    """How to use it, for pages that still speak the interface that OpenAI removed."""
    warnings: list[str] = Field(default_factory=list)
    """What the candidate does not know, or knows in part."""


class PhoneCallRequest(RequestModel):
    """Phone the interviewer."""

    model_config = ConfigDict(json_schema_extra={"example": {"phone_number": "+14155550100"}})

    phone_number: Annotated[str, Field(max_length=40)]
    """E.164: a plus, the country code, the number, and nothing else."""


class PhoneCallResponse(ResponseModel):
    """A call that is being placed."""

    call_id: str
    status: str | None
    """Vapi's word, such as `queued`; null where it gave none."""
    warnings: list[str] = Field(default_factory=list)


class PhoneCallStateResponse(ResponseModel):
    """How a call goes, or went."""

    call_id: str
    status: str | None
    """Vapi's word, such as `ringing`, `in-progress` or `ended`."""
    started_at: Timestamp | None
    ended_at: Timestamp | None
    duration_seconds: int | None
    ended_reason: str | None
    """Vapi's word, one of hundreds."""
    outcome: str | None
    """The same as a sentence, for the common ones."""
