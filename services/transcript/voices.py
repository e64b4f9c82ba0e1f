"""The speakers of timed text.

Daily puts the speaker inside the tag, `<v>Name:</v>text`; the standard says `<v Name>text`; Webex names the speaker in
the cue's id; others write `Name: text` or the name on a line of its own. The form is decided once for each file, so
that no speech is taken for a name.
"""

import html
import re
from collections.abc import Iterable, Iterator, Sequence

from services.text.words import join_all
from services.transcript.line_prefixes import read_time
from services.transcript.source import MOST_LINES, SourceTurn, TooManyTurns
from services.transcript.speaker_labels import ExpectedSpeakers
from services.transcript.turn_starts import Line, find_turn_starts
from services.transcript.webvtt import Block

_DAILY_VOICE = re.compile(r"^\s{0,9}<v[ \t>]([^<>]{1,200}):\s{0,9}</v>", re.MULTILINE)
_VOICE = re.compile(r"<v(?:\.[^\s<>]{0,200})?[ \t]([^<>]{1,200})>")
_NAMED_ID = re.compile(r'\d{1,9}\s{1,9}"([^"]{1,200})"(?:\s{1,9}\(\d{1,20}\))?$')
_TAG = re.compile(r"</?(?:v|c|i|b|u|lang|ruby|rt|font)(?:[.\s][^<>]{0,200})?>|<[\d:.]{5,16}>")
_ENTITY = re.compile(r"&(?:#[xX]?[0-9a-fA-F]{1,6}|[a-zA-Z]{2,8});")

_DASH = re.compile(r"[-–—][ ]?(?=[^\W\d_])")

_LEAST_NAMED_IDS = 0.5

_SENTENCE_END = re.compile(r"[.!?…。！？؟।][\"'”’»」』)）]?$")
_LONGEST_UNNAMED = 1000
"""Characters after which unnamed cues are no longer joined if no sentence ends."""


def read_voices(blocks: Sequence[Block], expected: ExpectedSpeakers) -> list[SourceTurn]:
    """Everything said, in order; consecutive cues of one speaker are one turn."""
    spoken = _voices(blocks, expected)
    return join_runs(turn._replace(speaker=_plain(turn.speaker), text=_plain(turn.text)) for turn in spoken)


def join_runs(turns: Iterable[SourceTurn]) -> list[SourceTurn]:
    """Consecutive turns of one speaker as one turn; those without a name up to the end of a sentence."""
    runs: list[list[SourceTurn]] = []
    length = 0
    for turn in turns:
        if not turn.text.strip():
            continue
        if runs and _goes_on(runs[-1][-1], turn, length):
            runs[-1].append(turn)
            length += len(turn.text)
        else:
            runs.append([turn])
            length = len(turn.text)
    return [run[0]._replace(text=join_all(turn.text.strip() for turn in run)) for run in runs]


def _goes_on(last: SourceTurn, turn: SourceTurn, length: int) -> bool:
    if last.speaker or turn.speaker:
        return last.speaker == turn.speaker
    return length < _LONGEST_UNNAMED and not _SENTENCE_END.search(last.text[-9:])


def _voices(blocks: Sequence[Block], expected: ExpectedSpeakers) -> Iterator[SourceTurn]:
    texts = ["\n".join(block.lines) for block in blocks]
    if any(_DAILY_VOICE.match(text) for text in texts):
        return _daily_voices(blocks, texts)
    if any(_VOICE.search(text) for text in texts):
        return _standard_voices(blocks, texts)
    if blocks and sum(_NAMED_ID.match(block.id) is not None for block in blocks) >= _LEAST_NAMED_IDS * len(blocks):
        return _named_ids(blocks, texts)
    return _written_voices(blocks, expected)


def _daily_voices(blocks: Iterable[Block], texts: Iterable[str]) -> Iterator[SourceTurn]:
    for block, text in zip(blocks, texts, strict=True):
        unnamed, *named = _DAILY_VOICE.split(text)
        yield SourceTurn("", unnamed, block.at)
        for speaker, said in zip(named[::2], named[1::2], strict=True):
            yield SourceTurn(speaker, said, block.at)


def _standard_voices(blocks: Iterable[Block], texts: Iterable[str]) -> Iterator[SourceTurn]:
    for block, text in zip(blocks, texts, strict=True):
        unnamed, *named = _VOICE.split(text)
        yield SourceTurn("", unnamed, block.at)
        for speaker, said in zip(named[::2], named[1::2], strict=True):
            inside, _, behind = said.partition("</v>")
            yield SourceTurn(speaker.removesuffix(":"), inside, block.at)
            yield SourceTurn("", behind, block.at)


def _named_ids(blocks: Iterable[Block], texts: Iterable[str]) -> Iterator[SourceTurn]:
    for block, text in zip(blocks, texts, strict=True):
        named = _NAMED_ID.match(block.id)
        yield SourceTurn(named[1] if named else "", text, block.at)


def _written_voices(blocks: Sequence[Block], expected: ExpectedSpeakers) -> Iterator[SourceTurn]:
    """Names before a colon, in brackets or alone on a line. A cue without a label has no speaker, nor has a line that
    begins with a dash, by which subtitles mark another voice.
    """
    if sum(len(block.lines) for block in blocks) > MOST_LINES:
        raise TooManyTurns
    places = [(block, index == 0, _plain(line)) for block in blocks for index, line in enumerate(block.lines)]
    lines = [Line(text, 0, is_first, read_time(text)) for _, is_first, text in places]
    starts = find_turn_starts(lines, expected)
    speaker = ""
    for index, (block, is_first, text) in enumerate(places):
        prefix = starts.get(index)
        speaker = prefix.name if prefix else "" if is_first or _DASH.match(text) else speaker
        yield SourceTurn(speaker, text[prefix.end :] if prefix else text, block.at)


def _plain(text: str) -> str:
    """The text without tags, with the characters that entities mean, on one line. What only looks like a tag stays."""
    if "<" in text:
        text = _TAG.sub("", text)
    if "&" in text:
        text = _ENTITY.sub(lambda match: html.unescape(match[0]), text)
    return join_all(" ".join(line.split()) for line in text.split("\n"))
