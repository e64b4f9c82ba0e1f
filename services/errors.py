"""Every error that the service raises, with its HTTP status and problem code.

`detail` is one sentence that a person can act on. It never contains a vendor's text, a key, or what a client sent.
"""

from collections.abc import Sequence
from typing import ClassVar, NamedTuple, Self


class FieldError(NamedTuple):
    """One invalid field: its path in the request, and what is wrong with it."""

    field: str
    message: str


class ServiceError(Exception):
    """Base of all errors that clients get as RFC 9457 problems. `retry_after` is whole seconds."""

    status: ClassVar[int]
    code: ClassVar[str]
    title: ClassVar[str]

    def __init__(self, detail: str, *, retry_after: int | None = None, errors: Sequence[FieldError] = ()) -> None:
        super().__init__(detail)
        self.detail = detail
        self.retry_after = retry_after
        self.errors = tuple(errors)


class InvalidInput(ServiceError):
    """The request is invalid."""

    status = 422
    code = "invalid_input"
    title = "Invalid input"

    @classmethod
    def in_fields(cls, errors: Sequence[FieldError]) -> Self:
        """The error of these fields; `detail` explains the only one, or names them all."""
        if len(errors) == 1:
            return cls(f"Check {errors[0].field}: {errors[0].message}.", errors=errors)
        fields = ", ".join(error.field for error in errors[:8])
        return cls(f"Some fields are invalid (see errors for each): {fields}.", errors=errors)


class Unauthorized(ServiceError):
    """Credentials are missing or not accepted.

    `reason` says why to the operator: it is logged and never sent. It must not contain a credential.
    """

    status = 401
    code = "unauthorized"
    title = "Unauthorized"

    def __init__(self, detail: str, *, reason: str = "credentials are required") -> None:
        super().__init__(detail)
        self.reason = reason


class Forbidden(ServiceError):
    """The request is not allowed, whatever the credentials."""

    status = 403
    code = "forbidden"
    title = "Forbidden"


class RoomNotFound(ServiceError):
    """The room does not exist, or belongs to another caller."""

    status = 404
    code = "room_not_found"
    title = "Room not found"

    def __init__(self) -> None:
        super().__init__("There is no room with this name; check the link or open a new room.")


class BriefingNotFound(ServiceError):
    """The room has no briefing yet."""

    status = 404
    code = "briefing_not_found"
    title = "Briefing not found"

    def __init__(self) -> None:
        super().__init__("No briefing is saved for this room; save one first.")


class DebriefNotFound(ServiceError):
    """The room has no debrief yet."""

    status = 404
    code = "debrief_not_found"
    title = "Debrief not found"

    def __init__(self) -> None:
        super().__init__("No debrief has been made for this room yet; ask for one first.")


class PlanNotFound(ServiceError):
    """The room has no question plan yet."""

    status = 404
    code = "plan_not_found"
    title = "Plan not found"

    def __init__(self) -> None:
        super().__init__("No question plan has been made for this room yet; ask for one first.")


class DecisionNotFound(ServiceError):
    """The room has no decision yet."""

    status = 404
    code = "decision_not_found"
    title = "Decision not found"

    def __init__(self) -> None:
        super().__init__("No decision has been made for this room yet; a person makes it.")


class DecisionBeforeRating(ServiceError):
    """HUMAN_FIRST is on, and the decision names no rater who has submitted ratings."""

    status = 409
    code = "decision_before_rating"
    title = "Decision before rating"

    def __init__(self) -> None:
        super().__init__(
            "On this server people rate before they decide; submit your ratings and send your name as rater."
        )


class ListingNeedsAuthentication(ServiceError):
    """Rooms are listed only with authentication, because a room's name is all that is needed to join it."""

    status = 403
    code = "listing_needs_authentication"
    title = "Listing needs authentication"

    def __init__(self) -> None:
        super().__init__("Rooms are listed only with authentication; set API_KEYS or an AUTH_… setting on the server.")


class PhoneCallNotFound(ServiceError):
    """The room placed no such phone call, or Vapi no longer knows it."""

    status = 404
    code = "call_not_found"
    title = "Call not found"

    def __init__(self, detail: str = "This room has placed no call with this id.") -> None:
        super().__init__(detail)


class PhoneCallUncertain(ServiceError):
    """An earlier attempt with the same idempotency key ended with an unknown outcome: the phone may have rung."""

    status = 409
    code = "call_uncertain"
    title = "Call may have been placed"

    def __init__(self) -> None:
        super().__init__(
            "An earlier attempt with this Idempotency-Key may have rung the phone; ask the person who was called, "
            "and send a new key to call again."
        )


class TranscriptNotFound(ServiceError):
    """The room has no transcript."""

    status = 404
    code = "transcript_not_found"
    title = "Transcript not found"

    def __init__(self, detail: str = "No transcript is stored for this room; send one, or fetch Daily's.") -> None:
        super().__init__(detail)


