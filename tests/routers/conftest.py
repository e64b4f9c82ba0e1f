import json

import httpx
import pytest

from tests.routers.voice_calls import CALLS, MINTED, QUEUED, SECRETS
from tests.support.interviews import COMPLETIONS, completion, mock_daily


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
