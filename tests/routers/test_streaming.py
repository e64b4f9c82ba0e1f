"""A stream towards a client that behaves badly."""

import asyncio
from collections.abc import AsyncGenerator

import pytest
from starlette.types import Message

from routers.streaming import Event, EventStream, open_stream
from services.errors import ProviderTimeout

pytestmark = pytest.mark.anyio


class Source:
    """Events without end, which knows whether it was let go."""

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


async def test_a_client_that_stops_reading_is_given_up_and_its_source_let_go() -> None:
    source, sent = Source(), []
    events = source.events()
    stream = EventStream(asyncio.ensure_future(anext(events)), events, patience=0.05)

    async def send(message: Message) -> None:
        sent.append(message)
        if len(sent) > 3:
            await asyncio.Event().wait()

    await stream({"type": "http", "state": {}}, _nothing, send)

    assert source.is_closed
    assert all(message.get("more_body", True) for message in sent), "left without an end, so that the server closes it"


async def test_a_client_that_is_gone_before_the_first_byte_lets_the_source_go() -> None:
    source = Source()
    stream = await open_stream(source.events())

    async def send(_: Message) -> None:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await stream({"type": "http", "state": {}}, _nothing, send)

    assert source.is_closed


async def test_what_fails_before_the_first_event_is_raised() -> None:
    async def fails() -> AsyncGenerator[Event]:
        raise ProviderTimeout("It took too long; try again.")
        yield Event("delta", "{}")

    with pytest.raises(ProviderTimeout):
        await open_stream(fails())
