"""Several WebVTT files of one interview as one file, in which the times go on from file to file."""

import re
from collections.abc import Sequence
from typing import NamedTuple

_TIMESTAMP = r"(?:\d{2,4}:)?\d{2}:\d{2}\.\d{3}"
_TIMING = re.compile(rf"^(?P<start>{_TIMESTAMP}) --> (?P<end>{_TIMESTAMP})", re.MULTILINE)
_LINE_BREAK = re.compile(r"\r\n?")


class TimedFile(NamedTuple):
    """A WebVTT file whose times count from its own beginning."""

    text: str
    starts_at: float | None
    """In seconds, on a clock that the files share. None if it is not known."""


def join_files(files: Sequence[TimedFile]) -> str:
    """The files in this order as one; a single file is returned as it is.

    Times count from the beginning of the first file. A file of which it is not known when it began, or which began
    before the one above it ended, goes on at that one's end: times never go back.
    """
    if len(files) == 1:
        return files[0].text
    joined = ["WEBVTT"]
    end = 0.0
    for file in files:
        offset = max(_offset(file, files[0]), end)
        body = _shifted(_body(file.text), offset)
        end = max([end, *(_seconds(timing["end"]) for timing in _TIMING.finditer(body))])
        joined.append(body)
    return "\n\n".join(filter(None, joined)) + "\n"


def _offset(file: TimedFile, first: TimedFile) -> float:
    if file.starts_at is None or first.starts_at is None:
        return 0.0
    return file.starts_at - first.starts_at


def _body(text: str) -> str:
    """The file without its header, which ends with the first empty line or, where that is missing, above a timing."""
    lines = _LINE_BREAK.sub("\n", text)
    timing = _TIMING.search(lines)
    gap = lines.find("\n\n", 0, timing.start() if timing else len(lines))
    return lines[gap if gap >= 0 or timing is None else timing.start() :].strip("\n")


def _shifted(body: str, offset: float) -> str:
    def shift(timing: re.Match[str]) -> str:
        start, end = (write_timestamp(_seconds(timing[name]) + offset) for name in ("start", "end"))
        return f"{start} --> {end}"

    return _TIMING.sub(shift, body)


def _seconds(timestamp: str) -> float:
    seconds = 0.0
    for part in timestamp.split(":"):
        seconds = 60 * seconds + float(part)
    return seconds


def write_timestamp(seconds: float) -> str:
    """The time as WebVTT writes it, such as `00:01:02.345`."""
    minutes, milliseconds = divmod(round(seconds * 1000), 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{milliseconds // 1000:02}.{milliseconds % 1000:03}"
