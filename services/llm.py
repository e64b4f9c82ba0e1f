"""Language model client: the sidebar's answers, plans and debriefs, from OpenRouter or an OpenAI-compatible server.

What is asked is worded in `services/prompts/`; how a server is spoken to is in `services/upstream/model_client.py`.
"""

import asyncio
import hmac
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Generic, NamedTuple, TypeVar

from config import Settings
from services.access.charged_model import ChargedModelClient, Reserve
from services.errors import ProviderBadAnswer, ProviderNotConfigured
from services.evidence.answer_fields import InvalidModelAnswer
from services.evidence.model_answer import ModelDebrief, parse_model_debrief
from services.evidence.model_plan import ModelPlan, parse_model_plan
from services.prompts.chat import chat_messages
from services.prompts.debrief import DebriefPrompt
from services.prompts.inputs import NONCE_CHARACTERS, Message
from services.prompts.plan import PlanPrompt
from services.prompts.structured import StructuredPrompt, repair_messages
from services.prompts.tokens import estimate_prompt, prompt_cut_warning
from services.text.thoughts import strip_thoughts
from services.upstream.chat_completions import AnswerCutOff, Reply
from services.upstream.model_errors import KEY_VARIABLE, VENDOR
from services.upstream.model_request import ModelRequest
from services.usage import Usage

log = logging.getLogger(__name__)

CHAT_TOKENS = 1000
DEBRIEF_TOKENS = 6000
PLAN_TOKENS = 6000
"""The most tokens of an answer, where the model's context allows."""
SECOND_CHAT_TOKENS = 4000
SECOND_DEBRIEF_TOKENS = 12_000
SECOND_PLAN_TOKENS = 12_000
"""The same for the second try after an answer that was cut off."""
CAP_SHARE = 4
"""Divisor: an answer takes at most a quarter of the context."""
PARALLEL_ANSWERS = 4
"""For the parts of one debrief. A server of your own gets one at a time: it may have one slot, and time limits would
run while the other parts wait."""

LENGTH_WARNING = "The answer was cut off at its length limit."


class Piece(NamedTuple):
    """The next piece of a streamed answer."""

    text: str


Reading = TypeVar("Reading")


@dataclass(frozen=True)  # without slots: they break calls of `StructuredReply[…]` where the class is frozen
class StructuredReply(Generic[Reading]):
    """A structured answer as it was read. `usage` counts all tries."""

    reading: Reading
    model: str
    usage: Usage
    prompt_warning: str | None = None
    """The server has probably cut the prompt."""


DebriefReply = StructuredReply[ModelDebrief]
PlanReply = StructuredReply[ModelPlan]


@dataclass(frozen=True, slots=True)
class _StructuredQuestion(Generic[Reading]):
    """What is asked for, how the answer is read, and the most tokens of its first and second version."""

    prompt: StructuredPrompt
    parse: Callable[[str], Reading]
    tokens: int
    second_tokens: int

    @property
    def name(self) -> str:
        return self.prompt.schema_name


class _Unusable(NamedTuple):
    """A structured answer that cannot be used, without its thoughts. `is_cut`: it reached its cap before its end."""

    usage: Usage
    text: str
    problem: str
    is_cut: bool


