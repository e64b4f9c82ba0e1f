"""The model's reading of an interview: one call, or one for each part of a long transcript and one for the result."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial, reduce
from typing import NamedTuple

from services.errors import PayloadTooLarge
from services.evidence.answer_fields import dropped_warnings
from services.evidence.debrief import Quote
from services.evidence.model_answer import ModelDebrief
from services.evidence.quotes import QuoteFinder
from services.llm import DEBRIEF_TOKENS, LLM, DebriefReply, add_usage
from services.prompts.debrief import DebriefPrompt
from services.prompts.inputs import SAMPLE_NONCE, PromptInputs, TranscriptPart, numbered_line, split_transcript
from services.prompts.tokens import (
    BYTES_PER_TOKEN,
    FittedParts,
    estimate_prompt,
    estimate_tokens,
    fit_parts,
    size_in_bytes,
)
from services.transcript.transcript import Transcript

MAX_PART_TOKENS = 80_000
"""Maximum size of a transcript in one call, whatever the context allows: models miss more in longer texts."""
MIN_PART_TOKENS = 500
MAX_INPUT_TOKENS = 500_000
"""Maximum estimated input of all calls of one debrief."""


class _Passages(NamedTuple):
    """The passages that were quoted from the parts, as lines of a transcript."""

    part: TranscriptPart
    found: int
    left_out: int


async def read_with_model(
    llm: LLM, room_name: str, inputs: PromptInputs, transcript: Transcript, competencies: Sequence[str]
) -> tuple[DebriefReply, list[str]]:
    """The model's answer, and warnings about how it was made.

    `inputs` lacks the transcript. A transcript that is too long for one call is read in parts first, to find the
    passages that matter; the debrief is then made of those. Raises PayloadTooLarge above `MAX_INPUT_TOKENS`,
    BudgetExhausted before the first call where the budget does not last for all, and the provider errors of `LLM`.
    """
    fitted = await asyncio.to_thread(_fit, llm, inputs, competencies)
    size = max(MIN_PART_TOKENS, min(MAX_PART_TOKENS, fitted.tokens_left)) * BYTES_PER_TOKEN
    parts = await asyncio.to_thread(split_transcript, transcript.turns, size)
    _check_total(fitted, parts)
    estimate = await asyncio.to_thread(_estimate_calls, llm, fitted, parts, competencies)
    async with llm.reserved(estimate) as charged_llm:

        async def ask(part: TranscriptPart) -> DebriefReply:
            prompt = DebriefPrompt(fitted.parts | {"transcript": part.text}, competencies, part.quotable_turns)
            return await charged_llm.generate_debrief(room_name, prompt)

        if len(parts) <= 1:
            reply = await ask(parts[0] if parts else TranscriptPart("", ()))
            return reply, [*fitted.warnings, *_reply_warnings([reply])]
        replies = await _gather([partial(ask, part) for part in parts], llm.max_parallel_answers)
        passages = await asyncio.to_thread(_passages, [reply.reading for reply in replies], transcript, size)
        if passages.found or inputs.interviewer_notes.strip():
            replies.append(await ask(passages.part))
        else:
            replies.sort(key=_quotes_proposed)  # nothing to ask about: the last one shows best how much was refused
    usage = reduce(add_usage, (reply.usage for reply in replies))
    warnings = [_parts_warning(len(parts), passages), *fitted.warnings, *_reply_warnings(replies)]
    return DebriefReply(replies[-1].reading, replies[-1].model, usage), warnings


def _fit(llm: LLM, inputs: PromptInputs, competencies: Sequence[str]) -> FittedParts:
    """The inputs as far as the model's context allows, beside the instructions and the answer."""
    parts = inputs.parts()
    empty = DebriefPrompt(dict.fromkeys((*parts, "transcript"), "-"), competencies, ())
    instructions = estimate_prompt(empty.messages(SAMPLE_NONCE))
    return fit_parts(parts, llm.context_tokens - llm.cap(DEBRIEF_TOKENS) - instructions)


