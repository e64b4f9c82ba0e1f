"""Limits that uvicorn lacks: of request heads, waiting requests, clients that stop reading, and connections at once.

uvicorn chooses its HTTP parser before it imports `main:app`, and has no options for these limits. So
`limit_connections` changes what its parsers create, and every way to start uvicorn has them.
"""

import asyncio
import logging
import sys
from contextlib import suppress
from typing import Any, ClassVar

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

log = logging.getLogger(__name__)

MAX_HEAD_BYTES = 64 * 1024
"""As uvicorn's h11. Browsers and proxies send a few KiB."""
STALLED_SECONDS = 60.0
"""A client that reads nothing for this long, while more than the buffers hold waits for it, is disconnected."""
MAX_CONNECTIONS = 10_000
"""At most: half of the files that the process may open. Vendors, the database and files need the others."""
MAX_PIPELINED_REQUESTS = 100
"""Requests of one connection that wait for the one before. Browsers and proxies send the next one after the answer."""
UNREAD_BODY_SECONDS = 30.0
"""How long a client may go on sending a body after its answer, which it may not read before it has sent all."""
DEFAULT_CONNECTIONS = 500
"""Where the system does not say how many files may be open."""

_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
_TOO_MANY = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class ConnectionLimit:
    """How many connections the process has at once. Reaching the limit is logged once, until a quarter has ended."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._is_reached = False

    def is_exceeded_by(self, count: int) -> bool:
        if count <= self.most:
            self._is_reached = self._is_reached and count > self.most * 3 // 4
            return False
        if not self._is_reached:
            log.warning("all %d connections are in use: more are refused until some end", self.most)
        self._is_reached = True
        return True


class LimitedConnection(asyncio.Protocol):
    """The limits that do not depend on the parser."""

    connection_limit: ClassVar = ConnectionLimit(DEFAULT_CONNECTIONS)
    stalled_seconds: ClassVar = STALLED_SECONDS
    unread_body_seconds: ClassVar = UNREAD_BODY_SECONDS
    connections: set[Any]
    cycle: Any
    transport: asyncio.Transport
    client: tuple[str, int] | None
    loop: asyncio.AbstractEventLoop
    _stalled: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        if self.connection_limit.is_exceeded_by(len(self.connections)):
            self.transport.write(_TOO_MANY)
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._stop_timer()
        self._stalled = self.loop.call_later(self.stalled_seconds, self._drop)

    def resume_writing(self) -> None:
        self._stop_timer()
        super().resume_writing()

    def on_response_complete(self) -> None:
        super().on_response_complete()  # type: ignore[misc]
        if self._has_unread_body() and not self.transport.is_closing():
            self.loop.call_later(self.unread_body_seconds, self._end_unread_body, self.cycle)

    def _has_unread_body(self) -> bool:
        """Whether the last request has been answered and its body is still to come."""
        raise NotImplementedError

    def _end_unread_body(self, cycle: Any) -> None:
        if cycle is self.cycle and self._has_unread_body() and not self.transport.is_closing():
            log.warning("a connection from %s was closed: its request body goes on after the answer", self.client)
            self.transport.close()

    def _stop_timer(self) -> None:
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None

    def _drop(self) -> None:
        log.warning("a connection from %s was closed: it has stopped reading its response", self.client)
        self.transport.abort()  # close() would wait until everything is sent


class LimitedH11Protocol(LimitedConnection, H11Protocol):
    """uvicorn's slower parser, which limits the head of a request and waiting requests by itself."""

    def _has_unread_body(self) -> bool:
        return bool(self.cycle.response_complete) and self.conn.their_state is h11.SEND_BODY


class TooManyPipelinedRequests(Exception):
    """A client has sent more than `MAX_PIPELINED_REQUESTS` without waiting for answers."""


class BoundedHttpToolsProtocol(LimitedConnection, HttpToolsProtocol):
    """uvicorn's faster parser, which reads request lines, headers, trailers and further requests without end.

    Closes a connection where one of these is larger than `MAX_HEAD_BYTES`, or where more than `MAX_PIPELINED_REQUESTS`
    wait. h11 costs 0.1 ms of CPU more for each request (measured).
    """

    _unfinished_bytes = 0
    """Bytes received since the last complete head or piece of a body."""

    def data_received(self, data: bytes) -> None:
        self._unfinished_bytes += len(data)
        super().data_received(data)
        if self._unfinished_bytes > MAX_HEAD_BYTES and not self.transport.is_closing():
            self._refuse()

    def on_message_begin(self) -> None:
        if len(self.pipeline) > MAX_PIPELINED_REQUESTS:
            raise TooManyPipelinedRequests  # ends the parser: uvicorn answers 400 and closes the connection
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._unfinished_bytes = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._unfinished_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._unfinished_bytes = 0
        super().on_message_complete()
        if self.cycle is not None and self.cycle.response_complete:
            self.cycle.more_body = False  # uvicorn leaves it as it was

    def _has_unread_body(self) -> bool:
        return bool(self.cycle.response_complete and self.cycle.more_body)

    def _refuse(self) -> None:
        log.warning("a connection from %s was closed: its request head is too large", self.client)
        if self.cycle is None or self.cycle.response_complete:
            self.transport.write(_TOO_LARGE)
        self.transport.close()


def limit_connections() -> None:
    """Make uvicorn's parsers create connections with these limits, for as many as the open files allow."""
    LimitedConnection.connection_limit = ConnectionLimit(_most_connections())
    _create_instead(HttpToolsProtocol, BoundedHttpToolsProtocol)
    _create_instead(H11Protocol, LimitedH11Protocol)


def _create_instead(parser: type, limited: type) -> None:
    def new(cls: type, *_: Any, **__: Any) -> Any:
        return object.__new__(limited if cls is parser else cls)

    parser.__new__ = new  # type: ignore[assignment]


def _finite(files: int) -> int:
    """The limit as far as it is needed; the system gives "unlimited" as a negative number or a very large one."""
    return min(files, 2 * MAX_CONNECTIONS) if files >= 0 else 2 * MAX_CONNECTIONS


def _most_connections() -> int:
    """Half of the files that may be open, after this process's own limit was raised as far as the system lets it."""
    if sys.platform == "win32":
        return DEFAULT_CONNECTIONS
    import resource  # noqa: PLC0415 (not on Windows)

    soft, hard = map(_finite, resource.getrlimit(resource.RLIMIT_NOFILE))
    if soft < hard:
        with suppress(ValueError, OSError):  # macOS refuses what is above a limit of its kernel
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
            soft = hard
    return soft // 2
