"""The interviewer's sidebar: answers questions from the briefing, the transcript and the client's context."""

import asyncio
import logging
from bisect import bisect_left
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import NamedTuple

from services.clock import Clock
from services.errors import RoomNotFound, StorageFull, StorageUnavailable
from services.interview.briefing import with_plan
from services.interview.plan import current_plan
from services.interview.stored_transcript import load_transcript
from services.interview.transcript import read_transcript
from services.llm import CHAT_TOKENS, LLM, Piece
from services.prompts.chat import (
    EARLIER_MESSAGES_WARNING,
    INSTRUCTION_TOKENS,
    latest_messages,
    without_briefing_prompt,
)
from services.prompts.inputs import Message, PromptInputs, numbered_lines
from services.prompts.plan import plan_text
from services.prompts.tokens import BYTES_PER_TOKEN, estimate_prompt, estimate_tokens, fit_parts, size_in_bytes
from services.storage.protocol import Storage
from services.storage.records import ChatTurn, StoredRoom
from services.transcript.transcript import Role, SourceTurn, Turn
from services.upstream.chat_completions import Reply

log = logging.getLogger(__name__)

MAX_TRANSCRIPT_BYTES = 160_000
"""Maximum part of a transcript that one answer reads, about 40,000 tokens: its end, which matters most in a call."""
HISTORY_SHARE = 5
"""Divisor: earlier messages take at most a fifth of the context."""
LEAST_TRANSCRIPT_BYTES = 600
"""Where there is less space for the end of a transcript, none of it is read."""
TRANSCRIPT_STEPS = 4
"""Number of steps: the start of a long transcript is left out in quarters of the space, so that servers can cache the
same start of the prompt for several questions.
"""
INLINE_CHARACTERS = 30_000
"""Maximum question, history, briefing and plan that are read on the event loop. Less costs less than a thread does, and
more takes longer than the 5 ms after which threads take turns.
"""

CUT_WARNING = "The transcript is long: this answer read its end only."
LEFT_OUT_WARNING = "The transcript did not fit into the model's context: this answer read none of it."
NOT_RECORDED_WARNING = "The answer could not be recorded, so the room's record of the sidebar lacks it."


@dataclass(frozen=True, slots=True)
class Question:
    """A question of the interviewer, and the context that the client adds."""

    message: str
    context: str = ""
    history: Sequence[Message] = ()
    transcript: str | Sequence[SourceTurn] = ""
    """Without one, the room's stored transcript is read."""
    speakers: Mapping[str, Role] = field(default_factory=dict)
    """What the request says about the labels of the transcript."""

    @property
    def characters(self) -> int:
        """Characters of everything but the transcript."""
        return len(self.message) + len(self.context) + sum(len(message["content"]) for message in self.history)


class _Prompt(NamedTuple):
    """The messages for the model, and warnings about what was left out."""

    parts: dict[str, str]
    history: Sequence[Message]
    warnings: list[str]


