"""WebVTT, SubRip and their relatives, read into timed blocks of text (https://www.w3.org/TR/webvtt1/).

Files are read as programs and people leave them: timings without hours or milliseconds, other arrows, missing empty
lines, several files joined, speech on the line of its timing.
"""

import html
import re
from itertools import islice, takewhile
from typing import NamedTuple

from services.text.invisible import INVISIBLE
from services.transcript.source import UnreadableTranscript

_TIMESTAMP = r"(?:\d{1,4}[:：][ ]?){1,2}\d{1,2}(?:[ ]?[.,，][ ]?\d{1,6})?"
_ARROW = r"(?:(?:[-‐‑–—−=~][ ]?){0,4}(?:>{1,3}|[›»＞→⇒⟶⟹➔➜➝])|(?:-{1,3}|[‐‑–—−~,]))"
_TIMING = re.compile(
    rf"^[ \t{INVISIBLE}]{{0,9}}(?P<bracket>\[)?(?P<start>{_TIMESTAMP})[ \t]{{0,9}}(?P<arrow>{_ARROW})[ \t]{{0,9}}"
    rf"(?P<end>{_TIMESTAMP})?(?(bracket)\])(?P<rest>[ \t][^\n]*|)$",
    re.MULTILINE,
)
_BROKEN_TIMING = re.compile(
    r"^[ \t\[]{0,9}\d{1,4}:[\dxXoOlI?:.,; ]{0,20}-{1,3}[ ]?>[ \t]*(?:[\dxXoOlI?]|$)", re.MULTILINE
)
_BROKEN_END = re.compile(r"[ \t]{0,9}[\dxXoOlI?]{1,4}:[\dxXoOlI?]")
_SETTINGS = re.compile(r"(?:[ \t]{1,9}(?:vertical|line|position|size|align|region|[XY][12]):\S{1,60}){1,9}(?=\s|$)")

_HEADER = re.compile(rf"[\s{INVISIBLE}]{{0,99}}WEBVTT(?=\s|$)")
_METADATA = re.compile(r"(?:WEBVTT.*|[A-Z][\w-]{0,40}[:=]\s?\S{0,60})$")
_NO_CUE = re.compile(r"(?:WEBVTT|NOTE|STYLE|REGION|X-TIMESTAMP-MAP=.*)(?:\s|$)")
_CUE_ID = re.compile(r"(?:transcript:)?\d{1,9}$|[0-9a-fA-F]{8}-[0-9a-fA-F-]{27,40}(?:/[\w-]{1,20})?$")
_EMPTY_LINES = re.compile(r"\n\s*\n")
_LINES_BEFORE_FIRST_TIMING = 12


class Block(NamedTuple):
    """A cue, or a paragraph below it that has no timing of its own and so may be another person's, or a trailer."""

    id: str
    at: str
    lines: list[str]


class TimedText(NamedTuple):
    """The blocks of a file in order."""

    blocks: list[Block]
    lines_left_out: int
    """Lines above the first timing that are no part of the format."""


def is_timed_text(source: str) -> bool:
    """Whether the text is WebVTT, SubRip or one of their relatives, readable or not."""
    start = _beginning(source)
    if _HEADER.match(start):
        return True
    lines = list(islice((line for line in start.split("\n") if line.strip()), _LINES_BEFORE_FIRST_TIMING))
    timings = [_TIMING.match(line) for line in lines]
    return any(
        (timing and (_has_arrow(timing) or (above and above.strip().isdecimal()))) or _BROKEN_TIMING.match(line)
        for line, timing, above in zip(lines, timings, ["", *lines], strict=False)
    )


def _beginning(source: str) -> str:
    start = source[:4000]
    return _unix_lines(html.unescape(start) if _is_escaped(start) else start)


def _is_escaped(start: str) -> bool:
    """Whether the file was copied from HTML. In a cue's words an escaped arrow is as the standard wants it."""
    return "--&gt;" in start and _TIMING.search(_unix_lines(start)) is None


def _has_arrow(timing: re.Match[str]) -> bool:
    """Elsewhere than below a number, dashes are ranges of time. A comma joins the timings of YouTube's SBV."""
    return not set(timing["arrow"].replace(" ", "")) <= set("-‐‑–—−~,") or (
        timing["arrow"] == "," and "." in timing["start"]
    )


