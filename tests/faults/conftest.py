from collections.abc import AsyncIterator

import pytest

from tests.faults.answers import answer_well
from tests.faults.wire import FakeVendor


@pytest.fixture
async def vendor() -> AsyncIterator[FakeVendor]:
    """All four vendors behind one port. They respond correctly until a test sets `behave`."""
    vendor = FakeVendor(answer_well)
    await vendor.open()
    yield vendor
    await vendor.close()