@dataclass(frozen=True, slots=True)
class ChatService:
    """Answers one room's questions and keeps a record of them."""

    llm: LLM
    storage: Storage
    clock: Clock
    interview: StoredRoom

    async def answer(self, question: Question) -> tuple[Reply, list[str]]:
        """Returns the whole answer with its warnings."""
        prompt = await self._prompt(question)
        reply = await self.llm.chat_with_context(
            self.interview.room.name, prompt.parts, prompt.history, question.message
        )
        return reply, [*prompt.warnings, *reply.warnings, *await self._record(question, reply)]

    async def stream(self, question: Question) -> AsyncIterator[Piece | tuple[Reply, list[str]]]:
        """Yields the pieces of the answer as they come, and at the end the whole answer."""
        prompt = await self._prompt(question)
        pieces = self.llm.stream_chat_with_context(
            self.interview.room.name, prompt.parts, prompt.history, question.message
        )
        async for piece in pieces:
            if isinstance(piece, Piece):
                yield piece
            else:
                yield piece, [*prompt.warnings, *piece.warnings, *await self._record(question, piece)]

    async def _prompt(self, question: Question) -> _Prompt:
        source, speakers = question.transcript, question.speakers
        if not source and (recorded := await load_transcript(self.storage, self.interview)):
            source, speakers = recorded.transcript, {**recorded.speakers, **speakers}
        if not source and self._characters(question) <= INLINE_CHARACTERS:
            return self._fitted(question, ())
        # in a thread: long texts would hold up every other call
        turns: Sequence[Turn] = ()
        if source:
            turns = (await asyncio.to_thread(read_transcript, source, self.interview, speakers)).turns
        return await asyncio.to_thread(self._fitted, question, turns)

    def _characters(self, question: Question) -> int:
        """What a prompt without a transcript is made of. The prompt of a briefing holds its other texts."""
        briefing, plan = self.interview.briefing, self.interview.plan
        stored = (len(briefing.briefing_prompt) if briefing else 0) + (len(plan.document) if plan else 0)
        return question.characters + stored

    def _fitted(self, question: Question, turns: Sequence[Turn]) -> _Prompt:
        """Everything that fits into the model's context beside the instructions, the question and the answer."""
        briefing = self.interview.briefing
        plan = current_plan(self.interview)
        context = without_briefing_prompt(question.context, briefing)
        if briefing and plan:
            context = without_briefing_prompt(context, with_plan(briefing, plan))
        tokens = self.llm.context_tokens - self.llm.cap(CHAT_TOKENS) - INSTRUCTION_TOKENS
        tokens -= estimate_tokens(question.message)
        history = latest_messages(question.history, tokens // HISTORY_SHARE)
        tokens -= estimate_prompt(history)
        inputs = PromptInputs(briefing=briefing, context=context, plan=plan_text(plan))
        fitted = fit_parts(inputs.parts(), tokens)
        size = min(MAX_TRANSCRIPT_BYTES, max(0, fitted.tokens_left) * BYTES_PER_TOKEN)
        lines, is_cut = latest_lines(turns, size)
        cut_history = [EARLIER_MESSAGES_WARNING] if len(history) < len(question.history) else []
        cut_transcript = [CUT_WARNING if lines else LEFT_OUT_WARNING] if is_cut else []
        warnings = [*cut_transcript, *cut_history, *fitted.warnings]
        return _Prompt(fitted.parts | {"transcript": lines}, history, warnings)

    async def _record(self, question: Question, reply: Reply) -> list[str]:
        """Stores question and answer. A failure only adds a warning, because the answer was paid for."""
        now = self.clock()
        turns = (ChatTurn("user", question.message, now), ChatTurn("assistant", reply.text, now))
        try:
            await self.storage.add_chat_turns(self.interview.room.name, turns)
        except (StorageUnavailable, StorageFull, RoomNotFound) as error:
            log.warning("a chat turn of %s is not recorded: %s", self.interview.room.name, error.code)
            return [NOT_RECORDED_WARNING]
        return []


def latest_lines(turns: Sequence[Turn], size: int) -> tuple[str, bool]:
    """The end of the numbered transcript in at most `size` bytes, and whether anything before it is left out.

    Where the start is left out, it moves in steps (`TRANSCRIPT_STEPS`).
    """
    step = max(LEAST_TRANSCRIPT_BYTES, size) // TRANSCRIPT_STEPS
    lines = [line for turn in turns for line in numbered_lines(turn, step)]
    sizes = [size_in_bytes(line) + 1 for line in lines]
    excess = sum(sizes) - size
    if excess <= 0:
        return "\n".join(lines), False
    if size < LEAST_TRANSCRIPT_BYTES:
        return "", True
    left_out = -(-excess // step) * step
    start = bisect_left(list(accumulate(sizes)), left_out) + 1
    return "\n".join(lines[start:]), True
