"""Maps error responses of language model servers to our errors, which name the setting or the cause.

OpenRouter's errors: https://openrouter.ai/docs/api-reference/errors-and-debugging. Other servers say the same things in
other places and words, so a rule looks at the status and at everything that the body says.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from http import HTTPStatus
from time import time
from typing import Any, NamedTuple

import httpx

from services.errors import (
    PayloadTooLarge,
    ProviderBadAnswer,
    ProviderRefused,
    ProviderTimeout,
    ProviderUnavailable,
    ServiceError,
)
from services.upstream.responses import MAX_RETRY_AFTER, Json, MappedError, VendorResponse, map_status

VENDOR = "The language model"
KEY_VARIABLE = "OPENROUTER_API_KEY"

QUOTA_SECONDS = 3600
"""A limit that lasts longer than this is a quota that is used up, and retrying does not help."""


class UnsupportedParameter(ProviderBadAnswer):
    """The server refuses a parameter of the request. `parameter` is a key of `PARAMETERS`."""

    def __init__(self, parameter: str) -> None:
        super().__init__(f"{VENDOR}'s server does not accept {PARAMETERS[parameter]}; use another server or model.")
        self.parameter = parameter


PARAMETERS = {
    "schema_keyword": "our JSON schema",
    "json_schema": "structured output",
    "cap": "a limit on the length of the answer",
    "stream_options": "stream_options",
    "system_role": "system messages",
}


class ContextOverflow(PayloadTooLarge):
    """Prompt and answer do not fit the model's context.

    `numbers` are those that the server names. `blames_cap`: it names the answer's share, so that a smaller one may fit.
    """

    def __init__(self, numbers: tuple[int, ...] = (), *, blames_cap: bool = False) -> None:
        super().__init__(
            "This is more than the language model can read at once; send less, or set LLM_CONTEXT_TOKENS to the "
            "context length of its server, so that long interviews are read in parts."
        )
        self.numbers = numbers
        self.blames_cap = blames_cap

    def smaller_cap(self, cap: int) -> int | None:
        """The largest cap below `cap` that may fit; None where the prompt alone is too long.

        The space that is left is the difference of two numbers that the server names, its limit and the prompt. Where
        it names one only, that is the limit of the answer. The sum of prompt and cap says nothing more.
        """
        if not self.blames_cap and cap not in self.numbers:
            return None
        named = {number for number in self.numbers if number >= _FEWEST_TOKENS and number != cap}
        if not named:
            return cap // 2
        named -= {number for number in named if number - cap in named}
        spaces = [more - less for more in named for less in named if 0 < more - less < cap]
        return max(spaces or [number for number in named if number < cap and len(named) == 1], default=None)


class ServerTimeout(ProviderTimeout):
    """The server, or a gateway before it, gave up waiting."""

    def __init__(self) -> None:
        super().__init__(
            "The language model's server reached a time limit of its own; try again, or raise that server's limit."
        )


class _Error(NamedTuple):
    """An error response as the rules see it."""

    status: int
    text: str
    """Everything that the body says, in lower case."""
    error: Json
    response: VendorResponse


class _Rule(NamedTuple):
    """The first rule whose status and pattern fit decides. Without statuses or a pattern any fits."""

    make: Callable[[_Error], ServiceError]
    pattern: str = ""
    statuses: frozenset[int] = frozenset()
    is_permanent: bool = True

    def fits(self, error: _Error) -> bool:
        is_status = not self.statuses or error.status in self.statuses
        return is_status and re.search(self.pattern, error.text, re.DOTALL) is not None


def map_error(response: VendorResponse) -> MappedError:
    """The error for an error response."""
    return map_body(response, response.json_object() or {})


def map_body(response: VendorResponse, body: Json) -> MappedError:
    """The error for the status of `response` and a body, which may also have come with status 200."""
    nested = body.get("error")
    details = nested if isinstance(nested, dict) else body
    error = _Error(response.status, _text(response, body), details, response)
    rule = next((rule for rule in _RULES if rule.fits(error)), None)
    mapped = _by_status(error) if rule is None else MappedError(rule.make(error), rule.is_permanent)
    is_hopeless = _object(details.get("availability")).get("retryable") is False
    return mapped._replace(is_permanent=True) if is_hopeless else mapped


def error_in_success(error: Any) -> ServiceError:
    """The error that came with status 200, as happens once a model has started, or under a wrong path."""
    details = error if isinstance(error, dict) else {"message": str(error or "")[:_LONGEST_TEXT]}
    code = str(details.get("code"))
    status = int(code) if code in _ERROR_STATUSES else HTTPStatus.INTERNAL_SERVER_ERROR
    response = VendorResponse(status, _NO_HEADERS, b"")
    return map_body(response, {"error": details}).error


_ERROR_STATUSES = frozenset(map(str, range(400, 600)))
_NO_HEADERS = httpx.Headers()
_LONGEST_TEXT = 4000
_MOST_ITEMS = 10


def _text(response: VendorResponse, body: Json) -> str:
    """The message of an error body, in any of its fields; of a body that is not JSON, its start."""
    said = " ".join(_strings(body, depth=4)) or response.content[:_LONGEST_TEXT].decode(errors="replace")
    return said[:_LONGEST_TEXT].casefold()


_ERROR_KEYS = frozenset(
    {
        *("error", "errors", "message", "msg", "detail", "details", "reason", "raw", "code", "type", "param", "loc"),
        *("error_type", "provider_code", "availability", "metadata", "reasons", "patterns"),
    }
)


def _strings(value: Any, *, depth: int) -> list[str]:
    if isinstance(value, str):
        return [value[:_LONGEST_TEXT]]
    if depth and isinstance(value, dict):
        parts = {key: inner for key, inner in value.items() if key in _ERROR_KEYS}
        return [*parts, *(text for inner in parts.values() for text in _strings(inner, depth=depth - 1))]
    if depth and isinstance(value, list):
        return [text for inner in value[:_MOST_ITEMS] for text in _strings(inner, depth=depth - 1)]
    return []


def _unsupported(parameter: str) -> Callable[[_Error], ServiceError]:
    return lambda _: UnsupportedParameter(parameter)


def _unavailable(detail: str) -> Callable[[_Error], ServiceError]:
    return lambda _: ProviderUnavailable(detail)


def _bad(detail: str) -> Callable[[_Error], ServiceError]:
    return lambda _: ProviderBadAnswer(detail)


def _refused(detail: str) -> Callable[[_Error], ServiceError]:
    return lambda _: ProviderRefused(detail)


def _overflow(error: _Error) -> ServiceError:
    found = [int(number.replace(",", "")) for number in _NUMBER.findall(error.text)[:_MOST_NUMBERS]]
    return ContextOverflow(tuple(found), blames_cap=_BLAMES_CAP.search(error.text) is not None)


def _too_large(_: _Error) -> ServiceError:
    return PayloadTooLarge("This is larger than the language model's server, or a proxy before it, takes; send less.")


def _quota(error: _Error) -> ServiceError:
    """A quota that is used up, with its end if the server gives it."""
    seconds = _seconds_to_reset(error)
    if seconds is None:
        return ProviderUnavailable("The language model's quota for the day is used up; try again tomorrow.")
    if seconds == MAX_RETRY_AFTER:  # the end is later, and not known here
        detail = "The language model's quota is used up for more than a day; see the account at its provider."
        return ProviderUnavailable(detail, retry_after=seconds)
    end = datetime.fromtimestamp(time() + seconds, UTC)
    detail = f"The language model's quota is used up until {end:%Y-%m-%d %H:%M} UTC; try again then."
    return ProviderUnavailable(detail, retry_after=seconds)


def _seconds_to_reset(error: _Error) -> int | None:
    """The wait that the server asks for: `Retry-After`, OpenRouter's `retry_after`, or `X-RateLimit-Reset`."""
    if error.response.retry_after is not None:
        return error.response.retry_after
    seconds = _object(error.error.get("availability")).get("retry_after")
    if isinstance(seconds, int) and seconds >= 0:
        return min(seconds, MAX_RETRY_AFTER)
    repeated = _object(_object(error.error.get("metadata")).get("headers"))
    headers = {str(name).casefold(): value for name, value in repeated.items()}
    return _until(str(headers.get("x-ratelimit-reset") or error.response.headers.get("x-ratelimit-reset")))


