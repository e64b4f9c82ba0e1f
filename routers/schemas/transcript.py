"""Transcripts as clients send them: text in any format, or turns in two spellings, and who is who."""

from typing import Annotated, Any, Literal

from pydantic import AliasChoices, BeforeValidator, Discriminator, Field, StringConstraints, Tag, field_validator

from services.text.fields import NoNullCharacters, RequestModel
from services.transcript.clock_times import clock_of_seconds
from services.transcript.transcript import MOST_LABELS, MOST_TURNS, SourceTurn

TRANSCRIPT_CHARACTERS = 1_000_000

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
        StringConstraints(max_length=TRANSCRIPT_CHARACTERS),
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


TranscriptText = Annotated[str, StringConstraints(max_length=TRANSCRIPT_CHARACTERS), NoNullCharacters]
TranscriptTurns = Annotated[list[TranscriptTurn], Field(max_length=MOST_TURNS)]


def _spoken(transcript: str | list[TranscriptTurn]) -> str | list[SourceTurn]:
    if isinstance(transcript, str):
        return transcript if transcript.strip() else ""
    return [turn.spoken() for turn in transcript if turn.text.strip()]


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
        if sum(len(turn.text) for turn in turns) > TRANSCRIPT_CHARACTERS:
            raise ValueError(f"its turns may hold {TRANSCRIPT_CHARACTERS:,} characters together; send less")
        return transcript

    def spoken(self) -> str | list[SourceTurn]:
        """The transcript, or nothing where nothing was said."""
        return _spoken(self.transcript)
