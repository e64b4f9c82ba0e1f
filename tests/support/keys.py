"""Vendor keys of no value, and the settings that name each vendor's address."""

from collections.abc import Mapping

KEYS = {
    "daily_api_key": "daily-key-0123456789",
    "openrouter_api_key": "openrouter-key-0123456789",
    "openai_api_key": "openai-key-0123456789",
    "vapi_api_key": "vapi-key-0123456789",
    "vapi_phone_number_id": "6a1f3c9e-1111-4222-8333-444455556666",
}
URL_SETTINGS = {
    "daily": "daily_api_url",
    "openrouter": "openrouter_base_url",
    "openai": "openai_base_url",
    "vapi": "vapi_base_url",
}
NO_RATE_LIMITS = {
    "rate_limit_default": "1000000/minute",
    "rate_limit_llm": "1000000/minute",
    "model_budget": "0",
    "phone_budget": "0",
    "storage_budget": "0",
}
"""Settings with rate limits that no test reaches, and without budgets."""
PATIENT = {
    "upstream_timeout_seconds": 600.0,
    "llm_timeout_seconds": 600.0,
    "llm_idle_timeout_seconds": 600.0,
}
"""Deadlines that no test reaches, so that none decides one."""

KEEP_ALIVE_SECONDS = 3600
"""For uvicorn, which by default closes a connection after five idle seconds: a busy client may just be about to use it."""


def vendors_at(url: str) -> dict[str, str]:
    """Settings with a key for each vendor, and with their addresses below this one: `{url}/daily` and so on."""
    return KEYS | {setting: f"{url}/{vendor}" for vendor, setting in URL_SETTINGS.items()}


def as_environment(settings: Mapping[str, object]) -> dict[str, str]:
    """The same settings as environment variables."""
    return {name.upper(): str(value) for name, value in settings.items()}
