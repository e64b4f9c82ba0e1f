"""Reads chat completions of OpenRouter and of OpenAI-compatible servers, whole or streamed.

https://openrouter.ai/docs/api-reference/overview, https://platform.openai.com/docs/api-reference/chat
"""

import json
from dataclasses import dataclass, replace
from typing import Annotated, Any

import httpx
from pydantic import BaseModel, BeforeValidator, ValidationError, model_validator

from services.errors import ProviderBadAnswer, ProviderRefused, ServiceError
from services.text.invisible import strip_control
from services.text.thoughts import ThoughtFilter
from services.upstream.model_errors import VENDOR, error_in_success
from services.upstream.responses import InvalidAsNone, VendorResponse, log_refusal
from services.usage import Usage

MAX_TOKENS = 10**9
MAX_NAME_CHARACTERS = 200
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_NOT_JSON = f"{VENDOR}'s server did not answer with JSON; check OPENROUTER_BASE_URL, which ends in the version part."


class AnswerCutOff(ProviderBadAnswer):
    """The model reached the cap of its answer before it had written anything that can be used.

    `is_written`: it had begun to write the answer, so it did not spend the tokens on thinking.
    """

    def __init__(self, usage: Usage, cap: int | None = None, *, is_written: bool = False) -> None:
        limit = "all tokens" if cap is None else f"all {cap:,} tokens"
        cause, model = (
            ("", "another model") if is_written else (", most likely by thinking", "a model that thinks less")
        )
        super().__init__(
            f"The language model used up {limit} of its answer before it had finished{cause}; choose {model}, or raise "
            "LLM_CONTEXT_TOKENS if its server allows."
        )
        self.usage = usage


def _joined(content: Any) -> Any:
    """The text of content in parts; parts of other kinds, such as thoughts, are left out."""
    if not isinstance(content, list) or not all(isinstance(part, dict) for part in content):
        return content
    texts = [part.get("text") for part in content if part.get("type") == "text"]
    return "".join(texts) if all(isinstance(text, str) for text in texts) else content


def _number(value: Any) -> Any:
    """A number of tokens or dollars, also as text; None where it cannot be one."""
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if 0 <= number < MAX_TOKENS and not isinstance(value, bool) else None


def _count(value: Any) -> Any:
    number = _number(value)
    return None if number is None else round(number)


def _name(value: Any) -> Any:
    return strip_control(value)[:MAX_NAME_CHARACTERS] if isinstance(value, str) else None


Name = Annotated[str | None, BeforeValidator(_name)]
Count = Annotated[int | None, BeforeValidator(_count)]


class _Message(BaseModel):
    content: Annotated[str | None, BeforeValidator(_joined)] = None
    refusal: Annotated[str | None, InvalidAsNone] = None
    reasoning: Any = None
    reasoning_content: Any = None

    @property
    def has_parsed_thoughts(self) -> bool:
        """Whether the server keeps the model's thoughts apart from its answer."""
        return bool(self.reasoning or self.reasoning_content)


class _Choice(BaseModel):
    message: _Message | None = None
    delta: _Message | None = None
    finish_reason: Name = None
    error: Any = None


class _Usage(Usage):
    prompt_tokens: Count = None
    completion_tokens: Count = None
    total_tokens: Count = None
    cost: Annotated[float | None, BeforeValidator(_number)] = None


class Completion(BaseModel):
    """A response, or one event of a stream. Every field may be missing; an odd usage is an unknown one."""

    model: Name = None
    choices: list[_Choice] | None = None
    usage: Annotated[_Usage | None, InvalidAsNone] = None
    error: Any = None

    @model_validator(mode="before")
    @classmethod
    def _read_bare_error(cls, value: Any) -> Any:
        """Older vLLM and its relatives send the error itself: `{"object": "error", "message": …}`."""
        is_bare = isinstance(value, dict) and value.get("object") == "error" and not value.get("error")
        return {"error": value} if is_bare else value


@dataclass(frozen=True, slots=True)
class Reply:
    """A model's answer, and what it cost. `text` of a whole answer may hold thoughts until `without_thoughts`."""

    text: str
    model: str
    finish_reason: str | None
    usage: Usage
    has_parsed_thoughts: bool = False
    """The server keeps the model's thoughts apart."""
    has_bare_close: bool = False
    """The server put thoughts before a closing tag alone."""
    warnings: tuple[str, ...] = ()
    """What a reader should know about how the answer was made."""

    def without_thoughts(self) -> "Reply":
        """The answer for a reader. Raises AnswerCutOff or ProviderBadAnswer where nothing but thoughts is left."""
        thoughts = ThoughtFilter()
        thoughts.feed(self.text)
        thoughts.finish()
        text = thoughts.answer.strip()
        is_same = text == self.text and not thoughts.has_bare_close
        reply = self if is_same else replace(self, text=text, has_bare_close=thoughts.has_bare_close)
        _check_not_empty(reply)
        return reply


def parse_completion(content: bytes) -> Completion | None:
    """The completion; None for what does not even start like JSON, as happens in streams. Raises ProviderBadAnswer."""
    content = content.removeprefix(_BYTE_ORDER_MARK)
    try:
        return Completion.model_validate_json(content)
    except ValidationError:
        if not content.lstrip().startswith(b"{"):
            return None
        raise ProviderBadAnswer(f"{VENDOR}'s server sent a response that can't be read; try again.") from None


