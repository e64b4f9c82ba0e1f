import pytest

from tests.routers.voice_calls import CALLS, MINTED, QUEUED, SECRETS
from tests.support.interviews import mock_daily


@pytest.fixture
def daily(vendors):
    mock_daily(vendors)


@pytest.fixture
def openai(vendors):
    return vendors.post(SECRETS).respond(json=MINTED)


@pytest.fixture
def vapi(vendors):
    return vendors.post(CALLS).respond(201, json=QUEUED)
