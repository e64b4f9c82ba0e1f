"""WebVTT as Daily stores it and as other programs write it, read into cues (https://www.w3.org/TR/webvtt1/).

Daily puts the speaker inside the tag, `<v>Name:</v>text`; the standard says
`<v Name>text`; others write `Name: text`. Which of them a file does is decided
once for the file, so that nothing said in it can pass for the head of a cue.
"""

import html
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from services.transcript.plain_text import TurnStart, inner_turn_starts, without_overlaps
from services.transcript.speaker_labels import SpeakerLabels, read_label

_TIMESTAMP = r"(?:\d{1,4}:)?\d{1,2}:\d{2}[.,]\d{1,3}"
_TIMING = re.compile(rf"[ \t]*({_TIMESTAMP})[ \t]*-->[ \t]*{_TIMESTAMP}(?:\s|$)")
_CUE_ID = re.compile(r"\s*(?:transcript:)?\d{1,9}\s*$")
_SUBTITLES = re.compile(rf"\d{{1,9}}[ \t]*\n[ \t]*{_TIMESTAMP}[ \t]*-->")
_NO_CUE = re.compile(r"(?:NOTE|STYLE|REGION)(?:\s|$)")
_LINE_BREAK = re.compile(r"\r\n?|\n")
"""The standard's own. A character that other programs take for a line break must not begin a cue."""

_DAILY_VOICE = re.compile(r"\s*<v[ \t>]([^<>]{1,200}):\s{0,9}</v>")
_VOICE = re.compile(r"<v(?:\.[^\s<>]{0,200})?[ \t]([^<>]{1,200})>")
_TAG = re.compile(rf"</?(?:v|c|i|b|u|lang|ruby|rt)(?:[.\s][^<>]{{0,200}})?>|<{_TIMESTAMP}>")
_ENTITY = re.compile(r"&(?:#[xX]?[0-9a-fA-F]{1,6}|[a-zA-Z]{2,8});")

_SENTENCE_END = re.compile(r"[.!?…。！？؟।][\"'”’)]?$")
_LONGEST_UNNAMED = 1000


class Cue(NamedTuple):
    """What one speaker says in one go. `speaker` is empty where the file names none."""

    speaker: str
    text: str
    at: str | None


@dataclass(slots=True)
class _Payload:
    at: str
    lines: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


def is_webvtt(source: str) -> bool:
    """Whether the text is WebVTT, or SubRip, its older relative."""
    start = _LINE_BREAK.sub("\n", source[:400]).lstrip("\ufeff \t\n")
    return re.match(r"WEBVTT(?:\s|$)", start) is not None or _SUBTITLES.match(start) is not None


def read_cues(source: str, known_names: Sequence[str] = ()) -> list[Cue]:
    """Everything said, in order; consecutive cues of one speaker are one."""
    payloads = [payload for payload in _payloads(_LINE_BREAK.split(source)) if payload.lines]
    spoken = (cue._replace(text=_plain(cue.text)) for cue in _voices(payloads, known_names))
    return [Cue(run[0].speaker, " ".join(cue.text for cue in run), run[0].at) for run in _runs(spoken)]


def _payloads(lines: Sequence[str]) -> Iterator[_Payload]:
    """The texts between the timings. A block without a timing goes on with the cue before it."""
    payload: _Payload | None = None
    is_block_start, is_comment = True, False
    for line, following in pairwise((*lines, "")):
        timing = _TIMING.match(line)
        is_id = (is_block_start or _CUE_ID.match(line)) and _TIMING.match(following)
        is_comment = bool(line.strip()) and (is_comment or (is_block_start and _NO_CUE.match(line) is not None))
        is_block_start = not line.strip()
        if timing:
            if payload:
                yield payload
            payload, is_comment = _Payload(timing[1]), False
        elif payload and not (is_id or is_comment or is_block_start):
            payload.lines.append(line.strip())
    if payload:
        yield payload


def _voices(payloads: Sequence[_Payload], known_names: Sequence[str]) -> Iterator[Cue]:
    """Who says what, in the manner in which this file names its speakers."""
    if any(_DAILY_VOICE.match(payload.text) for payload in payloads):
        return _daily_voices(payloads)
    if any(_VOICE.search(payload.text) for payload in payloads):
        return _standard_voices(payloads)
    return _written_voices(payloads, known_names)


def _daily_voices(payloads: Iterable[_Payload]) -> Iterator[Cue]:
    for payload in payloads:
        text = payload.text
        voice = _DAILY_VOICE.match(text)
        yield Cue(_plain(voice[1]), text[voice.end() :], payload.at) if voice else Cue("", text, payload.at)


def _standard_voices(payloads: Iterable[_Payload]) -> Iterator[Cue]:
    for payload in payloads:
        unnamed, *named = _VOICE.split(payload.text)
        yield Cue("", unnamed, payload.at)
        for speaker, text in zip(named[::2], named[1::2], strict=True):
            yield Cue(_plain(speaker).removesuffix(":"), text, payload.at)


def _written_voices(payloads: Sequence[_Payload], known_names: Sequence[str]) -> Iterator[Cue]:
    labels = [read_label(payload.text) for payload in payloads]
    speakers = SpeakerLabels([label for label in labels if label], known_names)
    firsts = [[TurnStart(label, 0)] if label and speakers.accept(label) else [] for label in labels]
    for payload, first in zip(payloads, firsts, strict=True):
        starts = without_overlaps([*first, *inner_turn_starts(payload.text, speakers)])
        borders = [*(each.start for each in starts), len(payload.text)]
        yield Cue("", payload.text[: borders[0]], payload.at)
        for each, end in zip(starts, borders[1:], strict=True):
            yield Cue(_plain(each.label.name), payload.text[each.end : end], payload.at)


def _plain(text: str) -> str:
    """Without tags, with the characters that entities stand for. What only looks like a tag stays."""
    return " ".join(_ENTITY.sub(lambda match: html.unescape(match[0]), _TAG.sub("", text)).split())


def _runs(cues: Iterable[Cue]) -> Iterator[list[Cue]]:
    """Cues that belong together: of one speaker, or of nobody named up to the end of a sentence."""
    run: list[Cue] = []
    for cue in cues:
        if not cue.text:
            continue
        if run and not _goes_on(run, cue):
            yield run
            run = []
        run.append(cue)
    if run:
        yield run


def _goes_on(run: Sequence[Cue], cue: Cue) -> bool:
    last = run[-1]
    if last.speaker or cue.speaker:
        return last.speaker == cue.speaker
    return not _SENTENCE_END.search(last.text) and sum(len(part.text) for part in run[-99:]) < _LONGEST_UNNAMED
