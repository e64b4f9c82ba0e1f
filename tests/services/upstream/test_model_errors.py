"""What servers of language models answer when they refuse, and the error of ours that each means."""

import json
from datetime import UTC, datetime
from time import time

import httpx
import pytest

from services.errors import PayloadTooLarge, ProviderBadAnswer, ProviderRefused, ProviderTimeout, ProviderUnavailable
from services.upstream.model_errors import ContextOverflow, UnsupportedParameter, error_in_success, map_error
from services.upstream.responses import VendorResponse
from tests.support.interviews import SAMPLES


def response(status, body, **headers):
    content = body if isinstance(body, str) else json.dumps(body)
    return VendorResponse(status, httpx.Headers(headers), content.encode())


def openai(message, **fields):
    return {"error": {"message": message} | fields}


UNSUPPORTED = {
    "DeepSeek: schema": (400, openai("This response_format type is unavailable now"), "json_schema"),
    "schema by param only": (400, openai("Invalid value", param="response_format"), "json_schema"),
    "LM Studio: schema": (400, {"error": "'response_format.type' must be 'text'"}, "json_schema"),
    "llama.cpp: grammar": (500, openai("failed to parse grammar", code=500), "json_schema"),
    "strict proxy: schema": (
        422,
        {
            "detail": [
                {"type": "extra_forbidden", "loc": ["body", "response_format"], "msg": "Extra inputs are not permitted"}
            ]
        },
        "json_schema",
    ),
    "OpenRouter: no endpoint with it": (
        404,
        openai("No endpoints found that support structured outputs"),
        "json_schema",
    ),
    "OpenAI: bounds": (
        400,
        openai(
            "Invalid schema for response_format 'debrief': In context=('properties', 'summary'), 'maxLength' is not permitted."
        ),
        "schema_keyword",
    ),
    "OpenRouter: bounds in raw": (
        400,
        openai(
            "Provider returned error",
            metadata={"raw": '{"error":"output schema: For \'array\' type, maxItems is not supported"}'},
        ),
        "schema_keyword",
    ),
    "OpenAI: cap": (
        400,
        openai(
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
            param="max_tokens",
            code="unsupported_parameter",
        ),
        "cap",
    ),
    "strict proxy: cap": (422, {"detail": "max_completion_tokens: Extra inputs are not permitted"}, "cap"),
    "stream options": (400, openai("Unrecognized request argument supplied: stream_options"), "stream_options"),
    "Gemini: schema": (400, openai("The specified schema produces a constraint with too many states"), "json_schema"),
    "Mistral: system role": (
        400,
        openai("Conversation roles must alternate user/assistant/user/assistant/..."),
        "system_role",
    ),
    "LM Studio: system role": (400, {"error": "Only user and assistant roles are supported!"}, "system_role"),
    "Llama 2: system role": (500, openai("Conversation must start with a user prompt"), "system_role"),
    "Gemma: system role": (400, openai("System role not supported", type="BadRequestError"), "system_role"),
}


@pytest.mark.parametrize(("status", "body", "parameter"), UNSUPPORTED.values(), ids=UNSUPPORTED)
def test_refused_parameter_is_recognized(status, body, parameter):
    mapped = map_error(response(status, body))

    assert isinstance(mapped.error, UnsupportedParameter)
    assert mapped.error.parameter == parameter
    assert mapped.is_permanent


TOO_LONG = {
    "OpenRouter": (400, json.loads((SAMPLES / "openrouter/error_400_context_too_long.json").read_text())),
    "llama.cpp": (400, json.loads((SAMPLES / "llama-server/context_exceeded_400.json").read_text())),
    "OpenRouter, in raw": (
        400,
        openai(
            "Provider returned error",
            metadata={"raw": '{"message":"prompt is too long: 250000 tokens > 200000 maximum"}'},
        ),
    ),
    "older vLLM": (
        400,
        {
            "object": "error",
            "message": "The maximum context length of this model is 2048 tokens; the messages have 3912.",
            "code": 400,
        },
    ),
    "LM Studio": (400, {"error": "The model is loaded with context length of only 4096 tokens, which is not enough"}),
    "ExLlama": (400, {"detail": "Prompt length 9000 is greater than max_seq_len 4096"}),
    "llama.cpp bindings": (400, "The prompt is longer than n_ctx"),
    "OpenAI code": (400, openai("Please reduce the length of the messages.", code="context_length_exceeded")),
    "Mistral": (
        400,
        {"message": "Prompt contains 40000 tokens, too large for model with 32768 maximum context length"},
    ),
    "Gemini": (400, openai("The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).")),
    "status 413": (413, openai("Request payload too large")),
    "status 413 of a proxy": (413, "<html>413 Request Entity Too Large</html>"),
    "too large for the minute": (
        429,
        openai("Request too large for gpt-4o on tokens per min (TPM): Limit 30000, Requested 50000"),
    ),
}


