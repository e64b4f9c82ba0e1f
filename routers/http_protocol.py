"""uvicorn's HTTP parser with a limit on the head of a request.

    uvicorn main:app --http routers.http_protocol:BoundedHttpToolsProtocol

uvicorn's fast parser (httptools) reads request lines, headers and trailers of any size: one connection can fill the
memory. Its other parser, h11, has a limit, and costs 0.1 ms of CPU more for each request (measured).
"""

import logging

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

log = logging.getLogger(__name__)

MAX_HEAD_BYTES = 64 * 1024
"""The limit that uvicorn has with h11. Browsers and proxies send a few KiB."""

_REFUSAL = b"HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class BoundedHttpToolsProtocol(HttpToolsProtocol):
    """Closes a connection whose request line, headers or trailers are larger than `MAX_HEAD_BYTES`."""

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
            self.transport.write(_REFUSAL)
        self.transport.close()
