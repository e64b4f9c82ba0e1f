"""A loopback HTTP server whose responses a function computes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import httpx

Handler = Callable[[httpx.Request], httpx.Response]
"""Called in a thread of each request's own."""
POLL_SECONDS = 0.05
"""How long shutting down may take; the default is half a second."""


class _Server(ThreadingHTTPServer):
    request_queue_size = 128

    def __init__(self, handle: Handler) -> None:
        super().__init__(("127.0.0.1", 0), _Exchange)
        self.handle = handle


class _Exchange(BaseHTTPRequestHandler):
    """One request and its response."""

    server: _Server

    def do_GET(self) -> None:
        url = f"http://127.0.0.1:{self.server.server_port}{self.path}"
        content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        request = httpx.Request(self.command, url, headers=self.headers.items(), content=content)
        self._send(self.server.handle(request))

    do_POST = do_DELETE = do_OPTIONS = do_GET  # noqa: N815 (the names that the standard library looks up)

    def _send(self, response: httpx.Response) -> None:
        content = response.read()
        self.send_response(response.status_code)
        for name, value in {"content-length": str(len(content)), **response.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Tests record what they need."""


@contextmanager
def http_server(handle: Handler) -> Iterator[str]:
    """Serve on a free loopback port; gives the base URL, without a slash at its end."""
    with _Server(handle) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": POLL_SECONDS})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