class LLM:
    """Asks the model. Every answer has a cap; providers are asked not to keep data and see rooms as hashes only."""

    def __init__(self, client: ChargedModelClient, settings: Settings, nonce_secret: bytes) -> None:
        self._client = client
        self._settings = settings
        self._nonce_secret = nonce_secret
        self.model = settings.openrouter_model
        self.context_tokens = settings.llm_context_tokens
        self.max_parallel_answers = PARALLEL_ANSWERS if settings.is_openrouter else 1
        self.is_configured = settings.providers["openrouter"] != "not_configured"

    def require_configured(self) -> None:
        """Raises ProviderNotConfigured where there is no key and one is needed."""
        if not self.is_configured:
            raise ProviderNotConfigured(VENDOR, KEY_VARIABLE)

    def cap(self, tokens: int) -> int:
        """The cap of an answer of at most so many tokens, in this model's context."""
        return min(tokens, self.context_tokens // CAP_SHARE)

    def charged(self, reserve: Reserve) -> "LLM":
        """The same model, charged to another budget: each answer raises BudgetExhausted where it does not fit."""
        return self._asking(self._client.charged(reserve))

    @asynccontextmanager
    async def reserved(self, tokens: int) -> AsyncIterator["LLM"]:
        """The same model, with one reservation of so many tokens for all answers of the block.

        Raises BudgetExhausted before the first of several answers, rather than after some were paid for.
        """
        async with self._client.reserved(tokens) as client:
            yield self._asking(client)

    def _asking(self, client: ChargedModelClient) -> "LLM":
        return LLM(client, self._settings, self._nonce_secret)

    async def chat_with_context(
        self, room_name: str, parts: Mapping[str, str], history: Sequence[Message], question: str
    ) -> Reply:
        """The sidebar's whole answer. `parts` are the material, by the kind of its data block."""
        self.require_configured()
        request = self._chat_request(room_name, parts, history, question)
        try:
            return await self._answer(room_name, request)
        except AnswerCutOff as error:
            spent, request = error.usage, self._second_chat_request(request, error)
        try:
            return _with_usage(await self._answer(room_name, request), spent)
        except AnswerCutOff as error:
            raise AnswerCutOff(error.usage, request.cap) from None

    async def stream_chat_with_context(
        self, room_name: str, parts: Mapping[str, str], history: Sequence[Message], question: str
    ) -> AsyncIterator[Piece | Reply]:
        """The sidebar's answer as it comes: pieces, and at the end the whole reply."""
        self.require_configured()
        request = self._chat_request(room_name, parts, history, question)
        spent: Usage | None = None
        while True:
            try:
                async for piece in self._client.stream(room_name, request):
                    yield (
                        _with_usage(_with_warnings(piece, request), spent) if isinstance(piece, Reply) else Piece(piece)
                    )
            except AnswerCutOff as error:
                if spent is not None:
                    raise AnswerCutOff(error.usage, request.cap) from None
                spent, request = error.usage, self._second_chat_request(request, error)
            else:
                return

    async def generate_debrief(self, room_name: str, prompt: DebriefPrompt) -> DebriefReply:
        """What the model read in the interview. Raises as `_generate`."""
        parse = partial(parse_model_debrief, competencies=prompt.competencies)
        question = _StructuredQuestion(prompt, parse, DEBRIEF_TOKENS, SECOND_DEBRIEF_TOKENS)
        return await self._generate(room_name, question)

    async def generate_plan(self, room_name: str, prompt: PlanPrompt) -> PlanReply:
        """A question plan as the model proposes it. Raises as `_generate`."""
        parse = partial(parse_model_plan, focus_areas=prompt.focus_areas)
        return await self._generate(room_name, _StructuredQuestion(prompt, parse, PLAN_TOKENS, SECOND_PLAN_TOKENS))

    async def _generate(self, room_name: str, question: _StructuredQuestion[Reading]) -> StructuredReply[Reading]:
        """The answer to a structured question. One that cannot be used is asked for once more.

        Raises AnswerCutOff or ProviderBadAnswer where the second one cannot be used either, and the provider errors.
        """
        self.require_configured()
        request = self._structured_request(room_name, question)
        first = await self._read(room_name, request, question)
        if not isinstance(first, _Unusable):
            return first
        request = self._second_request(room_name, request, question, first)
        second = await self._read(room_name, request, question)
        if not isinstance(second, _Unusable):
            return replace(second, usage=add_usage(first.usage, second.usage))
        if second.is_cut:
            raise AnswerCutOff(second.usage, request.cap, is_written=bool(second.text))
        raise ProviderBadAnswer(
            f"The language model's {question.name} could not be used; try again, or use a larger model."
        )

    def _chat_request(
        self, room_name: str, parts: Mapping[str, str], history: Sequence[Message], question: str
    ) -> ModelRequest:
        messages = chat_messages(parts, history, question, self._nonce(room_name))
        return ModelRequest(messages, self.cap(CHAT_TOKENS))

    def _second_chat_request(self, request: ModelRequest, cut: AnswerCutOff) -> ModelRequest:
        """The request with a larger cap. Raises AnswerCutOff where the context has no space for one."""
        larger = self._with_larger_cap(request, cut.usage, SECOND_CHAT_TOKENS)
        if larger.cap == request.cap:
            raise AnswerCutOff(cut.usage, request.cap)
        return larger

    async def _answer(self, room_name: str, request: ModelRequest) -> Reply:
        reply = (await self._client.complete(room_name, request)).without_thoughts()
        self._client.learn_from(reply)
        return _with_warnings(reply, request)

    def _structured_request(self, room_name: str, question: _StructuredQuestion[Any]) -> ModelRequest:
        prompt = question.prompt
        messages = prompt.messages(self._nonce(room_name))
        return ModelRequest(messages, self.cap(question.tokens), prompt.schema, question.name)

    async def _read(
        self, room_name: str, request: ModelRequest, question: _StructuredQuestion[Reading]
    ) -> StructuredReply[Reading] | _Unusable:
        try:
            reply = await self._client.complete(room_name, request)
        except AnswerCutOff as error:
            return _Unusable(error.usage, "", "no answer within its cap", is_cut=True)
        try:
            # in a thread: an answer may have megabytes
            reading = await asyncio.to_thread(question.parse, reply.text)
        except InvalidModelAnswer as error:
            reason = reply.finish_reason
            log.warning("the model's %s cannot be used (%s, finish reason %s)", question.name, error, reason)
            text = await asyncio.to_thread(strip_thoughts, reply.text)
            return _Unusable(reply.usage, text, str(error), is_cut=reason == "length")
        cut = prompt_cut_warning(request.characters, reply.usage.prompt_tokens)
        return StructuredReply(reading, reply.model, reply.usage, cut)

    def _second_request(
        self, room_name: str, request: ModelRequest, question: _StructuredQuestion[Any], first: _Unusable
    ) -> ModelRequest:
        """After a cut, the same request with a larger cap or less material; else the answer with what is wrong with it.

        An answer that was cut off is never sent back: it would take the space that its next version needs.
        """
        if not first.is_cut:
            repair = replace(request, messages=repair_messages(request.messages, first.text, first.problem))
            return repair if first.text and self._space_beside(repair) >= repair.cap else request
        larger = self._with_larger_cap(request, first.usage, question.second_tokens)
        if larger.cap > request.cap:
            return larger
        less = replace(question, prompt=question.prompt.without_background())
        return self._with_larger_cap(self._structured_request(room_name, less), Usage(), question.second_tokens)

    def _with_larger_cap(self, request: ModelRequest, usage: Usage, tokens: int) -> ModelRequest:
        """The request with more space for its answer, as far as the context allows; never with less."""
        return replace(request, cap=max(request.cap, min(tokens, self._space_beside(request, usage))))

    def _space_beside(self, request: ModelRequest, usage: Usage | None = None) -> int:
        """Tokens that the prompt leaves for the answer: as the server counted it, or else estimated."""
        counted = usage.prompt_tokens if usage else None
        return self.context_tokens - (counted or estimate_prompt(request.messages))

    def _nonce(self, room_name: str) -> str:
        """The nonce of the room's data blocks. It stays the same, so that servers can cache the start of a prompt."""
        return hmac.digest(self._nonce_secret, room_name.encode(), "sha256").hex()[:NONCE_CHARACTERS]


def add_usage(first: Usage, second: Usage) -> Usage:
    """The sum of two; what neither reports stays unknown."""
    sums: dict[str, Any] = {}
    for name in Usage.model_fields:
        counts = [count for usage in (first, second) if (count := getattr(usage, name)) is not None]
        sums[name] = sum(counts) if counts else None
    return Usage(**sums)


def _with_usage(reply: Reply, spent: Usage | None) -> Reply:
    return reply if spent is None else replace(reply, usage=add_usage(spent, reply.usage))


def _with_warnings(reply: Reply, request: ModelRequest) -> Reply:
    cut = prompt_cut_warning(request.characters, reply.usage.prompt_tokens)
    length = LENGTH_WARNING if reply.finish_reason == "length" else None
    warnings = tuple(filter(None, (length, cut)))
    return replace(reply, warnings=warnings) if warnings else reply
