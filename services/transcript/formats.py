"""The format of a transcript: found once, and read by the one reader of that format."""

import re
from collections.abc import Sequence

from services.transcript.comma_separated import is_comma_separated, read_comma_separated
from services.transcript.json_turns import is_json, read_json
from services.transcript.plain_text import read_plain_text
from services.transcript.source import Record, SourceTurn, UnreadableTranscript, assemble
from services.transcript.speaker_labels import ExpectedSpeakers
from services.transcript.voices import join_runs, read_voices
from services.transcript.webvtt import Block, is_timed_text, read_timed_text

_UNSUPPORTED = {
    "HTML": re.compile(r"<!doctype html|<html\b", re.IGNORECASE),
    "XML": re.compile(r"<\?xml\b|<tt\b"),
    "RTF": re.compile(r"\{\\rtf"),
    "SubStation Alpha": re.compile(r"\[Script Info\]"),
    "PDF": re.compile(r"%PDF-"),
}
"""Formats that would be read as speech otherwise, by how they begin."""

_FENCE = "```"


def read_source(source: str | Sequence[SourceTurn], expected: ExpectedSpeakers) -> Record:
    """The passages of a transcript in any format. Raises UnreadableTranscript for one that cannot be read."""
    if not isinstance(source, str):
        return assemble(source)._replace(has_chat_roles=True)
    text = _without_fence(source)
    if is_json(text):
        found = read_json(text)
        if not isinstance(found, str):
            record = _with_labels_in_texts(found.turns, expected)
            record = record or assemble(found.turns)._replace(has_chat_roles=True)
            return record._replace(objects_without_text=found.without_text)
        text = source = found
    if is_comma_separated(text):
        return assemble(join_runs(read_comma_separated(text)))
    if is_timed_text(text):
        timed = read_timed_text(text)
        return assemble(read_voices(timed.blocks, expected))._replace(lines_left_out=timed.lines_left_out)
    _refuse_unsupported(text)
    return read_plain_text(source, expected)


def _with_labels_in_texts(turns: Sequence[SourceTurn], expected: ExpectedSpeakers) -> Record | None:
    """The turns of a JSON that names the speakers in its texts, as `Nora Kim: Why?`; None if it does not."""
    if any(turn.speaker for turn in turns):
        return None
    blocks = [Block("", turn.at or "", turn.text.splitlines()) for turn in turns]
    voices = read_voices(blocks, expected)
    return assemble(voices) if any(turn.speaker for turn in voices) else None


def _without_fence(source: str) -> str:
    """The text without a byte order mark and without the fences of a Markdown code block. Lines keep their numbers."""
    text = source.strip("\ufeff \t\r\n")
    lines_above = source.count("\n", 0, source.index(text))
    if text.startswith(_FENCE) and text.endswith(_FENCE):
        _, _, text = text.removesuffix(_FENCE).partition("\n")
        lines_above += 1
    return "\n" * lines_above + text


def _refuse_unsupported(text: str) -> None:
    content = text.lstrip()
    line = text.count("\n", 0, len(text) - len(content)) + 1
    for name, beginning in _UNSUPPORTED.items():
        if beginning.match(content):
            raise UnreadableTranscript(
                f"The transcript cannot be read: line {line} begins like {name}. "
                "Send plain text, WebVTT, SubRip or JSON."
            )
