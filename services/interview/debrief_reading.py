"""The model's reading of an interview: one call, or one for each part of a long transcript and one for the result."""

import asyncio
from collections.abc import Coroutine, Iterable, Sequence
from dataclasses import replace
from functools import reduce
from typing import Any

from services.evidence.debrief import Quote
from services.evidence.model_answer import ModelDebrief
from services.evidence.quotes import QuoteFinder
from services.llm import LLM, DebriefReply, add_usage
from services.prompts.inputs import PromptInputs, numbered_line, split_lines
from services.transcript.transcript import Transcript

PART_CHARACTERS = 240_000
"""About 60 000 tokens: what one call carries of a transcript beside everything else."""


async def read_with_model(
    llm: LLM, room_name: str, inputs: PromptInputs, transcript: Transcript, competencies: Sequence[str]
) -> tuple[DebriefReply, list[str]]:
    """The model's answer and warnings about how it was made. Raises the provider errors of `LLM`.

    `inputs` lacks the transcript. A transcript that is too long for one call is read in parts first, to find the
    passages that matter; the debrief is then made of those.
    """

    async def ask(lines: str) -> DebriefReply:
        return await llm.generate_debrief(room_name, replace(inputs, transcript=lines), competencies)

    parts = await asyncio.to_thread(split_lines, transcript.turns, PART_CHARACTERS)
    if len(parts) <= 1:
        return await ask("".join(parts)), []
    replies = await _gather([ask(part) for part in parts])
    passages = await asyncio.to_thread(_quoted_passages, [reply.reading for reply in replies], transcript)
    lines, left_out = _passage_lines(passages, PART_CHARACTERS)
    last = await ask(lines)
    usage = reduce(add_usage, (reply.usage for reply in replies), last.usage)
    return last._replace(usage=usage), _parts_warnings(len(parts), len(passages), left_out)


def _quoted_passages(readings: Iterable[ModelDebrief], transcript: Transcript) -> list[Quote]:
    """The quotes that stand in the transcript, each once, in its order."""
    finder = QuoteFinder(transcript)
    found = {
        (quote.start, quote.end): quote
        for reading in readings
        for proposed in reading.quotes()
        if proposed.source == "transcript"
        for quote in finder.find_quote(proposed.quote, proposed.turn).quotes
    }
    return [found[place] for place in sorted(found)]


def _passage_lines(passages: Iterable[Quote], size: int) -> tuple[str, int]:
    """The passages as numbered lines of at most `size` characters in all, and how many had to be left out."""
    lines: list[str] = []
    left_out = 0
    for passage in passages:
        line = numbered_line(passage.turn or 0, passage.speaker or "unknown", passage.at, passage.text)
        if len(line) < size:
            lines.append(line)
            size -= len(line) + 1
        else:
            left_out += 1
    return "\n".join(lines), left_out


async def _gather(calls: Sequence[Coroutine[Any, Any, DebriefReply]]) -> list[DebriefReply]:
    """All results. When one call fails, the others are cancelled: they would cost money for nothing."""
    tasks = [asyncio.create_task(call) for call in calls]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()


def _parts_warnings(parts: int, passages: int, left_out: int) -> list[str]:
    read = f"The transcript is long: it was read whole, in {parts} parts, and the debrief is made of the passages found"
    if left_out:
        return [f"{read}, {passages - left_out} of {passages}; {left_out} more did not fit."]
    return [f"{read} to matter, {passages} in all."]
