"""The interviewer's sidebar: a question answered from the briefing, what was said so far, and what the client adds."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field

from services.clock import Clock
from services.errors import RoomNotFound, StorageFull, StorageUnavailable
from services.interview.transcript import read_transcript
from services.llm import LLM, Piece
from services.prompts.inputs import Message, PromptInputs, numbered_line
from services.storage.protocol import Storage
from services.storage.records import ChatTurn, StoredRoom
from services.transcript.transcript import Role, SourceTurn, Turn
from services.upstream.chat_completions import Reply

log = logging.getLogger(__name__)

TRANSCRIPT_CHARACTERS = 160_000
"""About 40 000 tokens: what a sidebar's answer may carry of the transcript. The end of it is what matters in a call."""

CUT_WARNING = "The transcript is long: this answer read its end only."
LENGTH_WARNING = "The answer was cut off at its length limit."
NOT_RECORDED_WARNING = "The answer could not be recorded, so the room's record of the sidebar lacks it."


@dataclass(frozen=True, slots=True)
class Question:
    """What the interviewer asks, and what the client knows besides."""

    message: str
    context: str = ""
    history: Sequence[Message] = ()
    transcript: str | Sequence[SourceTurn] = ""
    speakers: Mapping[str, Role] = field(default_factory=dict)
    """What the request says about the labels of the transcript."""


@dataclass(frozen=True, slots=True)
class ChatService:
    """Answers one room's questions and keeps a record of them."""

    llm: LLM
    storage: Storage
    clock: Clock
    interview: StoredRoom

    async def answer(self, question: Question) -> tuple[Reply, list[str]]:
        """The whole answer, and what the reader should know about how it was made."""
        material, warnings = await self._material(question)
        reply = await self.llm.chat_with_context(self.interview.room.name, material, question.history, question.message)
        return reply, warnings + _warnings(reply) + await self._remember(question, reply)

    async def stream(self, question: Question) -> AsyncIterator[Piece | tuple[Reply, list[str]]]:
        """The answer's pieces as they come, and at the end the whole."""
        material, warnings = await self._material(question)
        pieces = self.llm.stream_chat_with_context(
            self.interview.room.name, material, question.history, question.message
        )
        async for piece in pieces:
            if isinstance(piece, Piece):
                yield piece
            else:
                yield piece, warnings + _warnings(piece) + await self._remember(question, piece)

    async def _material(self, question: Question) -> tuple[PromptInputs, list[str]]:
        briefing = self.interview.briefing
        if not question.transcript:
            return PromptInputs(briefing=briefing, context=question.context), []
        # in a thread: a long transcript would hold up every other call
        said = await asyncio.to_thread(read_transcript, question.transcript, self.interview, question.speakers)
        lines, warnings = await asyncio.to_thread(_last_lines, said.turns)
        return PromptInputs(briefing=briefing, context=question.context, transcript=lines), warnings

    async def _remember(self, question: Question, reply: Reply) -> list[str]:
        """The answer is what was asked for: that it could not be recorded is a warning, and does not take it away."""
        now = self.clock()
        turns = (ChatTurn("user", question.message, now), ChatTurn("assistant", reply.text, now))
        try:
            await self.storage.add_chat_turns(self.interview.room.name, turns)
        except (StorageUnavailable, StorageFull, RoomNotFound) as error:
            log.warning("a chat turn of %s is not recorded: %s", self.interview.room.name, error.code)
            return [NOT_RECORDED_WARNING]
        return []


def _last_lines(turns: Sequence[Turn]) -> tuple[str, list[str]]:
    """The numbered end of the transcript, and a warning where something before it is left out."""
    lines: list[str] = []
    room = TRANSCRIPT_CHARACTERS
    for turn in reversed(turns):
        line = numbered_line(turn.number, turn.role, turn.at, turn.text[-room:])
        lines.append(line)
        room -= max(len(line), len(turn.text))
        if room <= 0:
            break
    is_cut = room < 0 or len(lines) < len(turns)
    return "\n".join(reversed(lines)), [CUT_WARNING] if is_cut else []


def _warnings(reply: Reply) -> list[str]:
    return [LENGTH_WARNING] if reply.finish_reason == "length" else []
