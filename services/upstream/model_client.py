"""Sends chat completion requests to one language model server and adapts them to what that server takes.

A refusal that names a parameter, or a cap that does not fit the context, changes the request and sends it again, within
the one deadline of the answer. None of this counts as a failure of the server.
"""

import hashlib
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from time import monotonic
from typing import Any, TypeVar

from config import Settings
from services.errors import ProviderBadAnswer, ProviderTimeout, ProviderUnavailable, ServiceError
from services.upstream.attempts import VendorUnreachable
from services.upstream.chat_completions import Reply, StreamedAnswer, read_reply
from services.upstream.client import VendorClient
from services.upstream.model_errors import ContextOverflow, ServerTimeout, UnsupportedParameter
from services.upstream.model_request import OPENROUTER, ModelRequest, ServerFeatures

log = logging.getLogger(__name__)

PATH = "/chat/completions"
SUCCESSOR = "~openai/gpt-mini-latest"
"""The default fallback at OpenRouter, an alias that follows new releases: gpt-4o-mini itself ends on 2027-01-14."""
NO_FALLBACK = "off"
MAX_ATTEMPTS = 12
"""Upper bound of attempts: leaving out every optional part of a request, one after another, takes fewer."""
MIN_CAP = 256
"""Minimum tokens: with less space for an answer none is requested."""

Result = TypeVar("Result")
Body = dict[str, Any]


