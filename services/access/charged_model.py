"""A model client whose answers are charged to a budget of tokens."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager

from services.access.budgets import Reservation
from services.prompts.tokens import estimate_prompt, estimate_tokens
from services.upstream.chat_completions import AnswerCutOff, Reply
from services.upstream.model_client import ModelClient
from services.upstream.model_request import ModelRequest
from services.usage import Usage

Reserve = Callable[[int], AbstractAsyncContextManager[Reservation]]
"""Reserves a number of tokens for a block. Raises BudgetExhausted."""


@asynccontextmanager
async def _unlimited(tokens: int) -> AsyncIterator[Reservation]:
    yield Reservation(tokens)


class ChargedModelClient:
    """The answers of a `ModelClient`. Each reserves an estimate and is settled to what the server reports.

    Where the server reports nothing, the text is estimated. An answer that fails or is abandoned counts its estimate,
    unless it certainly cost nothing. Both methods raise BudgetExhausted before the server is asked.
    """

    def __init__(self, client: ModelClient, reserve: Reserve = _unlimited) -> None:
        self._client = client
        self._reserve = reserve
        self.learn_from = client.learn_from

    def charged(self, reserve: Reserve) -> "ChargedModelClient":
        """Returns the client with another budget."""
        return ChargedModelClient(self._client, reserve)

    @asynccontextmanager
    async def reserved(self, tokens: int) -> AsyncIterator["ChargedModelClient"]:
        """Yields the client, with one reservation of tokens for all answers of the block."""
        async with self._reserve(tokens) as reservation:
            yield self.charged(reservation.part)

    async def complete(self, room_name: str, request: ModelRequest) -> Reply:
        """The whole answer, as `ModelClient.complete`."""
        async with self._reserve(estimate_answer(request)) as reservation:
            try:
                reply = await self._client.complete(room_name, request)
            except AnswerCutOff as error:
                _settle_cut(reservation, error)
                raise
            reservation.settle(_tokens_used(request, reply.usage, reply.text))
            return reply

    async def stream(self, room_name: str, request: ModelRequest) -> AsyncIterator[str | Reply]:
        """The answer as it comes, as `ModelClient.stream`."""
        pieces = self._client.stream(room_name, request)
        async with self._reserve(estimate_answer(request)) as reservation, aclosing(pieces):
            try:
                async for piece in pieces:
                    if isinstance(piece, Reply):
                        reservation.settle(_tokens_used(request, piece.usage, piece.text))
                    yield piece
            except AnswerCutOff as error:
                _settle_cut(reservation, error)
                raise


def estimate_answer(request: ModelRequest) -> int:
    """Upper estimate of the tokens of the prompt and its answer."""
    return estimate_prompt(request.messages) + request.cap


def _settle_cut(reservation: Reservation, error: AnswerCutOff) -> None:
    if error.usage.total_tokens:
        reservation.settle(error.usage.total_tokens)


def _tokens_used(request: ModelRequest, usage: Usage, text: str) -> int:
    """The reported number of tokens, else an estimate. A report of 0 counts as missing."""
    prompt = usage.prompt_tokens or estimate_prompt(request.messages)
    return usage.total_tokens or prompt + (usage.completion_tokens or estimate_tokens(text))
