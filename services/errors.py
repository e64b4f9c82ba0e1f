"""The nouns that go wrong. Each knows its status and its code.

`detail` is one sentence that a person can act on. It never holds a vendor's
text, a key, or what somebody sent us.
"""

from collections.abc import Sequence
from typing import ClassVar, NamedTuple


class FieldError(NamedTuple):
    """One input that was refused: where it stood and what is wrong with it."""

    field: str
    message: str


class ServiceError(Exception):
    """A failure with a name, rendered as an RFC 9457 problem. `retry_after` is whole seconds."""

    status: ClassVar[int]
    code: ClassVar[str]
    title: ClassVar[str]

    def __init__(self, detail: str, *, retry_after: int | None = None, errors: Sequence[FieldError] = ()) -> None:
        super().__init__(detail)
        self.detail = detail
        self.retry_after = retry_after
        self.errors = tuple(errors)


class InvalidInput(ServiceError):
    """What was sent can't be used."""

    status = 422
    code = "invalid_input"
    title = "Invalid input"


class Unauthorized(ServiceError):
    """No credentials, or credentials that prove nothing."""

    status = 401
    code = "unauthorized"
    title = "Unauthorized"


class Forbidden(ServiceError):
    """The caller is known and may not do this."""

    status = 403
    code = "forbidden"
    title = "Forbidden"


class RoomNotFound(ServiceError):
    """No such room, or none that this caller may know of."""

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


class PhoneCallNotFound(ServiceError):
    """This room placed no such call, or Vapi does not know it any more."""

    status = 404
    code = "call_not_found"
    title = "Call not found"

    def __init__(self, detail: str = "This room has placed no call with this id.") -> None:
        super().__init__(detail)


class PhoneCallUncertain(ServiceError):
    """An earlier attempt with the same key ended without anybody knowing whether the phone rang."""

    status = 409
    code = "call_uncertain"
    title = "Call may have been placed"

    def __init__(self) -> None:
        super().__init__(
            "An earlier attempt with this Idempotency-Key may have rung the phone; ask the person who was called, "
            "and send a new key to call again."
        )


class RoomExpired(ServiceError):
    """The room was, and is over."""

    status = 410
    code = "room_expired"
    title = "Room expired"

    def __init__(self) -> None:
        super().__init__("This room has ended; open a new one to go on.")


class RequestInProgress(ServiceError):
    """The same idempotency key is being worked on right now."""

    status = 409
    code = "request_in_progress"
    title = "Request in progress"


class IdempotencyMismatch(ServiceError):
    """An idempotency key came back with another body."""

    status = 422
    code = "idempotency_key_reused"
    title = "Idempotency key reused"


class PayloadTooLarge(ServiceError):
    """More than we read, or more than the model can take."""

    status = 413
    code = "payload_too_large"
    title = "Payload too large"


class RateLimited(ServiceError):
    """Our own limit."""

    status = 429
    code = "rate_limited"
    title = "Too many requests"


class ProviderNotConfigured(ServiceError):
    """A call needs a setting that is empty. The sentence names the variable."""

    status = 503
    code = "provider_not_configured"
    title = "Provider not configured"

    def __init__(self, provider: str, variable: str) -> None:
        super().__init__(f"{provider} is not set up on this server; set {variable} and restart it.")


class ProviderBadAnswer(ServiceError):
    """A provider answered with what can't be used."""

    status = 502
    code = "provider_bad_answer"
    title = "Provider answered badly"


class ProviderRefused(ServiceError):
    """A model declined to answer, or a filter stopped it."""

    status = 502
    code = "provider_refused"
    title = "Provider refused"


class ProviderUnavailable(ServiceError):
    """A provider is down, overloaded, out of credit, or refuses our key."""

    status = 503
    code = "provider_unavailable"
    title = "Provider unavailable"


class ProviderTimeout(ServiceError):
    """A provider took longer than its deadline."""

    status = 504
    code = "provider_timeout"
    title = "Provider too slow"


class StorageUnavailable(ServiceError):
    """The database can't be reached or did not answer in time."""

    status = 503
    code = "storage_unavailable"
    title = "Storage unavailable"


class StorageFull(ServiceError):
    """The in-memory storage is at its limit."""

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
