"""A raw HTTP/1.1 server that can break the protocol, which HTTP libraries do not allow."""

import asyncio
import contextlib
import json
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

HANG_SECONDS = 3600.0
"""How long a hanging vendor waits for the caller to disconnect: longer than any test waits."""


class Request(NamedTuple):
    """One request, read whole."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Connection:
    """The vendor's side of one connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    is_done: bool = False
    """No further request is read."""

    async def send(self, content: bytes) -> None:
        self.writer.write(content)
        await self.writer.drain()

    async def answer(self, content: bytes, status: int = 200, **headers: str) -> None:
        """Send a whole response. Underscores in names of headers become hyphens."""
        await self.send(head(status, {"content-length": str(len(content)), **headers}) + content)

    async def begin_stream(self, content_type: str = "text/event-stream") -> None:
        await self.send(head(200, {"content-type": content_type, "transfer-encoding": "chunked"}))

    async def send_chunk(self, content: bytes) -> None:
        await self.send(b"%x\r\n%b\r\n" % (len(content), content))

    async def end_stream(self) -> None:
        await self.send(b"0\r\n\r\n")

    def cut(self) -> None:
        """Close the connection in the middle of a response."""
        self.is_done = True

    def reset(self) -> None:
        """Reset the connection, as a crashing machine does."""
        self.is_done = True
        self.writer.transport.abort()

    async def is_closed_within(self, seconds: float) -> bool:
        """Whether the caller closes the connection within this time."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while await self.reader.read(65536):
                    pass
                self.is_done = True
        return self.is_done

    async def hang(self) -> None:
        """Send nothing until the caller closes the connection."""
        await self.is_closed_within(HANG_SECONDS)
        self.is_done = True


Behaviour = Callable[[Connection, Request], Awaitable[None]]


def head(status: int, headers: Mapping[str, str]) -> bytes:
    """The status line and headers of a response."""
    named = {"content-type": "application/json"} | {name.replace("_", "-"): value for name, value in headers.items()}
    lines = "".join(f"{name}: {value}\r\n" for name, value in named.items())
    return f"HTTP/1.1 {status} Status\r\n{lines}\r\n".encode()


@dataclass
class FakeVendor:
    """Listens on a free port and answers as `behave` does; `calls` are the requests that it read."""

    behave: Behaviour
    certificate: ssl.SSLContext | None = None
    calls: list[Request] = field(default_factory=list)
    connections: int = 0
    """The number of connections opened so far."""
    busy: int = 0
    """The number of requests being answered."""
    port: int = 0
    _server: asyncio.Server | None = None
    _holder: socket.socket | None = None
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"{'https' if self.certificate else 'http'}://127.0.0.1:{self.port}"

    async def open(self) -> None:
        """Listen: on the same port again after `refuse`."""
        if self._holder is not None:
            self._holder.close()
            self._holder = None
        self._server = await asyncio.start_server(
            self._serve, "127.0.0.1", self.port, ssl=self.certificate, backlog=2048
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def refuse(self) -> None:
        """Refuse connections; the port stays reserved."""
        await self.close()
        self._holder = socket.socket()
        self._holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._holder.bind(("127.0.0.1", self.port))

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
            for writer in tuple(self._writers):
                writer.transport.abort()
            await self._server.wait_closed()
            self._server = None
        if self._holder is not None:
            self._holder.close()
            self._holder = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        self.connections += 1
        connection = Connection(reader, writer)
        try:
            while not connection.is_done:
                request = await _read(reader)
                self.calls.append(request)
                await self._answer(connection, request)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _answer(self, connection: Connection, request: Request) -> None:
        self.busy += 1
        try:
            await self.behave(connection, request)
        finally:
            self.busy -= 1


async def _read(reader: asyncio.StreamReader) -> Request:
    lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    method, path, _ = lines[0].split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:] if line)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Request(method, path, headers, body)
