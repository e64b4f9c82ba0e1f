from collections.abc import AsyncIterator

import httpx
import pytest

from tests.faults.answers import answer_well
from tests.faults.service import Service, serving
from tests.faults.wire import FakeVendor
from tests.support.waiting import LIMIT_SECONDS


@pytest.fixture
async def vendor() -> AsyncIterator[FakeVendor]:
    """All four vendors behind one port. They respond correctly until a test sets `behave`."""
    vendor = FakeVendor(answer_well)
    await vendor.open()
    yield vendor
    await vendor.close()


@pytest.fixture
async def service(vendor: FakeVendor) -> AsyncIterator[Service]:
    async with serving(vendor.url) as service:
        yield service


@pytest.fixture
async def client(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=service.url, timeout=LIMIT_SECONDS) as client:
        yield client
