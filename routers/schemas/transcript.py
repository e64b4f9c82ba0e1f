"""Transcripts as clients send them: text in any format, turns in two spellings, or lines; and as they are read."""

from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    AliasChoices,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    field_validator,
)

from services.interview.stored_transcript import TranscriptSource
from services.storage.records import Segment
from services.text.fields import NoNullCharacters, RequestModel, ResponseModel, Timestamp
from services.text.invisible import has_visible
from services.transcript.clock_times import clock_of_seconds
from services.transcript.source import clean_label
from services.transcript.transcript import MOST_CHARACTERS, MOST_LABELS, MOST_TURNS, Role, SourceTurn

MOST_SEGMENTS = 200
"""In one call."""
SEGMENT_CHARACTERS = 10_000

Label = Annotated[str, StringConstraints(max_length=200), NoNullCharacters]


def _seconds_as_clock(value: Any) -> Any:
    """Times come as text or as seconds from the start."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return clock_of_seconds(value) or value
    return value


class TranscriptTurn(RequestModel):
    """One turn of a transcript. `role`, `content` and `timestamp` mean the same as `speaker`, `text` and `at`."""

    speaker: Annotated[Label, Field(validation_alias=AliasChoices("speaker", "role"))]
    text: Annotated[
        str,
        Field(validation_alias=AliasChoices("text", "content")),
        StringConstraints(max_length=MOST_CHARACTERS),
        NoNullCharacters,
    ]
    at: Annotated[
        Annotated[str, StringConstraints(max_length=64)] | None,
        Field(validation_alias=AliasChoices("at", "timestamp")),
        BeforeValidator(_seconds_as_clock),
    ] = None

    def spoken(self) -> SourceTurn:
        return SourceTurn(self.speaker, self.text, self.at)


def _transcript_form(value: Any) -> str:
    return "turns" if isinstance(value, list) else "text"


TranscriptText = Annotated[str, StringConstraints(max_length=MOST_CHARACTERS), NoNullCharacters]
TranscriptTurns = Annotated[list[TranscriptTurn], Field(max_length=MOST_TURNS)]


class WithTranscript(RequestModel):
    """A request that may carry a transcript."""

    transcript: Annotated[
        Annotated[TranscriptText, Tag("text")] | Annotated[TranscriptTurns, Tag("turns")],
        Discriminator(_transcript_form),
    ] = ""
    """Lines such as `Candidate: …`, WebVTT, SubRip or JSON as programs export them, or a list of turns whose texts have
    no more characters together. Empty or null is none."""
    speakers: Annotated[
        dict[Label, Literal["candidate", "interviewer", "other"]],
        Field(
            default_factory=dict,
            max_length=MOST_LABELS,
            examples=[{"Speaker 1": "interviewer", "Speaker 2": "candidate"}],
        ),
    ]
    """Who is who, by the labels of the transcript. It wins over every guess; speakers that it leaves out get a role
    from role words and full names."""

    @field_validator("transcript", mode="after")
    @classmethod
    def _turns_are_not_too_long(cls, transcript: str | list[TranscriptTurn]) -> str | list[TranscriptTurn]:
        turns = transcript if isinstance(transcript, list) else []
        if sum(len(turn.text) for turn in turns) > MOST_CHARACTERS:
            raise ValueError(f"its turns may hold {MOST_CHARACTERS:,} characters together; send less")
        return transcript

    def spoken(self) -> str | list[SourceTurn]:
        """The transcript, or nothing where nothing was said."""
        if isinstance(self.transcript, str):
            return self.transcript if self.transcript.strip() else ""
        return [turn.spoken() for turn in self.transcript if turn.text.strip()]


class TranscriptRequest(WithTranscript):
    """Store the transcript of an interview."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "transcript": "Interviewer: What did you build?\nCandidate: I led the migration to Postgres.",
                "speakers": {},
            }
        }
    )


def _visible_name(name: str) -> str:
    cleaned = clean_label(name)
    if cleaned is None:
        raise ValueError("it has no visible character")
    return cleaned


def _visible_text(text: str) -> str:
    if not has_visible(text):
        raise ValueError("it has no visible character")
    return text


class SegmentRequest(TranscriptTurn):
    """One line, as it was spoken. The client makes the id; the same id again replaces the line."""

    id: Annotated[str, StringConstraints(min_length=1, max_length=200), NoNullCharacters]
    speaker: Annotated[Label, Field(validation_alias=AliasChoices("speaker", "role")), AfterValidator(_visible_name)]
    text: Annotated[
        str,
        Field(validation_alias=AliasChoices("text", "content")),
        StringConstraints(max_length=SEGMENT_CHARACTERS),
        NoNullCharacters,
        AfterValidator(_visible_text),
    ]

    def segment(self) -> Segment:
        return Segment(self.id, self.speaker, self.text, self.at)


class SegmentsRequest(RequestModel):
    """Store lines of the transcript while the interview goes on."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"segments": [{"id": "line-1", "speaker": "Grace", "text": "I led it.", "at": "00:07:31"}]}
        }
    )

    segments: Annotated[list[SegmentRequest], Field(min_length=1, max_length=MOST_SEGMENTS)]


class SegmentsResponse(ResponseModel):
    """What the room's lines amount to."""

    stored: int
    """Lines, those of earlier calls included."""
    turns: int
    """Consecutive lines of one speaker are one turn."""


class TranscriptTurnResponse(ResponseModel):
    """What one speaker says without interruption."""

    number: int
    speaker: str | None
    """The label as it was written; null where no speaker is named."""
    role: Role
    text: str
    at: str | None
    """The time as the transcript gives it."""


class SpeakerResponse(ResponseModel):
    """A speaker, with the role and the reason for it."""

    label: str
    role: Role
    because: str
    turns: int
    words: int


class TranscriptResponse(ResponseModel):
    """The transcript as it is read with the names that are known now."""

    room_name: str
    source: TranscriptSource
    """`client`: sent whole. `segments`: sent line by line. `daily`: fetched from Daily."""
    turns: list[TranscriptTurnResponse]
    speakers: list[SpeakerResponse]
    warnings: list[str]
    """What a reader must know about who speaks, and about what is missing."""
    updated_at: Timestamp


class TranscriptInProgressResponse(ResponseModel):
    """Daily is still writing the transcript. What was stored before is unchanged."""

    room_name: str
    status: Literal["in_progress"] = "in_progress"
