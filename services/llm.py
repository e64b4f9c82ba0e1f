"""The language model behind OpenRouter, or behind any server that speaks the same protocol.

https://openrouter.ai/docs/api-reference/overview
"""

import hashlib
import logging
from collections.abc import AsyncIterator, Sequence
from secrets import token_hex
from typing import Any, NamedTuple

from config import Settings
from services.errors import ProviderBadAnswer, ProviderNotConfigured, ProviderTimeout
from services.evidence.debrief import Usage
from services.evidence.model_answer import InvalidModelDebrief, ModelDebrief, parse_model_debrief
from services.prompts.chat import chat_messages
from services.prompts.debrief import DEBRIEF_SCHEMA, debrief_messages, repair_messages
from services.prompts.inputs import Message, PromptInputs
from services.upstream.chat_completions import KEY_VARIABLE, VENDOR, Reply, StreamedAnswer, parse_completion, reply_of
from services.upstream.client import VendorClient

log = logging.getLogger(__name__)

SUCCESSOR = "~openai/gpt-mini-latest"
"""An alias that follows new releases, behind whatever model is set: gpt-4o-mini itself ends on 2027-01-14."""

CHAT_TOKENS = 1000
DEBRIEF_TOKENS = 6000
REPAIR_TOKENS = 12000
REPAIRED_ANSWER_CHARACTERS = 20_000


class Piece(NamedTuple):
    """The next words of a streamed answer."""

    text: str


class DebriefReply(NamedTuple):
    """A debrief as the model read it, its usage counted over both tries."""

    reading: ModelDebrief
    model: str
    usage: Usage


class LLM:
    """Chat and debrief. Every call has an output cap, asks providers not to keep data, and names rooms by hash only."""

    def __init__(self, upstream: VendorClient, settings: Settings) -> None:
        self._upstream = upstream
        self._model = settings.openrouter_model
        self._idle = settings.llm_idle_timeout_seconds
        self._is_openrouter = settings.is_openrouter
        self.is_configured = settings.providers["openrouter"] != "not_configured"

    @property
    def model(self) -> str:
        """The model that is asked first."""
        return self._model

    async def chat_with_context(
        self, room_name: str, material: PromptInputs, history: Sequence[Message], question: str
    ) -> Reply:
        """The sidebar's answer, whole."""
        messages = chat_messages(material, history, question, token_hex(8))
        return await self._complete(self._body(room_name, messages, CHAT_TOKENS))

    async def stream_chat_with_context(
        self, room_name: str, material: PromptInputs, history: Sequence[Message], question: str
    ) -> AsyncIterator[Piece | Reply]:
        """The sidebar's answer as it comes: pieces, and at the end the whole reply."""
        messages = chat_messages(material, history, question, token_hex(8))
        body = self._body(room_name, messages, CHAT_TOKENS) | {"stream": True}
        self.require_configured()
        answer = StreamedAnswer(self._model)
        async with self._upstream.stream("/chat/completions", json=body, idle_timeout=self._idle) as events:
            try:
                async for batch in events:
                    if text := answer.take(batch):
                        yield Piece(text)
                    answer.check()
                    if answer.is_complete:
                        break
            except (ProviderTimeout, ProviderBadAnswer):
                answer.check()
                if answer.finish_reason is None:
                    raise
        yield answer.reply()

    async def generate_debrief(
        self, room_name: str, material: PromptInputs, competencies: Sequence[str]
    ) -> DebriefReply:
        """What the model read out of the interview, in a strict schema; one repair attempt, then ProviderBadAnswer."""
        messages = debrief_messages(material, competencies, token_hex(8))
        first = await self._complete(self._body(room_name, messages, DEBRIEF_TOKENS) | _DEBRIEF_FORMAT)
        try:
            return DebriefReply(_read(first, len(competencies)), first.model, first.usage)
        except InvalidModelDebrief as error:
            log.warning("the model's debrief is malformed (%s), asking once more", error)
            messages = repair_messages(messages, first.text[:REPAIRED_ANSWER_CHARACTERS], str(error))
        second = await self._complete(self._body(room_name, messages, REPAIR_TOKENS) | _DEBRIEF_FORMAT)
        try:
            return DebriefReply(_read(second, len(competencies)), second.model, add_usage(first.usage, second.usage))
        except InvalidModelDebrief as error:
            log.warning("the model's debrief is malformed again (%s)", error)
            raise ProviderBadAnswer("The language model's debrief could not be used; try again.") from None

    async def _complete(self, body: dict[str, Any]) -> Reply:
        self.require_configured()
        answer = await self._upstream.call("POST", "/chat/completions", json=body, repeatable=True)
        completion = parse_completion(answer.content)
        if completion is None:
            raise ProviderBadAnswer(f"{VENDOR} answered in a form that can't be read; try again.")
        return reply_of(completion, self._model)

    def require_configured(self) -> None:
        """Raises ProviderNotConfigured where there is no key and one is needed."""
        if not self.is_configured:
            raise ProviderNotConfigured(VENDOR, KEY_VARIABLE)

    def _body(self, room_name: str, messages: list[Message], tokens: int) -> dict[str, Any]:
        if not self._is_openrouter:
            return {"model": self._model, "messages": messages, "max_tokens": tokens}
        pseudonym = hashlib.sha256(f"room:{room_name}".encode()).hexdigest()
        return {
            "model": self._model,
            "models": list(dict.fromkeys((self._model, SUCCESSOR))),
            "messages": messages,
            "max_completion_tokens": tokens,
            "provider": {"data_collection": "deny"},
            # on by default for short contexts, where it drops the middle of what we send
            "plugins": [{"id": "context-compression", "enabled": False}],
            "user": pseudonym,
            "session_id": pseudonym,
        }


_DEBRIEF_FORMAT = {
    "response_format": {
        "type": "json_schema",
        "json_schema": {"name": "debrief", "strict": True, "schema": DEBRIEF_SCHEMA},
    }
}


def add_usage(first: Usage, second: Usage) -> Usage:
    """The sum of two; what neither says stays unknown."""
    sums: dict[str, Any] = {}
    for name in Usage.model_fields:
        counts = [count for usage in (first, second) if (count := getattr(usage, name)) is not None]
        sums[name] = sum(counts) if counts else None
    return Usage(**sums)


def _read(reply: Reply, competencies: int) -> ModelDebrief:
    if reply.finish_reason == "length":
        raise InvalidModelDebrief("it was cut off at its length limit; be shorter")
    return parse_model_debrief(reply.text, competencies)
