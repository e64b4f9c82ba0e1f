"""What is stored under a room's name."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, Self

from pydantic import BaseModel

from services.briefing import Briefing

UNKNOWN_CREATOR = "unknown"
"""Who opened a room that only Daily remembers."""


@dataclass(frozen=True, slots=True)
class Room:
    """A video room of ours. Times are aware and in UTC."""

    name: str
    url: str
    created_by: str
    created_at: datetime
    expires_at: datetime
    daily_id: str | None = None
    """Daily's own id, by which transcripts are filtered."""
    owner: str | None = None
    """Id of the caller who opened it; None where nobody has to show who they are."""
    candidate_name: str | None = None

    def interviewer_names(self) -> tuple[str, ...]:
        """Who is known to ask the questions."""
        return () if self.created_by == UNKNOWN_CREATOR else (self.created_by,)

    def is_expired(self, now: datetime) -> bool:
        return now >= self.expires_at


@dataclass(frozen=True, slots=True)
class StoredDebrief:
    """One version of a debrief. `document` is the JSON that clients get."""

    version: int
    fingerprint: str
    created_at: datetime
    document: str


@dataclass(frozen=True, slots=True)
class ChatTurn:
    """One message of the sidebar."""

    role: Literal["user", "assistant"]
    content: str
    at: datetime


@dataclass(frozen=True, slots=True)
class StoredRoom:
    """A room with the parts that were asked for; a part that was not asked for is None like one that is missing."""

    room: Room
    briefing: Briefing | None = None
    debrief: StoredDebrief | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """How many of each were erased."""

    room: int = 0
    briefing: int = 0
    debriefs: int = 0
    chat_turns: int = 0
    phone_calls: int = 0
    idempotency_keys: int = 0


@dataclass(frozen=True, slots=True)
class Quota:
    """How often a room may do something: `most` times in any `window`. It is counted under its name."""

    name: str
    most: int
    window: timedelta
    what: str
    """In words, in the plural."""


@dataclass(frozen=True, slots=True)
class StoredResponse:
    """An HTTP response in JSON, kept for its idempotency key."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes = field(repr=False)
    room: str | None = None
    """A room that the work created: the response is deleted with it."""
    expires_at: datetime | None = None
    """When a replay becomes useless, such as the end of a secret's life."""
    is_replayed: bool = False

    @classmethod
    def of(
        cls,
        model: BaseModel,
        status: int = 200,
        *,
        location: str | None = None,
        room: str | None = None,
        expires_at: datetime | None = None,
    ) -> Self:
        """The response that holds this model."""
        headers = (("Location", location),) if location else ()
        return cls(status, headers, model.model_dump_json().encode(), room, expires_at)


@dataclass(frozen=True, slots=True)
class Claim:
    """Result of `Storage.claim_slot`.

    `started`: the slot is ours. `running`: another holder works. `mismatch`: it was used with another fingerprint.
    `done`: `response` is the first response. `abandoned`: its work is not repeatable and ended without a response.
    """

    state: Literal["started", "running", "mismatch", "done", "abandoned"]
    response: StoredResponse | None = None
