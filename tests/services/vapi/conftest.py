import pytest
import respx

from services.upstream.client import VendorClient
from services.vapi import Vapi, map_error
from tests.services.vapi.calls import BASE, KEY, settings_with
from tests.support.vendor_client import vendor_client
from tests.support.vendor_specs import WITHOUT, SpecChecker


@pytest.fixture
def vendor():
    with respx.mock(using="httpx", base_url=BASE, assert_all_called=False) as router:
        yield router


@pytest.fixture
async def upstream():
    async with vendor_client("Vapi", BASE, map_error, key=KEY, keep_alive=False) as upstream:
        yield upstream


@pytest.fixture
def vapi(upstream: VendorClient) -> Vapi:
    return Vapi(upstream, settings_with())


@pytest.fixture
def published() -> SpecChecker:
    checker = SpecChecker.from_environment()
    if checker is None:
        pytest.skip(WITHOUT)
    return checker