@pytest.mark.parametrize(("status", "body"), TOO_LONG.values(), ids=TOO_LONG)
def test_prompt_that_is_too_long_is_a_payload_too_large(status, body):
    mapped = map_error(response(status, body))

    assert isinstance(mapped.error, PayloadTooLarge)
    assert mapped.is_permanent
    if isinstance(mapped.error, ContextOverflow):
        assert mapped.error.smaller_cap(6000) is None
        assert "LLM_CONTEXT_TOKENS" in mapped.error.detail


CAPS = {
    "vLLM": (
        (
            "'max_tokens' or 'max_completion_tokens' is too large: 6000. This model's maximum context length is 8192 tokens and "
            "your request has 3000 input tokens (6000 > 8192 - 3000)."
        ),
        5192,
    ),
    "older vLLM and OpenAI": (
        (
            "This model's maximum context length is 8192 tokens. However, you requested 9000 tokens (3000 in the messages, 6000 in "
            "the completion)."
        ),
        5192,
    ),
    "SGLang": (
        (
            "Requested token count exceeds the model's maximum context length of 8192 tokens. You requested a total of 9000 "
            "tokens: 3000 tokens from the input messages and 6000 tokens for the completion."
        ),
        5192,
    ),
    "Anthropic": ("input length and `max_tokens` exceed context limit: 198000 + 6000 > 200000", 2000),
    "TGI": (
        "`inputs` tokens + `max_new_tokens` must be <= 8192. Given: 3000 `inputs` tokens and 6000 `max_new_tokens`",
        5192,
    ),
    "OpenAI's output limit": (
        "max_tokens is too large: 6000. This model supports at most 4,096 completion tokens.",
        4096,
    ),
    "DeepSeek": ("Invalid max_tokens value, the valid range of max_tokens is [1, 4096]", 4096),
    "limit below the cap": (
        (
            "This model's maximum context length is 4096 tokens. However, you requested 7200 tokens (1200 in the messages, 6000 in "
            "the completion)."
        ),
        2896,
    ),
    "no numbers": ("max_tokens is too large", 3000),
    "the cap alone": ("max_tokens is too large: 6000", 3000),
}


@pytest.mark.parametrize(("message", "cap"), CAPS.values(), ids=CAPS)
def test_cap_that_does_not_fit_gives_the_one_that_does(message, cap):
    error = map_error(response(400, openai(message))).error

    assert isinstance(error, ContextOverflow)
    assert error.smaller_cap(6000) == cap


@pytest.mark.parametrize(
    "message",
    [
        "maximum context length is 2048 tokens, you requested 9000 tokens (8000 in the messages, 1000 in the completion)",
        "request (16288 tokens) exceeds the available context size (8192 tokens)",
    ],
)
def test_no_cap_fits_beside_a_prompt_that_is_too_long(message):
    error = map_error(response(400, openai(message))).error

    assert isinstance(error, ContextOverflow)
    assert error.smaller_cap(1000) is None


BLAMED = {
    "key": (401, openai("No auth credentials found"), ProviderUnavailable, "OPENROUTER_API_KEY"),
    "key as 403": (403, openai("Invalid API key"), ProviderUnavailable, "OPENROUTER_API_KEY"),
    "key limit": (
        403,
        openai("Key limit exceeded (total limit). Manage it at …"),
        ProviderUnavailable,
        "spending limit",
    ),
    "firewall": (403, "<html><h1>403 Forbidden</h1></html>", ProviderUnavailable, "firewall"),
    "permission": (403, openai("You have insufficient permissions"), ProviderUnavailable, "denied access"),
    "region": (403, openai("Country, region, or territory not supported"), ProviderUnavailable, "region"),
    "moderation": (
        403,
        openai("Your chosen model requires moderation and your input was flagged", metadata={"reasons": ["x"]}),
        ProviderRefused,
        "rephrase",
    ),
    "Azure's filter": (
        400,
        openai("The response was filtered due to the prompt triggering Azure OpenAI's content management policy"),
        ProviderRefused,
        "rephrase",
    ),
    "guardrail": (403, openai("Request blocked", metadata={"patterns": ["ignore all"]}), ProviderRefused, "rephrase"),
    "credit": (402, openai("Insufficient credits"), ProviderUnavailable, "out of credit"),
    "credit as 429": (429, openai("You are out", code="insufficient_quota"), ProviderUnavailable, "out of credit"),
    "credit as 400": (400, openai("Your credit balance is too low"), ProviderUnavailable, "out of credit"),
    "privacy": (404, openai("No endpoints found matching your data policy."), ProviderUnavailable, "privacy filter"),
    "model at OpenRouter": (400, openai("x/y is not a valid model ID"), ProviderUnavailable, "OPENROUTER_MODEL"),
    "model at Ollama": (
        404,
        openai('model "llama9" not found, try pulling it first'),
        ProviderUnavailable,
        "OPENROUTER_MODEL",
    ),
    "model at vLLM": (
        404,
        {"object": "error", "message": "The model `x` does not exist."},
        ProviderUnavailable,
        "OPENROUTER_MODEL",
    ),
    "model at LM Studio": (
        400,
        {"error": "No models loaded. Please load a model"},
        ProviderUnavailable,
        "OPENROUTER_MODEL",
    ),
    "path at llama.cpp": (
        404,
        openai("File Not Found", type="not_found_error"),
        ProviderUnavailable,
        "OPENROUTER_BASE_URL",
    ),
    "path at Ollama": (404, "404 page not found", ProviderUnavailable, "OPENROUTER_BASE_URL"),
    "method": (405, "", ProviderUnavailable, "OPENROUTER_BASE_URL"),
    "redirect": (301, "", ProviderBadAnswer, "OPENROUTER_BASE_URL"),
    "gateway's time limit": (504, "", ProviderTimeout, "of its own"),
    "anything else": (400, openai("Invalid argument"), ProviderBadAnswer, "log"),
}


