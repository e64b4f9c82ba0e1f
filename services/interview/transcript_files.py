"""The transcript as a WebVTT file and as plain text."""

import html
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from services.evidence.times import seconds_of
from services.transcript.clock_times import FIRST_DATE_SECONDS
from services.transcript.joining import write_timestamp
from services.transcript.transcript import Turn

_LAST_SECONDS = 1.0
"""How long a cue is shown that no later time ends."""
_NO_TIMES = "NOTE\nThe transcript has no times. Its turns are a second apart, in their order."


def write_webvtt(turns: Sequence[Turn]) -> str:
    """The turns as cues with the speaker's name in a voice tag (https://www.w3.org/TR/webvtt1/).

    A cue lasts until the next one. A turn without a time, or with an earlier one than the turn before, begins with that
    turn. WebVTT needs times: where there are none, a comment says so.
    """
    known = [seconds_of(turn.at) for turn in turns]
    has_times = any(time is not None for time in known)
    starts = list(_in_order(known)) if has_times else [float(place) for place in range(len(turns))]
    ends = [later if later > start else start + _LAST_SECONDS for start, later in pairwise([*starts, 0.0])]
    cues = [_cue(turn, start, end) for turn, start, end in zip(turns, starts, ends, strict=True)]
    return "\n\n".join(["WEBVTT", *([] if has_times or not turns else [_NO_TIMES]), *cues]) + "\n"


def write_plain_text(turns: Iterable[Turn]) -> str:
    """One line for each turn, such as `[00:01:02] Ada: What did you build?`."""
    return "".join(f"{_time(turn)}{_name(turn)}{_one_line(turn.text)}\n" for turn in turns)


def _in_order(times: Sequence[float | None]) -> Iterator[float]:
    first_date = next((time for time in times if time is not None and time >= FIRST_DATE_SECONDS), 0.0)
    latest = 0.0
    for time in times:
        if time is not None:
            latest = max(latest, time - first_date if time >= FIRST_DATE_SECONDS else time)
        yield latest


def _cue(turn: Turn, start: float, end: float) -> str:
    voice = f"<v {html.escape(turn.speaker, quote=False)}>" if turn.speaker else ""
    text = html.escape(_one_line(turn.text), quote=False)
    return f"{turn.number}\n{write_timestamp(start)} --> {write_timestamp(end)}\n{voice}{text}"


def _time(turn: Turn) -> str:
    return f"[{turn.at}] " if turn.at else ""


def _name(turn: Turn) -> str:
    return f"{turn.speaker}: " if turn.speaker else ""


def _one_line(text: str) -> str:
    """An empty line would end the cue, and the beginning of a line could be taken for a speaker's name."""
    return " ".join(text.split())
