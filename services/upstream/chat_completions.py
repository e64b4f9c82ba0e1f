"""A chat completion as OpenRouter and its like send it, whole or in pieces, with the many ways in which it fails.

https://openrouter.ai/docs/api-reference/errors-and-debugging
"""

import logging
from dataclasses import dataclass
from typing import Annotated, Any

import httpx
from pydantic import BaseModel, BeforeValidator, ValidationError

from services.errors import PayloadTooLarge, ProviderBadAnswer, ProviderRefused, ProviderUnavailable, ServiceError
from services.evidence.debrief import Usage
from services.text.invisible import strip_control
from services.upstream.responses import Json, MappedError, VendorResponse, map_status

log = logging.getLogger(__name__)

VENDOR = "The language model"
KEY_VARIABLE = "OPENROUTER_API_KEY"


def _joined(content: Any) -> Any:
    """Some providers send text in parts."""
    if not isinstance(content, list) or not all(isinstance(part, dict) for part in content):
        return content
    texts = [part.get("text") for part in content if part.get("type") == "text"]
    return "".join(texts) if all(isinstance(text, str) for text in texts) else content


def _counted(number: Any) -> Any:
    """A count that can't be one is not known."""
    return number if isinstance(number, int | float) and 0 <= number < _MOST_TOKENS else None


def _short(name: Any) -> Any:
    return strip_control(name)[:_LONGEST_NAME] if isinstance(name, str) else name


_MOST_TOKENS = 10**9
_LONGEST_NAME = 200

Count = Annotated[int | None, BeforeValidator(_counted)]


class _Message(BaseModel):
    content: Annotated[str | None, BeforeValidator(_joined)] = None
    refusal: str | None = None


class _Choice(BaseModel):
    message: _Message | None = None
    delta: _Message | None = None
    finish_reason: str | None = None
    error: Any = None


class _Usage(BaseModel):
    prompt_tokens: Count = None
    completion_tokens: Count = None
    total_tokens: Count = None
    cost: Annotated[float | None, BeforeValidator(_counted)] = None


class Completion(BaseModel):
    """An answer, or one piece of a streamed one: every field may be missing."""

    model: Annotated[str | None, BeforeValidator(_short)] = None
    choices: list[_Choice] | None = None
    usage: _Usage | None = None
    error: Any = None


@dataclass(frozen=True, slots=True)
class Reply:
    """A model's answer as text, with who gave it and what it cost."""

    text: str
    model: str
    finish_reason: str | None
    usage: Usage


def map_error(answer: VendorResponse) -> MappedError:
    """What an error answer means: https://openrouter.ai/docs/api-reference/errors-and-debugging."""
    problem = (answer.json_object() or {}).get("error")
    error = problem if isinstance(problem, dict) else {}
    availability = error.get("availability")
    if isinstance(availability, dict) and availability.get("retryable") is False:
        return error_of(answer, error)._replace(is_permanent=True)
    return error_of(answer, error)


def error_of(answer: VendorResponse, error: Json) -> MappedError:
    """The failure for a status and an `error` object; the object's text is never passed on."""
    match answer.status:
        case 400 if "context" in str(error.get("message", "")).casefold():
            return MappedError(PayloadTooLarge("This is more than the language model can read at once; send less."))
        case 402:
            detail = "The language model's account is out of credit; whoever runs this server should top it up."
            return MappedError(ProviderUnavailable(detail))
        case 403:
            return MappedError(ProviderRefused("The language model's provider refused this request; rephrase it."))
        case 404:
            detail = "No provider serves this language model; whoever runs this server should check OPENROUTER_MODEL."
            return MappedError(ProviderUnavailable(detail))
        case _:
            return map_status(VENDOR, answer, KEY_VARIABLE)