class ModelClient:
    """Whole and streamed answers of one model. Remembers what its server takes for as long as the process runs."""

    def __init__(self, upstream: VendorClient, settings: Settings) -> None:
        self.model = settings.openrouter_model
        self._upstream = upstream
        self._settings = settings
        self._features = OPENROUTER if settings.is_openrouter else ServerFeatures()

    async def complete(self, room_name: str, request: ModelRequest) -> Reply:
        """The whole answer. Raises AnswerCutOff where there is none within the cap, and the provider errors."""
        ends = monotonic() + self._settings.llm_timeout_seconds

        async def send(body: Body) -> Reply:
            response = await self._upstream.call("POST", PATH, json=body, repeatable=True, deadline=ends - monotonic())
            return read_reply(response, self.model)

        try:
            return await self._adapt(room_name, request, send)
        except (ProviderTimeout, VendorUnreachable) as error:
            raise self._with_setting(error, ends, has_begun=False, is_streamed=False) from None

    async def stream(self, room_name: str, request: ModelRequest) -> AsyncGenerator[str | Reply]:
        """The answer's text as it comes, and at the end the whole reply. Raises as `complete`."""
        ends = monotonic() + self._settings.llm_timeout_seconds
        answer = StreamedAnswer(self.model, is_held=self._features.holds_streams)
        async with AsyncExitStack() as stack:

            async def send(body: Body) -> AsyncIterator[list[bytes]]:
                events = self._upstream.stream(
                    PATH,
                    json=body,
                    idle_timeout=self._settings.llm_idle_timeout_seconds,
                    first_timeout=self._settings.llm_first_token_timeout_seconds,
                    deadline=ends - monotonic(),
                )
                return await stack.enter_async_context(events)

            try:
                async for batch in await self._adapt(room_name, request, send, is_streamed=True):
                    if text := answer.take(batch):
                        yield text
                    answer.check()
                    if answer.is_complete:
                        break
            except (ProviderTimeout, ProviderBadAnswer, VendorUnreachable) as error:
                answer.check()
                if answer.finish_reason is None:
                    raise self._with_setting(error, ends, has_begun=answer.has_begun, is_streamed=True) from None
        if rest := answer.finish():
            yield rest
        self._learn_thoughts(has_bare_close=answer.has_bare_close)
        yield answer.reply()

    def learn_from(self, reply: Reply) -> None:
        """Notes whether this server mixes thoughts into free text."""
        self._learn_thoughts(has_bare_close=reply.has_bare_close)

    def _learn_thoughts(self, *, has_bare_close: bool) -> None:
        if self._features.holds_streams != has_bare_close and not self._settings.is_openrouter:
            self._features = replace(self._features, holds_streams=has_bare_close)

    async def _adapt(
        self,
        room_name: str,
        request: ModelRequest,
        send: Callable[[Body], Awaitable[Result]],
        *,
        is_streamed: bool = False,
    ) -> Result:
        """Sends the request until the server takes it, with less in it each time."""
        refusal: ServiceError | None = None
        for _ in range(MAX_ATTEMPTS):
            features = self._features
            try:
                return await send(self._body(room_name, request, features, is_streamed=is_streamed))
            except UnsupportedParameter as error:
                self._step_down(features, refusal := error)
            except ContextOverflow as error:
                request = _with_smaller_cap(request, refusal := error)
        assert refusal is not None
        raise refusal

    def _step_down(self, used: ServerFeatures, refusal: UnsupportedParameter) -> None:
        """Remembers what the server refused. Raises the refusal where nothing is left to leave out.

        Calls that run at the same time step down once, not once each.
        """
        weaker = used.without(refusal)
        if weaker is None:
            raise refusal
        if self._features == used:
            self._features = weaker
            log.info("the language model's server refused %s; it is not sent any more", refusal.parameter)

    def _body(self, room_name: str, request: ModelRequest, features: ServerFeatures, *, is_streamed: bool) -> Body:
        body = {"model": self.model} | request.body(features, is_streamed=is_streamed)
        return body | self._openrouter_fields(room_name) if self._settings.is_openrouter else body

    def _openrouter_fields(self, room_name: str) -> Body:
        """Fields that only OpenRouter knows. Rooms are named by a hash."""
        pseudonym = hashlib.sha256(f"room:{room_name}".encode()).hexdigest()
        return {
            "models": list(dict.fromkeys((self.model, *self._fallbacks()))),
            "provider": {"data_collection": "deny"},
            # on by default for short contexts, where it drops the middle of what we send
            "plugins": [{"id": "context-compression", "enabled": False}],
            "user": pseudonym,
            "session_id": pseudonym,
        }

    def _fallbacks(self) -> tuple[str, ...]:
        """The fallback models. Nothing that costs money is put behind a free model unless it was chosen."""
        chosen = self._settings.openrouter_fallback_model
        if chosen is None:
            return () if self.model.endswith((":free", "/free")) else (SUCCESSOR,)
        return () if chosen.casefold() == NO_FALLBACK else (chosen,)

    def _with_setting(self, error: ServiceError, ends: float, *, has_begun: bool, is_streamed: bool) -> ServiceError:
        """The error with the setting that it depends on; a time limit of the server's own depends on none of ours."""
        settings = self._settings
        if isinstance(error, VendorUnreachable) and not settings.is_openrouter:
            detail = "The language model's server can't be reached; check that it is running, and OPENROUTER_BASE_URL."
            return ProviderUnavailable(detail, retry_after=error.retry_after)
        if not isinstance(error, ProviderTimeout) or isinstance(error, ServerTimeout):
            return error
        first = settings.llm_first_token_timeout_seconds
        if is_streamed and has_begun and monotonic() < ends:
            return _too_slow("paused for longer than", settings.llm_idle_timeout_seconds, "LLM_IDLE_TIMEOUT_SECONDS")
        if is_streamed and not has_begun and first is not None and first < settings.llm_timeout_seconds:
            return _too_slow("did not begin to answer within", first, "LLM_FIRST_TOKEN_TIMEOUT_SECONDS")
        return _too_slow("did not finish its answer within", settings.llm_timeout_seconds, "LLM_TIMEOUT_SECONDS")


def _too_slow(what: str, seconds: float, setting: str) -> ProviderTimeout:
    return ProviderTimeout(
        f"The language model {what} {seconds:g} seconds; try again, send less, or raise {setting} on this server."
    )


def _with_smaller_cap(request: ModelRequest, overflow: ContextOverflow) -> ModelRequest:
    """The request with the cap that fits. Raises the overflow where the prompt is what is too long."""
    cap = overflow.smaller_cap(request.cap)
    if cap is None or cap < MIN_CAP:
        raise overflow
    log.info("an answer of %d tokens does not fit the model's context; asking for %d", request.cap, cap)
    return replace(request, cap=cap)
