"""Server-sent events: encoding, keep-alive comments, exactly one terminal event per stream."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import suppress
from typing import Any, NamedTuple, Self

from fastapi.sse import KEEPALIVE_COMMENT, EventSourceResponse, format_sse_event
from pydantic import BaseModel
from starlette.types import Message, Receive, Scope, Send

from routers.problems import ProblemResponse, problem
from routers.schemas.debrief import ProgressEvent
from services.errors import ProviderBadAnswer, ServiceError

log = logging.getLogger(__name__)

KEEP_ALIVE_SECONDS = 10.0
"""Maximum silence of a stream: proxies close silent connections, many after 15 s."""
FIRST_EVENT_SECONDS = 10.0
"""If the first event fails within this time the client gets a normal problem; after it the stream opens."""
SEND_SECONDS = 60.0
"""A client that reads nothing for this long is disconnected."""

TERMINAL = frozenset({"done", "error"})


class Event(NamedTuple):
    """One event. `done` and `error` are terminal: they end the stream."""

    name: str
    data: str

    @classmethod
    def from_model(cls, name: str, data: BaseModel) -> Self:
        return cls(name, data.model_dump_json())

    def encode(self) -> bytes:
        return format_sse_event(event=self.name, data_str=self.data)


def error_event(document: dict[str, Any]) -> bytes:
    """Returns the terminal event of a failed stream: its data is a problem document."""
    return Event("error", bytes(ProblemResponse(document).body).decode()).encode()


def progress_event(stage: str) -> Event:
    """Returns the event of a stage that the work has reached."""
    return Event.from_model("progress", ProgressEvent(stage=stage))


async def open_stream(events: AsyncGenerator[Event]) -> "EventStream":
    """Returns a stream when its first event has come or is slow. An earlier failure is raised and becomes a plain
    problem.

    A response whose stream raises before its first event would otherwise be an empty 200.
    """
    first = asyncio.ensure_future(anext(events))
    try:
        await asyncio.wait([first], timeout=FIRST_EVENT_SECONDS)
        if first.done():
            first.result()
    except BaseException:
        await _stop(first, events)
        raise
    return EventStream(first, events)


class _Stalled(Exception):
    """The client has stopped reading but keeps the connection open."""


class EventStream(EventSourceResponse):
    """Sends events as they come, and a comment after every `KEEP_ALIVE_SECONDS` of silence.

    A ServiceError becomes the `error` event here. A crash or a shutdown becomes it in the middleware
    (`ResponseState.end_with_error`). `no-transform` keeps proxies from compressing, and so from buffering, the stream.
    """

    def __init__(
        self, first: "asyncio.Future[Event]", events: AsyncGenerator[Event], *, patience: float = SEND_SECONDS
    ) -> None:
        super().__init__((), headers={"Cache-Control": "no-store, no-transform", "X-Accel-Buffering": "no"})
        self._first = first
        self._events = events
        self._patience = patience
        self._sent_at = 0.0

    async def __call__(self, scope: Scope, _: Receive, send: Send) -> None:
        keeper: asyncio.Task[None] | None = None
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            keeper = asyncio.create_task(self._keep_alive(send))
            await self._send_events(scope, send)
        except _Stalled:
            log.warning("a client has stopped reading its stream; its connection is closed")
            # the response is left incomplete, which makes the server close the connection
            return
        finally:
            if keeper is not None:
                keeper.cancel()
            await _stop(self._first, self._events)
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _send_events(self, scope: Scope, send: Send) -> None:
        try:
            event = await self._first
            while event.name not in TERMINAL:
                await self._send(send, event.encode())
                event = await anext(self._events)
            await self._send(send, event.encode())
        except StopAsyncIteration:
            unfinished = ProviderBadAnswer("The answer broke off before its end; try again.")
            await self._send(send, error_event(problem(unfinished, scope)))
        except ServiceError as error:
            await self._send(send, error_event(problem(error, scope)))

    async def _send(self, send: Send, body: bytes) -> None:
        self._sent_at = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(self._patience):
                await send(_body(body))
        except TimeoutError:
            raise _Stalled from None

    async def _keep_alive(self, send: Send) -> None:
        clock = asyncio.get_running_loop().time
        while True:
            silence = clock() - self._sent_at
            if silence >= KEEP_ALIVE_SECONDS:
                with suppress(_Stalled):  # the next event raises it
                    await self._send(send, KEEPALIVE_COMMENT)
                silence = 0.0
            await asyncio.sleep(KEEP_ALIVE_SECONDS - silence)


async def stream_progress(
    work: Callable[[Callable[[str], None]], Awaitable[str]], progress: Callable[[str], Event]
) -> AsyncGenerator[Event]:
    """Yields a `progress` event for each stage that the work reports, then `done` with the document it returns."""
    stages: asyncio.Queue[str | None] = asyncio.Queue()
    job = asyncio.ensure_future(work(stages.put_nowait))
    job.add_done_callback(lambda _: stages.put_nowait(None))
    try:
        while (stage := await stages.get()) is not None:
            yield progress(stage)
        yield Event("done", await job)
    finally:
        job.cancel()
        with suppress(asyncio.CancelledError, ServiceError):
            await job


async def _stop(first: "asyncio.Future[Event]", events: AsyncGenerator[Event]) -> None:
    """Cancels the first event and closes the generator, which cancels the vendor call behind it."""
    first.cancel()
    with suppress(asyncio.CancelledError, ServiceError, StopAsyncIteration):
        await first
    await events.aclose()


def _body(body: bytes) -> Message:
    return {"type": "http.response.body", "body": body, "more_body": True}
