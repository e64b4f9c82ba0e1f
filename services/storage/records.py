"""The records that are stored. Times are aware and in UTC; documents are JSON."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal, NamedTuple, Self

from pydantic import BaseModel

from services.briefing import Briefing

UNKNOWN_CREATOR = "unknown"
"""`created_by` of a room that only Daily remembers."""

ParticipantRole = Literal["interviewer", "candidate"]


@dataclass(frozen=True, slots=True)
class Room:
    """A video room that this service opened."""

    name: str
    url: str
    created_by: str
    created_at: datetime
    expires_at: datetime
    daily_id: str | None = None
    """Daily's id of the room, by which transcripts are filtered."""
    owner: str | None = None
    """Id of the caller who opened it; None without authentication."""
    candidate_name: str | None = None
    payer: str | None = None
    """Whose storage budget the room counts against: the owner or, without authentication, the client's address."""

    def interviewer_names(self) -> tuple[str, ...]:
        """The names that are known to be an interviewer's."""
        return () if self.created_by == UNKNOWN_CREATOR else (self.created_by,)

    def is_expired(self, now: datetime) -> bool:
        return now >= self.expires_at

    @property
    def is_erased(self) -> bool:
        """Whether it was erased, and only its id at Daily is kept. Nothing is stored under it, nor is it listed."""
        return not self.url

    def erased(self, now: datetime) -> "Room":
        """What is kept of the room while something of it could not be deleted at Daily."""
        ended_at = min(self.expires_at, now)
        return replace(self, url="", created_by=UNKNOWN_CREATOR, candidate_name=None, expires_at=ended_at)


@dataclass(frozen=True, slots=True)
class Participant:
    """A person for whom a token was issued. `user_id` is Daily's, and different for each token."""

    name: str
    role: ParticipantRole
    user_id: str
    joined_at: datetime


@dataclass(frozen=True, slots=True)
class StoredTranscript:
    """The transcript as it was sent, with the speakers' roles that were sent with it."""

    source: Literal["client", "daily"]
    document: str = field(repr=False)
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Segment:
    """One line of the transcript, sent while the interview goes on. `updated_at` is assigned when it is stored."""

    id: str
    speaker: str
    text: str
    at: str | None = None
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class SegmentTotals:
    """What the segments of a room amount to. As a limit, each number is the most that is allowed."""

    segments: int
    turns: int
    """Consecutive segments of one speaker are one turn."""
    characters: int
    """Of all texts together."""
    speakers: int
    """Different ones."""
    speaker_characters: int
    """Of the different speakers' names together."""

    def exceeds(self, limit: Self) -> bool:
        return any(getattr(self, name) > getattr(limit, name) for name in self.__slots__)


@dataclass(frozen=True, slots=True)
class StoredPlan:
    """One version of the question plan. `document` is what clients get."""

    version: int
    created_at: datetime
    document: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ChatTurn:
    """One message of the sidebar. Its number counts from 1 in its room, and is assigned when it is stored."""

    role: Literal["user", "assistant"]
    content: str
    at: datetime
    number: int = 0


@dataclass(frozen=True, slots=True)
class StoredDebrief:
    """One version of the debrief. `document` is what clients get."""

    version: int
    fingerprint: str
    created_at: datetime
    document: str


@dataclass(frozen=True, slots=True)
class StoredRating:
    """One submission of a rater. Its number counts from 1 for each rater; the first is the sealed one."""

    rater: str
    number: int
    submitted_at: datetime
    document: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class StoredDecision:
    """A person's decision. Its number counts from 1; the latest one holds."""

    number: int
    decided_at: datetime
    document: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class StoredRoom:
    """A room with the requested parts. A part that was not requested is as empty as one that does not exist."""

    room: Room
    briefing: Briefing | None = None
    debrief: StoredDebrief | None = None
    plan: StoredPlan | None = None
    transcript: StoredTranscript | None = None
    participants: tuple[Participant, ...] = ()


@dataclass(frozen=True, slots=True)
class RoomSummary:
    """A room in a list, with what is stored under it."""

    room: Room
    has_briefing: bool
    has_transcript: bool
    has_debrief: bool
    has_decision: bool


@dataclass(frozen=True, slots=True)
class Receipt:
    """How many records of each kind were erased."""

    room: int = 0
    briefing: int = 0
    debriefs: int = 0
    transcripts: int = 0
    segments: int = 0
    chat_turns: int = 0
    plans: int = 0
    ratings: int = 0
    decisions: int = 0
    participants: int = 0
    phone_calls: int = 0
    idempotency_keys: int = 0


class BudgetUse(NamedTuple):
    """An amount that a piece of work takes from a budget, which allows `most` in any `window`.

    `subject` is the budget and whose it is, such as the hash of a caller's id.
    """

    subject: str
    amount: int
    most: int
    window: timedelta
    room: str | None = None
    """The room whose deletion also deletes the use."""


class Exhausted(NamedTuple):
    """A budget that has not enough left for a use."""

    use: BudgetUse
    used: int
    free_at: datetime | None
    """When enough is left; None when the amount is more than the whole budget."""


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
