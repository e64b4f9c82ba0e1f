"""Memory of a request: it is free when the request is over, without the garbage collector."""

import asyncio
import gc
from collections import Counter

import httpx
import pytest

from routers.middleware.disconnect import WATCH_AFTER_SECONDS
from tests.support.interviews import COMPLETIONS, completion, mock_daily, open_briefed_room
from tests.support.waiting import wait_until


@pytest.fixture
def without_garbage_collector():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def requests_in_memory():
    """Objects that the service makes for each request, by type."""
    counted = Counter(type(found).__name__ for found in gc.get_objects())
    return {name: counted[name] for name in ("ResponseState", "DisconnectWatcher") if counted[name]}


@pytest.mark.usefixtures("without_garbage_collector")
def test_read_briefing_leaves_nothing_to_collect(start, vendors):
    mock_daily(vendors)
    client = start()
    name = open_briefed_room(client)

    assert client.get(f"/api/rooms/{name}/briefing").status_code == 200

    wait_until(lambda: not requests_in_memory(), "the requests are freed")


@pytest.mark.usefixtures("without_garbage_collector")
def test_slow_chat_leaves_nothing_to_collect(start, vendors):
    async def answer_slowly(_):
        await asyncio.sleep(WATCH_AFTER_SECONDS * 3)
        return httpx.Response(200, json=completion("Ask about the linker."))

    mock_daily(vendors)
    vendors.post(COMPLETIONS).mock(side_effect=answer_slowly)
    client = start()
    name = open_briefed_room(client)

    assert client.post(f"/api/rooms/{name}/chat", json={"message": "What next?"}).status_code == 200

    wait_until(lambda: not requests_in_memory(), "the requests are freed")
