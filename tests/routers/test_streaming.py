"""Event streams to clients that stop reading or leave."""

import asyncio
from collections.abc import AsyncGenerator

import pytest
from starlette.types import Message

from routers.streaming import Event, EventStream, open_stream
from services.errors import ProviderTimeout

pytestmark = pytest.mark.anyio


class Source:
    """An endless source of events that records whether it was closed."""

    def __init__(self) -> None:
        self.is_closed = False

    async def events(self) -> AsyncGenerator[Event]:
        try:
            while True:
                yield Event("delta", "{}")
        finally:
            self.is_closed = True


async def _nothing() -> Message:
    return {"type": "http.disconnect"}


async def test_a_client_that_stops_reading_is_disconnected_and_its_source_is_closed() -> None:
    source, sent = Source(), []
    events = source.events()
    stream = EventStream(asyncio.ensure_future(anext(events)), events, patience=0.05)

    async def send(message: Message) -> None:
        sent.append(message)
        if len(sent) > 3:
            await asyncio.Event().wait()

    await stream({"type": "http", "state": {}}, _nothing, send)

    assert source.is_closed
    assert all(message.get("more_body", True) for message in sent), "left incomplete, so that the server closes it"


async def test_a_client_that_leaves_before_the_first_byte_closes_the_source() -> None:
    source = Source()
    stream = await open_stream(source.events())

    async def send(_: Message) -> None:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await stream({"type": "http", "state": {}}, _nothing, send)

    assert source.is_closed


async def test_a_failure_before_the_first_event_is_raised() -> None:
    async def fails() -> AsyncGenerator[Event]:
        raise ProviderTimeout("It took too long; try again.")
        yield Event("delta", "{}")

    with pytest.raises(ProviderTimeout):
        await open_stream(fails())