def _object(value: Any) -> Json:
    return value if isinstance(value, dict) else {}


def _until(timestamp: str) -> int | None:
    """Seconds until a Unix time in seconds or milliseconds; None for anything else."""
    if not timestamp.isdecimal() or len(timestamp) not in _EPOCH_DIGITS:
        return None
    at = int(timestamp) / (1000 if len(timestamp) == max(_EPOCH_DIGITS) else 1)
    return min(max(0, round(at - time())), MAX_RETRY_AFTER)


_EPOCH_DIGITS = (10, 13)
"""Digits of a Unix time of this century in seconds, and in milliseconds."""
_NUMBER = re.compile(r"\d{1,3}(?:,\d{3})+|\d{1,9}")
_MOST_NUMBERS = 20
_FEWEST_TOKENS = 100
"""Smaller numbers are no counts of ours: versions of models, or the beginning of a range."""
_BLAMES_CAP = re.compile(r"max_(?:completion_|new_)?tokens|completion|in the output|output tokens")

_INVALID = frozenset({400, 404, 415, 422, 500, 501})
"""Statuses with which servers refuse a parameter or a prompt. llama.cpp uses 500 for a grammar that it can't build."""

_SCHEMA_KEYWORD = r"\b(?:max|min)(?:length|items)\b|\$defs|\$ref|additionalproperties|\b(?:anyof|enum|pattern)\b"
_STRUCTURED = r"response_format|\bschema\b|json_schema|json_object|json mode|structured[ _-]?output|guided|grammar"
_ROLES = (
    r"roles? must alternate|only user and assistant|must start with a user"
    r"|(?=.*\bsystem\b)(?=.*\brole)(?=.*(?:support|invalid))"
)
"""We alternate user and assistant, so what chat templates complain of is the system message."""
_LENGTH = r"max_(?:completion_|new_)?tokens"
_NOT_TAKEN = (
    r"unsupported|not (?:supported|permitted|allowed|available)|unknown|unrecogni[sz]ed|unexpected|extra|use '?max"
)
_CONTEXT = (
    r"context[ _-]?(?:length|window|size|limit)|max_(?:model|seq)_len|n_ctx|exceed_context_size"
    r"|(?:prompt|input|request|messages?) (?:is|are|too) (?:too )?(?:long|large)|too many (?:input |prompt )?tokens"
    r"|reduce (?:the|your) (?:length|prompt|input)|(?:token count|tokens?)\b[^.]{0,80}\b(?:exceed|too large)"
    r"|exceed[^.]{0,80}\btokens?\b"
)
_CAP_RANGE = rf"{_LENGTH}.{{0,80}}(?:too large|range|at most|less than|must be|cannot|exceed|greater)"
_CREDIT = (
    r"insufficient.{0,10}(?:quota|balance|credit|funds)|out of credit|credit balance|billing_hard_limit"
    r"|payment required"
)
_MODERATION = r"moderation|flagged|content[ _](?:policy|filter|management)|guardrail|prompt injection|\bpatterns\b"
_MODEL = (
    r"no endpoints|not a valid model|model_not_found|model[^.]{0,120}(?:not found|does not exist|not exist|deprecated)"
    r"|unknown model|no models? (?:loaded|provided)|model_deprecated|model_unavailable|free_variant_ended"
)
_DAY = r"per[- _]?day|/day|\bdaily\b|\b[rt]pd\b"

