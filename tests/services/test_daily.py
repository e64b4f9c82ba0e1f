"""Daily at the wire: requests, responses, errors."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import respx
from pydantic import SecretStr

from services.daily import Daily, map_error
from services.errors import ProviderBadAnswer, ProviderUnavailable
from services.upstream.client import VendorClient
from services.upstream.retry_policy import RETRY_POLICIES
from services.upstream.transport import open_client, open_transport

pytestmark = pytest.mark.anyio

BASE = "https://api.daily.co/v1"
KEY = "daily-key-0123456789"
DATA = Path(__file__).parent.parent / "data/daily"
NAME = "interview-5eed5eed5eed5eed5eed5eed5e"
ENDS = datetime.now(UTC) + timedelta(hours=1)


@pytest.fixture
def vendor():
    with respx.mock(using="httpx", base_url=BASE, assert_all_called=False) as router:
        yield router


@pytest.fixture
async def daily():
    client = open_client(BASE, SecretStr(KEY), open_transport(10))
    async with VendorClient(
        "Daily", client, map_error, deadline=5, max_concurrency=10, retry_policy=RETRY_POLICIES["daily"]
    ) as upstream:
        yield Daily(upstream, is_configured=True)


BLAMED = [
    (
        "error_400_authorization_header.json",
        ProviderUnavailable,
        "could not read this server's key; check DAILY_API_KEY",
    ),
    ("error_401_unknown_key.json", ProviderUnavailable, "check DAILY_API_KEY"),
    ("error_403_forbidden.json", ProviderUnavailable, "check DAILY_API_KEY"),
    ("error_403_plan.json", ProviderUnavailable, "plan"),
    ("error_403_no_payment_method.json", ProviderUnavailable, "payment method"),
    ("error_400_transcription_not_allowed.json", ProviderUnavailable, "DAILY_TRANSCRIPTION=off"),
    ("error_400_bad_value.json", ProviderBadAnswer, "check this server's clock"),
]


@pytest.mark.parametrize(("name", "kind", "cause"), BLAMED)
async def test_refusal_names_its_cause_to_the_caller_and_to_the_log(vendor, daily, caplog, name, kind, cause):
    status, sample = int(name.split("_")[1]), json.loads((DATA / name).read_text())
    vendor.post("/rooms").respond(status, json=sample)

    with pytest.raises(kind) as caught:
        await daily.create_room(NAME, ENDS)

    assert cause in caught.value.detail
    [line] = caplog.messages
    assert f"Daily refused: status={status} code={sample['error']}" in line
    assert KEY not in line