def read_timed_text(source: str) -> TimedText:
    """The blocks of the file. Raises UnreadableTranscript, naming the line, for a timing that cannot be read."""
    text = _unix_lines(html.unescape(source) if _is_escaped(source[:4000]) else source)
    timings = list(_TIMING.finditer(text))
    _refuse_broken_timing(text)
    if not timings:
        _refuse_text_without_timing(text)
        return TimedText([], 0)
    ends = [*(timing.start() for timing in timings[1:]), len(text)]
    above, id_ = _without_id(_paragraphs(text[: timings[0].start()]))
    blocks: list[Block] = []
    for timing, end in zip(timings, ends, strict=True):
        paragraphs = _paragraphs(text[timing.end() : end])
        spoken, next_id = _without_id(paragraphs) if end < len(text) else (paragraphs, "")
        blocks += _cue(timing, id_, spoken)
        id_ = next_id
    lines_above = [line for paragraph in _without_comments(above) for line in paragraph if line]
    return TimedText(blocks, sum(not _METADATA.match(line) for line in lines_above))


def _paragraphs(segment: str) -> list[list[str]]:
    """The text between two timings. Its first paragraph is empty if an empty line follows the timing, and its last
    one if an empty line is above the next timing.
    """
    parts = _EMPTY_LINES.split(segment.removeprefix("\n").removesuffix("\n"))
    return [[line.strip() for line in part.split("\n")] for part in parts]


def _without_id(paragraphs: list[list[str]]) -> tuple[list[list[str]], str]:
    """The paragraphs without the id of the next cue, and that id: a number, or a line of its own below a gap."""
    *above, last = paragraphs
    if _CUE_ID.match(last[-1]) or (above and len(last) == 1):
        return [*above, last[:-1]], last[-1]
    return paragraphs, ""


def _without_comments(paragraphs: list[list[str]]) -> list[list[str]]:
    return [paragraph for paragraph in paragraphs if paragraph and not _NO_CUE.match(paragraph[0])]


def _cue(timing: re.Match[str], id_: str, paragraphs: list[list[str]]) -> list[Block]:
    """The cue below a timing, also below an empty line, and the paragraphs that follow it."""
    first, *others = paragraphs
    below = [_before_header(paragraph) for paragraph in _without_comments(others)]
    cue = _speech(timing["rest"], first) or (below.pop(0) if below else [])
    at = timing["start"].replace(" ", "")
    return [Block(id_, at, cue), *(Block("", at, lines) for lines in below)]


def _speech(rest_of_timing: str, paragraph: list[str]) -> list[str]:
    """The lines of a cue, with what is on the line of its timing."""
    rest = _SETTINGS.sub("", rest_of_timing, count=1).strip()
    return [*([rest] if rest else []), *_before_header(paragraph)]


def _before_header(paragraph: list[str]) -> list[str]:
    """The lines above the header of another file that was joined without an empty line."""
    return [line for line in takewhile(lambda line: not line.startswith("WEBVTT"), paragraph) if line]


def _refuse_broken_timing(text: str) -> None:
    for broken in _BROKEN_TIMING.finditer(text):
        timing = _TIMING.match(text, broken.start())
        if timing is None or (timing["end"] is None and _BROKEN_END.match(timing["rest"])):
            line = text.count("\n", 0, broken.start()) + 1
            raise UnreadableTranscript(
                f"The {_format_of(text)} file cannot be read: line {line} is not a timing such as "
                "00:00:01.000 --> 00:00:04.000."
            )


def _refuse_text_without_timing(text: str) -> None:
    header, *paragraphs = _paragraphs(text)
    lost = [line for line in header if line and not _METADATA.match(line)]
    lost += [line for paragraph in _without_comments(paragraphs) for line in paragraph if line]
    if lost:
        line = text.count("\n", 0, text.index(lost[0])) + 1
        raise UnreadableTranscript(
            f"The {_format_of(text)} file cannot be read: there is no timing such as 00:00:01.000 --> 00:00:04.000 "
            f"above line {line}."
        )


def _format_of(text: str) -> str:
    return "WebVTT" if _HEADER.match(text) else "SubRip"


def _unix_lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")
