"""What is sent to OpenRouter itself."""

import json
import re

import pytest

from tests.routers.model_calls import AS_JSON, chat, debrief
from tests.support.interviews import mock_daily
from tests.support.model_server import completion

FALLBACKS = {
    "default": ({}, ["openai/gpt-4o-mini", "~openai/gpt-mini-latest"]),
    "chosen": ({"openrouter_fallback_model": "x/y"}, ["openai/gpt-4o-mini", "x/y"]),
    "off": ({"openrouter_fallback_model": "OFF"}, ["openai/gpt-4o-mini"]),
    "free model": ({"openrouter_model": "x/z:free"}, ["x/z:free"]),
    "free model, chosen": (
        {"openrouter_model": "x/z:free", "openrouter_fallback_model": "x/y:free"},
        ["x/z:free", "x/y:free"],
    ),
}


@pytest.mark.parametrize(("chosen", "models"), FALLBACKS.values(), ids=FALLBACKS)
def test_fallback_model_is_sent_to_openrouter(start, vendors, chosen, models):
    mock_daily(vendors)
    route = vendors.post("https://openrouter.ai/api/v1/chat/completions").respond(json=completion("Hello."))

    chat(start(**chosen))

    assert json.loads(route.calls.last.request.content)["models"] == models


def test_no_length_bounds_are_sent_to_openrouter(start, vendors):
    mock_daily(vendors)
    route = vendors.post("https://openrouter.ai/api/v1/chat/completions").respond(json=completion(AS_JSON))

    debrief(start())

    sent = route.calls.last.request.content.decode()
    assert not re.search("maxLength|maxItems", sent)
    assert '"enum":[2,4]' in sent.replace(" ", "")