class StreamedAnswer:
    """Puts a streamed answer together, and knows whether it came to its end."""

    def __init__(self, model: str) -> None:
        self._texts: list[str] = []
        self._model = model
        self._usage: _Usage | None = None
        self._is_refused = False
        self._failure: ServiceError | None = None
        self.finish_reason: str | None = None
        self.is_complete = False

    def take(self, batch: list[bytes]) -> str:
        """The new words in these events. What an error event means is raised by `check`, after these words."""
        words: list[str] = []
        try:
            words.extend(map(self._words, batch))
        except ServiceError as failure:
            self._failure = failure
        text = strip_control("".join(words))
        if text:
            self._texts.append(text)
        return text

    def check(self) -> None:
        """Raises the failure that the stream told of."""
        if self._failure is not None:
            raise self._failure

    def _words(self, event: bytes) -> str:
        if event == b"[DONE]":
            self.is_complete = True
            return ""
        piece = parse_completion(event)
        if piece is None or self.is_complete:
            return ""
        if piece.error is not None:
            raise _error_in_success(piece.error)
        self._model = piece.model or self._model
        self._usage = piece.usage or self._usage
        return self._choice(piece.choices[0]) if piece.choices else ""

    def _choice(self, choice: _Choice) -> str:
        if choice.error is not None or choice.finish_reason == "error":
            raise _error_in_success(choice.error)
        self.finish_reason = choice.finish_reason or self.finish_reason
        # a server that does not stream sends its one answer whole
        words = choice.delta or choice.message
        if words is None:
            return ""
        self._is_refused = self._is_refused or bool(words.refusal)
        return words.content or ""

    def reply(self) -> Reply:
        """The whole answer. Raises ProviderBadAnswer when the stream ended before the answer did."""
        if self.finish_reason is None and not self.is_complete:
            raise ProviderBadAnswer(f"{VENDOR} broke off in the middle of its answer; try again.")
        text = "".join(self._texts)
        _check_usable(text, self.finish_reason, is_refused=self._is_refused)
        return Reply(text, self._model, self.finish_reason, _usage(self._usage))


def parse_completion(content: bytes) -> Completion | None:
    """None for what does not even begin like JSON, as streams hold now and then. Raises ProviderBadAnswer."""
    try:
        return Completion.model_validate_json(content)
    except ValidationError:
        if not content.lstrip().startswith(b"{"):
            return None
        raise ProviderBadAnswer(f"{VENDOR} answered in a form that can't be read; try again.") from None


def reply_of(completion: Completion, asked: str) -> Reply:
    """In the order that the vendor's failures need: error, choices, finish reason, content."""
    if completion.error is not None:
        raise _error_in_success(completion.error)
    if not completion.choices or completion.choices[0].message is None:
        raise ProviderBadAnswer(f"{VENDOR} sent an empty answer; try again.")
    choice = completion.choices[0]
    if choice.error is not None or choice.finish_reason == "error":
        raise _error_in_success(choice.error)
    assert choice.message is not None
    text = strip_control(choice.message.content or "")
    _check_usable(text, choice.finish_reason, is_refused=bool(choice.message.refusal))
    return Reply(text, completion.model or asked, choice.finish_reason, _usage(completion.usage))


def _check_usable(text: str, finish_reason: str | None, *, is_refused: bool) -> None:
    if is_refused or finish_reason == "content_filter":
        raise ProviderRefused("The language model declined to answer this; rephrase it.")
    if not text.strip():
        raise ProviderBadAnswer(f"{VENDOR} sent an empty answer; try again.")


def _error_in_success(error: object) -> ServiceError:
    """An error that came with status 200, as happens once a model has started."""
    details = error if isinstance(error, dict) else {}
    code = details.get("code")
    status = code if isinstance(code, int) else 502
    log.warning("%s answered 200 with error %s", VENDOR, status)
    return error_of(VendorResponse(status, httpx.Headers(), b""), details).error


def _usage(usage: _Usage | None) -> Usage:
    return Usage() if usage is None else Usage.model_validate(usage.model_dump())
