"""Emulated OpenRouter: chat completions, whole and streamed, made from the request by keywords.

https://openrouter.ai/docs/api-reference/overview
"""

import asyncio
import hashlib
import json
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Annotated, Any, Literal

import httpx
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from pydantic_core import ErrorDetails

from services.sandbox.chat import chat_answer
from services.sandbox.conversation import read_conversation
from services.sandbox.debrief import debrief_answer
from services.sandbox.plan import plan_answer
from services.sandbox.wire import Clock, Closed, Emulation, Refusal, Route, field_path, read_body, reason

PIECE_SECONDS = 0.01
WORDS_IN_A_PIECE = 3
CHARACTERS_IN_A_TOKEN = 4

COMMENT = b": OPENROUTER PROCESSING\n\n"
DONE = b"data: [DONE]\n\n"

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


class ChatMessage(BaseModel):
    """One message. Fields that the sandbox does not use are ignored, as unknown ones are at OpenRouter."""

    model_config = ConfigDict(strict=True)

    role: Literal["system", "developer", "user", "assistant"]
    content: str | list[dict[str, Any]]


class JsonSchema(Closed):
    """A structured output."""

    name: Name
    strict: bool | None = None
    schema_: dict[str, Any] = Field(alias="schema")
    description: str | None = None


class ResponseFormat(BaseModel):
    """Free text, or a JSON object."""

    model_config = ConfigDict(strict=True)

    type: Literal["text", "json_object", "json_schema"]
    json_schema: JsonSchema | None = None


class Provider(Closed):
    """https://openrouter.ai/docs/guides/routing/provider-selection"""

    order: list[str] | None = None
    only: list[str] | None = None
    ignore: list[str] | None = None
    allow_fallbacks: bool | None = None
    require_parameters: bool | None = None
    data_collection: Literal["allow", "deny"] | None = None
    zdr: bool | None = None
    sort: str | dict[str, Any] | None = None
    max_price: dict[str, Any] | None = None
    preferred_max_latency: Any = None
    preferred_min_throughput: Any = None
    quantizations: list[str] | None = None
    enforce_distillable_text: bool | None = None


class ChatRequest(BaseModel):
    """The body of `POST /chat/completions`. Unknown fields are ignored; `provider` is closed."""

    model_config = ConfigDict(strict=True)

    model: str | None = None
    models: list[str] = []
    messages: list[ChatMessage] = Field(min_length=1)
    stream: bool = False
    max_completion_tokens: int | None = Field(None, ge=1)
    max_tokens: int | None = Field(None, ge=1)
    response_format: ResponseFormat | None = None
    provider: Provider | None = None
    plugins: list[dict[str, Any]] = []
    user: str | None = None
    session_id: str | None = Field(None, max_length=256)
    metadata: dict[str, str] | None = Field(None, max_length=16)

    @property
    def cap(self) -> int | None:
        return self.max_completion_tokens or self.max_tokens


STRUCTURED_ANSWERS = {"debrief": debrief_answer, "plan": plan_answer}
"""By the name of the schema."""


class OpenRouter(Emulation):
    """Chat completions. The same request at the same time gets the same response."""

    def __init__(self, now: Clock) -> None:
        self._now = now
        self.routes = (Route("POST", "/chat/completions", self._complete),)

    def without_key(self) -> Refusal:
        return _refusal(401, "Missing Authentication header")

    def unknown_call(self, request: httpx.Request) -> Refusal:
        return _refusal(404, f"No such endpoint: {request.method} {request.url.path}")

    def _complete(self, request: httpx.Request) -> httpx.Response:
        body = read_body(ChatRequest, request, _invalid_body)
        model = body.model or next(iter(body.models), None)
        if model is None:
            raise _refusal(400, "No models provided")
        completion = _Completion(body, model, request.content, int(self._now()))
        headers = {"X-Generation-Id": completion.id}
        if body.stream:
            headers["Content-Type"] = "text/event-stream"
            return httpx.Response(200, headers=headers, content=completion.events())
        return httpx.Response(200, headers=headers, json=completion.document())


class _Completion:
    """One completion, as a document or as events."""

    def __init__(self, body: ChatRequest, model: str, request: bytes, created: int) -> None:
        self.id = f"gen-sandbox-{hashlib.sha256(request).hexdigest()[:24]}"
        whole = _answer(body)
        limit = len(whole) if body.cap is None else body.cap * CHARACTERS_IN_A_TOKEN
        self._text = whole[:limit]
        self._finish_reason = "stop" if len(whole) <= limit else "length"
        self._usage = _usage(body.messages, self._text)
        self._head = {"id": self.id, "provider": "Sandbox", "model": model, "created": created}

    def document(self) -> dict[str, Any]:
        choice = {
            "index": 0,
            "finish_reason": self._finish_reason,
            "native_finish_reason": self._finish_reason,
            "logprobs": None,
            "message": {"role": "assistant", "content": self._text, "refusal": None, "reasoning": None},
        }
        rest = {"object": "chat.completion", "choices": [choice], "system_fingerprint": None, "usage": self._usage}
        return self._head | rest

    async def events(self) -> AsyncIterator[bytes]:
        """Deltas and keep-alive comments, the finish reason, a chunk with the usage and no choices, and `[DONE]`."""
        yield COMMENT
        for number, piece in enumerate(_pieces(self._text)):
            await asyncio.sleep(PIECE_SECONDS)
            yield self._chunk({"role": "assistant", "content": piece}, None)
            if number == 1:
                yield COMMENT
        yield self._chunk({"role": "assistant", "content": ""}, self._finish_reason)
        yield self._event({"choices": [], "usage": self._usage})
        yield DONE

    def _chunk(self, delta: dict[str, Any], finish_reason: str | None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason, "native_finish_reason": finish_reason}
        return self._event({"choices": [choice]})

    def _event(self, fields: dict[str, Any]) -> bytes:
        chunk = self._head | {"object": "chat.completion.chunk"} | fields
        return f"data: {json.dumps(chunk, ensure_ascii=False)}\n\n".encode()


def _answer(body: ChatRequest) -> str:
    conversation = read_conversation([message.model_dump() for message in body.messages])
    wanted = body.response_format.json_schema if body.response_format else None
    if wanted is None:
        return chat_answer(conversation)
    if wanted.name not in STRUCTURED_ANSWERS:
        raise _refusal(400, f"The sandbox knows the structured outputs {', '.join(STRUCTURED_ANSWERS)}.")
    return json.dumps(STRUCTURED_ANSWERS[wanted.name](conversation), ensure_ascii=False)


def _pieces(text: str) -> Iterator[str]:
    """A few words at a time, with the white space after them."""
    words = re.findall(r"\S+\s*|^\s+", text)
    for start in range(0, len(words), WORDS_IN_A_PIECE):
        yield "".join(words[start : start + WORDS_IN_A_PIECE])


def _usage(messages: Sequence[ChatMessage], text: str) -> dict[str, Any]:
    """Usage at four characters a token, without cost."""
    prompt = sum(len(str(message.content)) for message in messages) // CHARACTERS_IN_A_TOKEN
    completion = len(text) // CHARACTERS_IN_A_TOKEN
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "cost": 0,
    }


def _invalid_body(errors: Sequence[ErrorDetails]) -> Refusal:
    first = errors[0]
    if first["type"] == "json_invalid":
        return _refusal(400, "Request body is not valid JSON")
    return _refusal(400, f"{field_path(first)}: {reason(first)}")


def _refusal(status: int, message: str) -> Refusal:
    return Refusal(status, {"error": {"code": status, "message": message}})