class TranscriptIsWhole(ServiceError):
    """Segments were sent for a room whose transcript was sent whole or fetched from Daily."""

    status = 409
    code = "transcript_is_whole"
    title = "Transcript is whole"

    def __init__(self) -> None:
        super().__init__(
            "This room has a whole transcript, to which no lines can be added; to start over, delete the transcript."
        )


class TranscriptFull(ServiceError):
    """The room's segments would exceed the limits of a transcript."""

    status = 409
    code = "transcript_full"
    title = "Transcript full"

    def __init__(self) -> None:
        super().__init__(
            "The transcript of this room is as long as a transcript may be, so these lines were not stored; to start "
            "over, delete the transcript."
        )


class TranscriptNotStored(ServiceError):
    """The room was opened without transcription storage, so nothing that was said in it is kept at Daily."""

    status = 409
    code = "transcript_not_stored"
    title = "Transcript not stored"

    def __init__(self) -> None:
        super().__init__(
            "This room was opened without transcription, so Daily has no transcript; set DAILY_TRANSCRIPTION=on for "
            "the next room, or send the transcript."
        )


class TranscriptionNotStarted(ServiceError):
    """Transcription was to start in a room without a running call."""

    status = 409
    code = "transcription_not_started"
    title = "Transcription not started"

    def __init__(self) -> None:
        super().__init__("Transcription starts only during a call; join the room first.")


class RoomExpired(ServiceError):
    """The room has ended."""

    status = 410
    code = "room_expired"
    title = "Room expired"

    def __init__(self) -> None:
        super().__init__("This room has ended; open a new one to go on.")


class RequestInProgress(ServiceError):
    """A request with the same idempotency key is still running."""

    status = 409
    code = "request_in_progress"
    title = "Request in progress"


class IdempotencyMismatch(ServiceError):
    """An idempotency key was reused with another body."""

    status = 422
    code = "idempotency_key_reused"
    title = "Idempotency key reused"


class PayloadTooLarge(ServiceError):
    """The request body is larger than its route takes, or than the model can read."""

    status = 413
    code = "payload_too_large"
    title = "Payload too large"

    def __init__(self, detail: str = "The request body is too large for this call; send less.") -> None:
        super().__init__(detail)


class UnsupportedMediaType(ServiceError):
    """The request body is not declared as JSON."""

    status = 415
    code = "unsupported_media_type"
    title = "Unsupported media type"


class WrongHost(ServiceError):
    """The Host header names a host that this server does not answer to (RFC 9110, 15.5.20)."""

    status = 421
    code = "wrong_host"
    title = "Misdirected request"


class RateLimited(ServiceError):
    """The caller has reached a rate limit of this service."""

    status = 429
    code = "rate_limited"
    title = "Too many requests"


class BudgetExhausted(ServiceError):
    """The caller's budget for models, phone calls or storage is used up."""

    status = 429
    code = "budget_exhausted"
    title = "Budget exhausted"


class ProviderNotConfigured(ServiceError):
    """A setting that the call needs is empty. The sentence names its variable."""

    status = 503
    code = "provider_not_configured"
    title = "Provider not configured"

    def __init__(self, provider: str, variable: str) -> None:
        super().__init__(f"{provider} is not set up on this server; set {variable} and restart it.")


class ProviderBadAnswer(ServiceError):
    """A provider's response cannot be used."""

    status = 502
    code = "provider_bad_answer"
    title = "Provider answered badly"


class ProviderRefused(ServiceError):
    """The model declined to answer, or a content filter stopped it."""

    status = 502
    code = "provider_refused"
    title = "Provider refused"


class ProviderUnavailable(ServiceError):
    """A provider is down, overloaded, out of credit, or refuses the key."""

    status = 503
    code = "provider_unavailable"
    title = "Provider unavailable"


class ProviderTimeout(ServiceError):
    """A provider did not respond within the deadline."""

    status = 504
    code = "provider_timeout"
    title = "Provider too slow"


class StorageUnavailable(ServiceError):
    """The database cannot be reached, or did not respond in time."""

    status = 503
    code = "storage_unavailable"
    title = "Storage unavailable"


class StorageFull(ServiceError):
    """The in-memory storage has reached its limit."""

    status = 503
    code = "storage_full"
    title = "Storage full"


class UnreadableRecord(ServiceError):
    """A stored document that this version of the service cannot read."""

    status = 503
    code = "record_unreadable"
    title = "Stored record unreadable"

    def __init__(self, what: str) -> None:
        super().__init__(
            f"The stored {what} was written by another version of this service and can't be read; make it again, "
            "or ask the operator to install the version that wrote it."
        )


class ShuttingDown(ServiceError):
    """The process is being stopped."""

    status = 503
    code = "shutting_down"
    title = "Shutting down"