def read_reply(response: VendorResponse, requested_model: str) -> Reply:
    """The answer in a whole response. Raises AnswerCutOff, ProviderBadAnswer, ProviderRefused, or the error in it."""
    completion = parse_completion(response.content)
    if completion is None:
        raise ProviderBadAnswer(_NOT_JSON)
    if completion.error:
        raise _raised(completion.error)
    if not completion.choices or completion.choices[0].message is None:
        raise ProviderBadAnswer(f"{VENDOR}'s server sent a response without an answer; try again.")
    choice, message = completion.choices[0], completion.choices[0].message
    if choice.error or choice.finish_reason == "error":
        raise _raised(choice.error)
    reply = Reply(
        text=strip_control(message.content or ""),
        model=completion.model or requested_model,
        finish_reason=choice.finish_reason,
        usage=completion.usage or Usage(),
        has_parsed_thoughts=message.has_parsed_thoughts,
    )
    _check_not_refused(reply, is_refused=bool(message.refusal))
    _check_not_empty(reply)
    return reply


class StreamedAnswer:
    """Puts a streamed answer together, without the model's thoughts.

    `is_held`: nothing is returned before the end, because this server may put thoughts before a closing tag alone.
    """

    def __init__(self, requested_model: str, *, is_held: bool) -> None:
        self._thoughts = ThoughtFilter()
        self._model = requested_model
        self._usage: _Usage | None = None
        self._is_refused = False
        self._has_parsed_thoughts = False
        self._is_held = self._has_held = is_held
        self._failure: ServiceError | None = None
        self.has_begun = False
        """Whether any event has come."""
        self._has_read = False
        self.finish_reason: str | None = None
        self.is_complete = False

    @property
    def has_bare_close(self) -> bool:
        """Whether thoughts came before a closing tag alone."""
        return self._thoughts.has_bare_close

    def take(self, batch: list[bytes]) -> str:
        """The new text in these events. An error event is raised by `check`, after this text."""
        self.has_begun = True
        texts: list[str] = []
        try:
            texts.extend(map(self._content, batch))
        except ServiceError as failure:
            self._failure = failure
        shown = self._thoughts.feed(strip_control("".join(texts)))
        if self._is_held:
            return ""
        released, self._has_held = self._has_held, False
        return self._thoughts.answer if released else shown

    def check(self) -> None:
        """Raises the failure that an event reported."""
        if self._failure is not None:
            raise self._failure

    def finish(self) -> str:
        """The rest of the text. Raises ProviderBadAnswer when the stream ended before the answer did."""
        if self.finish_reason is None and not self.is_complete:
            if self.has_begun and not self._has_read:
                raise ProviderBadAnswer(_NOT_JSON)
            raise ProviderBadAnswer(f"{VENDOR} broke off in the middle of its answer; try again.")
        rest = self._thoughts.finish()
        return self._thoughts.answer if self._has_held else rest

    def reply(self) -> Reply:
        """The whole answer. Raises AnswerCutOff, ProviderBadAnswer or ProviderRefused where there is none."""
        reply = Reply(
            text=self._thoughts.answer,
            model=self._model,
            finish_reason=self.finish_reason,
            usage=self._usage or Usage(),
            has_parsed_thoughts=self._has_parsed_thoughts,
        )
        _check_not_refused(reply, is_refused=self._is_refused)
        _check_not_empty(reply)
        return reply

    def _content(self, event: bytes) -> str:
        if event == b"[DONE]":
            self.is_complete = True
            return ""
        piece = parse_completion(event)
        if piece is None or self.is_complete:
            return ""
        self._has_read = True
        if piece.error:
            raise _raised(piece.error)
        self._model = piece.model or self._model
        self._usage = piece.usage or self._usage
        return self._choice(piece.choices[0]) if piece.choices else ""

    def _choice(self, choice: _Choice) -> str:
        if choice.error or choice.finish_reason == "error":
            raise _raised(choice.error)
        self.finish_reason = choice.finish_reason or self.finish_reason
        # a server that does not stream sends one whole message
        message = choice.delta or choice.message
        if message is None:
            return ""
        self._is_refused = self._is_refused or bool(message.refusal)
        if message.has_parsed_thoughts:
            self._has_parsed_thoughts, self._is_held = True, False
        return message.content or ""


def _check_not_refused(reply: Reply, *, is_refused: bool) -> None:
    if is_refused or reply.finish_reason == "content_filter":
        raise ProviderRefused("The language model declined to answer this; rephrase it.")


def _check_not_empty(reply: Reply) -> None:
    if reply.text.strip():
        return
    if reply.finish_reason == "length":
        raise AnswerCutOff(reply.usage)
    if reply.has_parsed_thoughts:
        raise ProviderBadAnswer(
            f"{VENDOR}'s server gave thoughts and no answer; check the reasoning parser of that server, or try again."
        )
    raise ProviderBadAnswer(f"{VENDOR} sent an empty answer; try again.")


def _raised(error: Any) -> ServiceError:
    """The error that came with status 200, logged like one that came with its own status."""
    log_refusal(VENDOR, VendorResponse(200, httpx.Headers(), json.dumps({"error": error}, default=str).encode()))
    return error_in_success(error)