@pytest.mark.parametrize(("status", "body", "kind", "words"), BLAMED.values(), ids=BLAMED)
def test_error_names_the_cause(status, body, kind, words):
    error = map_error(response(status, body)).error

    assert (error.status, error.code) == (kind.status, kind.code)
    assert words in error.detail
    assert error.detail.endswith(".")


def test_quota_of_the_day_says_when_it_ends_and_is_not_retried():
    reset = int(time()) + 7 * 3600
    headers = {"X-RateLimit-Limit": "50", "X-RateLimit-Reset": str(reset * 1000)}
    body = openai("Rate limit exceeded: free-models-per-day", code=429, metadata={"headers": headers})

    mapped = map_error(response(429, body))

    assert mapped.is_permanent
    assert abs(mapped.error.retry_after - 7 * 3600) < 60
    assert f"{datetime.fromtimestamp(reset, UTC):%Y-%m-%d %H:%M} UTC" in mapped.error.detail


def test_quota_of_the_day_without_an_end_says_tomorrow():
    mapped = map_error(response(429, openai("Limit of requests per day (RPD) reached")))

    assert mapped.is_permanent
    assert "tomorrow" in mapped.error.detail


@pytest.mark.parametrize(
    ("body", "headers", "seconds"),
    [
        (openai("Slow down"), {}, 2),
        (openai("Slow down"), {"retry-after": "7"}, 7),
        (openai("Provider returned error", availability={"retryable": True, "retry_after": 4}), {}, 4),
    ],
)
def test_limit_of_the_minute_is_retried(body, headers, seconds):
    mapped = map_error(response(429, body, **headers))

    assert not mapped.is_permanent
    assert mapped.error.retry_after == seconds


def test_wait_of_hours_is_a_quota():
    mapped = map_error(response(429, openai("Too many requests"), **{"retry-after": "40000"}))

    assert mapped.is_permanent
    assert "until" in mapped.error.detail


def test_wait_of_more_than_a_day_has_no_false_end():
    mapped = map_error(response(429, openai("Too many requests"), **{"retry-after": "900000"}))

    assert "more than a day" in mapped.error.detail
    assert "until" not in mapped.error.detail


def test_error_that_openrouter_calls_permanent_is_not_retried():
    mapped = map_error(response(503, openai("Gone", availability={"retryable": False})))

    assert mapped.is_permanent


IN_SUCCESS = {
    "LM Studio's wrong path": (
        "Unexpected endpoint or method. (POST /chat/completions)",
        ProviderUnavailable,
        "BASE_URL",
    ),
    "context": ({"message": "context length exceeded"}, ContextOverflow, "LLM_CONTEXT_TOKENS"),
    "credit": ({"code": "402", "message": "no"}, ProviderUnavailable, "credit"),
    "status": ({"code": 401, "message": "no"}, ProviderUnavailable, "OPENROUTER_API_KEY"),
    "no status": ({"message": "oops"}, ProviderBadAnswer, "try again"),
    "odd status": ({"code": "²", "message": "oops"}, ProviderBadAnswer, "try again"),
    "nothing": (None, ProviderBadAnswer, "try again"),
    "a list": (["oops"], ProviderBadAnswer, "try again"),
}


@pytest.mark.parametrize(("error", "kind", "words"), IN_SUCCESS.values(), ids=IN_SUCCESS)
def test_error_with_status_200_is_read(error, kind, words):
    mapped = error_in_success(error)

    assert isinstance(mapped, kind)
    assert words in mapped.detail


def test_text_repeated_from_the_request_does_not_change_the_error():
    repeated = [{"type": "string_type", "loc": ["messages"], "msg": "not a string", "input": "maximum context length"}]

    mapped = map_error(response(422, {"detail": repeated}))

    assert not isinstance(mapped.error, PayloadTooLarge)


@pytest.mark.parametrize(
    "content", ["", "[" * 100_000, "\x00\xff", "{}", "null", '{"error": {"message": ["a", {"b": 1}]}}']
)
def test_body_of_any_shape_is_read(content):
    assert map_error(response(500, content)).error.status == 502