_NO_ENDPOINT = (
    "There is no chat endpoint under OPENROUTER_BASE_URL; check the address, and that it ends in the version part, "
    "such as /v1."
)
_NO_CREDIT = "The language model's account is out of credit; top it up at the provider."
_WRONG_KEY = f"The language model's server rejected this server's key; check {KEY_VARIABLE}."

_RULES = (
    _Rule(_unsupported("schema_keyword"), rf"(?=.*(?:schema|response_format))(?=.*(?:{_SCHEMA_KEYWORD}))", _INVALID),
    _Rule(_unsupported("json_schema"), _STRUCTURED, _INVALID),
    _Rule(_unsupported("stream_options"), "stream_options|include_usage", _INVALID),
    _Rule(_unsupported("system_role"), _ROLES, _INVALID),
    _Rule(_overflow, _CAP_RANGE, _INVALID | {413}),
    _Rule(_overflow, _CONTEXT, _INVALID | {413}),
    _Rule(_unsupported("cap"), rf"(?=.*{_LENGTH})(?=.*(?:{_NOT_TAKEN}))", _INVALID),
    _Rule(_too_large, statuses=frozenset({413})),
    _Rule(_unavailable(_NO_CREDIT), _CREDIT),
    _Rule(
        _unavailable(f"The key in {KEY_VARIABLE} has reached its spending limit; raise the limit at the provider."),
        "key limit|limit exceeded",
        frozenset({402, 403}),
    ),
    _Rule(_unavailable(_NO_CREDIT), statuses=frozenset({402})),
    _Rule(
        _refused("The language model's provider refused this text (moderation); rephrase it."),
        _MODERATION,
        frozenset({400, 403}),
    ),
    _Rule(
        _unavailable(
            "No provider of this model meets the privacy filter that this server sends (data_collection: deny); allow "
            "more providers in the account's privacy settings, or choose another OPENROUTER_MODEL."
        ),
        "data policy|privacy|data_collection",
        frozenset({403, 404}),
    ),
    _Rule(
        _unavailable("The language model's provider does not serve this server's region; choose another provider."),
        r"\b(?:region|country|territory)",
        frozenset({400, 403}),
    ),
    _Rule(_unavailable(_WRONG_KEY), statuses=frozenset({401})),
    _Rule(_unavailable(_WRONG_KEY), "api[ _-]?key|unauthori[sz]ed|authentication", frozenset({400, 403})),
    _Rule(
        _unavailable(
            f"The language model's server denied access; check what the key in {KEY_VARIABLE} may do, and any firewall "
            "or proxy before that server."
        ),
        statuses=frozenset({403}),
    ),
    _Rule(_unavailable("The model is not served there; check OPENROUTER_MODEL."), _MODEL, _INVALID),
    _Rule(_unavailable(_NO_ENDPOINT), "unexpected endpoint|no such endpoint|unknown endpoint|invalid url"),
    _Rule(_unavailable(_NO_ENDPOINT), statuses=frozenset({404, 405})),
    _Rule(_bad(_NO_ENDPOINT), statuses=frozenset({301, 302, 303, 307, 308})),
    _Rule(lambda _: ServerTimeout(), statuses=frozenset({408, 504, 524}), is_permanent=False),
    _Rule(_too_large, "request too large|tokens? per min.{0,80}requested", frozenset({429})),
    _Rule(_quota, _DAY, frozenset({429})),
)
"""In this order. A context that is too small is looked for before a refused parameter, since both name max_tokens."""


def _by_status(error: _Error) -> MappedError:
    mapped = map_status(VENDOR, error.response, KEY_VARIABLE)
    if error.status != HTTPStatus.TOO_MANY_REQUESTS:
        return mapped
    seconds = _seconds_to_reset(error)
    if seconds is not None and seconds > QUOTA_SECONDS:
        return MappedError(_quota(error), is_permanent=True)
    mapped.error.retry_after = mapped.error.retry_after if seconds is None else seconds
    return mapped
