import json
from contextlib import ExitStack

import httpx
import pytest

from tests.routers.voice_calls import CALLS, MINTED, QUEUED, SECRETS
from tests.support.interviews import COMPLETIONS, completion, mock_daily
from tests.support.model_server import model_server


@pytest.fixture
def daily(vendors):
    mock_daily(vendors)


@pytest.fixture
def openai(vendors):
    return vendors.post(SECRETS).respond(json=MINTED)


@pytest.fixture
def vapi(vendors):
    return vendors.post(CALLS).respond(201, json=QUEUED)


@pytest.fixture
def model(vendors):
    """Tell the model what to answer, one answer after the other; the last one is repeated."""

    def say(*answers):
        contents = [answer if isinstance(answer, str) else json.dumps(answer) for answer in answers]
        left = list(contents)

        def respond(request):
            return httpx.Response(200, json=completion(left.pop(0) if len(left) > 1 else left[0]))

        return vendors.post(COMPLETIONS).mock(side_effect=respond)

    return say


@pytest.fixture
def answering_model(model):
    """A model that gives the same answer to every question."""
    return model("Ask her how the linker resolved addresses.")


@pytest.fixture
def serve(start, vendors):
    """Start a model's server with these rules and the service in front of it: the client, and the server."""
    mock_daily(vendors)
    vendors.route(host="127.0.0.1").pass_through()
    with ExitStack() as stack:

        def serve_rules(*rules, **settings):
            model = stack.enter_context(model_server(*rules))
            client = start(**{"openrouter_base_url": model.url, "openrouter_api_key": None} | settings)
            return client, model

        yield serve_rules
