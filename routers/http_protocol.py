"""Limits that uvicorn lacks: of the head of a request, of clients that stop reading, of connections at once.

uvicorn chooses its HTTP parser before it imports `main:app`, and has no options for these limits. So
`limit_connections` changes what its parsers create, and every way to start uvicorn has them.
"""

import asyncio
import logging
import sys
from contextlib import suppress
from typing import Any, ClassVar

from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

log = logging.getLogger(__name__)

MAX_HEAD_BYTES = 64 * 1024
"""As uvicorn's h11. Browsers and proxies send a few KiB."""
STALLED_SECONDS = 60.0
"""A client that reads nothing for this long, while more than the buffers hold waits for it, is disconnected."""
MAX_CONNECTIONS = 10_000
"""At most: half of the files that the process may open. Vendors, the database and files need the others."""
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
    connections: set[Any]
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

    def _stop_timer(self) -> None:
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None

    def _drop(self) -> None:
        log.warning("a connection from %s was closed: it has stopped reading its response", self.client)
        self.transport.abort()  # close() would wait until everything is sent


class LimitedH11Protocol(LimitedConnection, H11Protocol):
    """uvicorn's slower parser, which limits the head of a request by itself."""


class BoundedHttpToolsProtocol(LimitedConnection, HttpToolsProtocol):
    """uvicorn's faster parser, which reads request lines, headers and trailers without end.

    Closes a connection where one of these is larger than `MAX_HEAD_BYTES`. h11 costs 0.1 ms of CPU more for each
    request (measured).
    """

    _unfinished_bytes = 0
    """Bytes received since the last complete head or piece of a body."""

    def data_received(self, data: bytes) -> None:
        self._unfinished_bytes += len(data)
        super().data_received(data)
        if self._unfinished_bytes > MAX_HEAD_BYTES and not self.transport.is_closing():
            self._refuse()

    def on_headers_complete(self) -> None:
        self._unfinished_bytes = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._unfinished_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._unfinished_bytes = 0
        super().on_message_complete()

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