def _check_total(fitted: FittedParts, parts: Sequence[TranscriptPart]) -> None:
    """Raises PayloadTooLarge where the calls would read more than `MAX_INPUT_TOKENS` together."""
    repeated = sum(map(estimate_tokens, fitted.parts.values())) * len(parts)
    total = repeated + sum(estimate_tokens(part.text) for part in parts)
    if total > MAX_INPUT_TOKENS:
        raise PayloadTooLarge(
            f"This debrief would read about {total:,} tokens in {len(parts)} parts, and the limit is "
            f"{MAX_INPUT_TOKENS:,}; send the interview alone, or shorten the notes and the briefing."
        )


def _estimate_calls(llm: LLM, fitted: FittedParts, parts: Sequence[TranscriptPart], competencies: Sequence[str]) -> int:
    """The most tokens that the calls are likely to take, with their answers. Several parts take one more call."""
    around_each = estimate_prompt(DebriefPrompt(fitted.parts, competencies, ()).messages(SAMPLE_NONCE))
    sizes = [estimate_tokens(part.text) for part in parts] or [0]
    if len(sizes) > 1:
        sizes.append(max(sizes))
    return sum(sizes) + len(sizes) * (around_each + llm.cap(DEBRIEF_TOKENS))


def _passages(readings: Iterable[ModelDebrief], transcript: Transcript, size: int) -> _Passages:
    """The quotes that occur in the transcript, each once and in its order, as lines of at most `size` bytes in all."""
    lines: list[str] = []
    turns: list[int] = []
    found = _quoted_passages(readings, transcript)
    for passage in found:
        line = numbered_line(passage.turn or 0, passage.speaker or "unknown", passage.at, passage.text)
        if size_in_bytes(line) < size:
            lines.append(line)
            turns.append(passage.turn or 0)
            size -= size_in_bytes(line) + 1
    part = TranscriptPart("\n".join(lines), tuple(dict.fromkeys(turns)))
    return _Passages(part, len(found), len(found) - len(lines))


def _quoted_passages(readings: Iterable[ModelDebrief], transcript: Transcript) -> list[Quote]:
    finder = QuoteFinder(transcript)
    found = {
        (quote.start, quote.end): quote
        for reading in readings
        for proposed in reading.quotes()
        if proposed.source == "transcript"
        for quote in finder.find_quote(proposed.quote, proposed.turn).quotes
    }
    return [found[place] for place in sorted(found)]


async def _gather(calls: Sequence[Callable[[], Awaitable[DebriefReply]]], at_once: int) -> list[DebriefReply]:
    """All results, of at most `at_once` calls at a time. When one fails, the others are cancelled: they would cost
    money for nothing.
    """
    slots = asyncio.Semaphore(at_once)

    async def in_slot(call: Callable[[], Awaitable[DebriefReply]]) -> DebriefReply:
        async with slots:
            return await call()

    tasks = [asyncio.create_task(in_slot(call)) for call in calls]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)  # what they took is charged by then


def _quotes_proposed(reply: DebriefReply) -> int:
    return sum(1 for _ in reply.reading.quotes())


def _reply_warnings(replies: Sequence[DebriefReply]) -> list[str]:
    """One warning where any prompt was cut, and one for the items that the last answer, the debrief, lost."""
    cut = [reply.prompt_warning for reply in replies if reply.prompt_warning][:1]
    return [*cut, *dropped_warnings(replies[-1].reading.dropped)]


def _parts_warning(parts: int, passages: _Passages) -> str:
    read = f"The transcript is long: it was read whole, in {parts} parts, and the debrief is made of the passages found"
    if passages.left_out:
        kept = passages.found - passages.left_out
        return f"{read}, {kept} of {passages.found}; {passages.left_out} more did not fit."
    return f"{read} to matter, {passages.found} in all."
