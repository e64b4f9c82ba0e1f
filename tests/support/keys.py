"""Vendor keys of no value, and the settings that name each vendor's address."""

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
