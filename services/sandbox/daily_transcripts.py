"""Transcripts of the emulated Daily: one interview, spoken by the people that tokens were issued to.

A room with transcription storage gets a transcript when its interviewer "joins": when an owner's token with
`auto_start_transcription` is issued, or transcription is started by a call. It is finished `SECONDS_TO_FINISH` after
the last token for the room. Like Daily's, transcripts stay when their room is deleted.
"""

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

from services.sandbox.wire import timestamp

SECONDS_TO_FINISH = 5.0
INTERVIEW_FILE = Path(__file__).with_name("interview.txt")
UNNAMED = "Guest"
"""Daily's name for a participant whose token has none."""

_FIRST_WORD_AT = 4.0
_SECONDS_PER_WORD = 0.38
_PAUSE = 0.6


class SpokenLine(NamedTuple):
    """A line of the interview, in seconds from its beginning."""

    is_interviewer: bool
    start: float
    end: float
    text: str


@dataclass
class Call:
    """The participants of a room. Issuing a token counts as joining, since an emulated call has no other beginning."""

    interviewer: str = UNNAMED
    candidate: str = UNNAMED
    last_join: float | None = None
    transcript: "Transcript | None" = None

    def join(self, name: str, now: float, *, is_owner: bool) -> None:
        """Records a participant; a later one of the same kind replaces the earlier one as the speaker."""
        if is_owner:
            self.interviewer = name or UNNAMED
        else:
            self.candidate = name or UNNAMED
        self.last_join = now


@dataclass
class Transcript:
    """A transcript of a call; its state and text follow from the clock."""

    room_id: str
    call: Call
    started_at: float
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    session_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    is_deleted: bool = False

    def status(self, now: float) -> Literal["t_deleted", "t_finished", "t_in_progress"]:
        if self.is_deleted:
            return "t_deleted"
        return "t_finished" if now >= self._finished_at else "t_in_progress"

    @property
    def _finished_at(self) -> float:
        return (self.call.last_join or self.started_at) + SECONDS_TO_FINISH

    def document(self, now: float, domain_id: str) -> Mapping[str, Any]:
        """The transcript as Daily describes it: camelCase, but for the two dates."""
        status = self.status(now)
        return {
            "transcriptId": self.id,
            "domainId": domain_id,
            "roomId": self.room_id,
            "mtgSessionId": self.session_id,
            "status": status,
            "isVttAvailable": status == "t_finished",
            "duration": round(spoken_lines()[-1].end),
            "created_at": timestamp(self.started_at),
            "updated_at": timestamp(min(now, self._finished_at)),
        }

    def webvtt(self) -> str:
        """The text as Daily writes it: numbered cues, the speaker's name with a colon inside the voice tag."""
        return "\n\n".join(["WEBVTT", *self._cues()]) + "\n"

    def _cues(self) -> Iterator[str]:
        for number, line in enumerate(spoken_lines()):
            speaker = self.call.interviewer if line.is_interviewer else self.call.candidate
            yield f"transcript:{number}\n{_clock(line.start)} --> {_clock(line.end)}\n<v>{speaker}:</v>{line.text}"


@cache
def spoken_lines() -> tuple[SpokenLine, ...]:
    """The lines of `interview.txt`, each with the time that it takes to say."""
    return tuple(_timed_lines(INTERVIEW_FILE.read_text(encoding="utf-8")))


def _timed_lines(text: str) -> Iterator[SpokenLine]:
    start = _FIRST_WORD_AT
    for line in text.splitlines():
        speaker, _, words = line.partition(": ")
        end = start + _SECONDS_PER_WORD * len(words.split())
        yield SpokenLine(speaker == "I", start, end, words)
        start = end + _PAUSE


def _clock(seconds: float) -> str:
    """`00:01:02.345`"""
    minutes, milliseconds = divmod(round(seconds * 1000), 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{milliseconds // 1000:02}.{milliseconds % 1000:03}"
