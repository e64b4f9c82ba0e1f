"""Runs all cases of the table that were asked for at once, so that the suite waits for the slowest and not for the sum."""

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.faults.lanes import Observation, observe
from tests.faults.table import Case


@pytest.fixture(scope="session")
def observations(request: pytest.FixtureRequest) -> Mapping[Case, Observation]:
    """What came of each case that this run collected. In a thread of its own: a server in the main one takes its signals."""
    wanted = {
        item.callspec.params["case"]: None
        for item in request.session.items
        if hasattr(item, "callspec") and isinstance(item.callspec.params.get("case"), Case)
    }
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, observe([*wanted])).result()
