"""A forward proxy as a process of its own: `python -m tests.support.forward_proxy [user:password]`.

It resolves every name to loopback, prints its port in its first line, and then one line for each request: method and
target, and `denied` where the credentials are missing.
"""

import asyncio
import contextlib
import sys
import tempfile
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tests.support.processes import ChildProcess
from tests.support.waiting import wait_until

ROOT = Path(__file__).parent.parent.parent


@dataclass
class ForwardProxy:
    """A running proxy."""

    port: int
    _process: ChildProcess
    _output: Path

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def stop(self) -> list[str]:
        """End it, and return its lines."""
        self._process.stop()
        return self._output.read_text().splitlines()[1:]


@contextmanager
def forward_proxy(credentials: str = "") -> Iterator[ForwardProxy]:
    """Start the proxy, and end it when the block is left."""
    command = [sys.executable, "-m", "tests.support.forward_proxy", *([credentials] if credentials else [])]
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "output"
        with ChildProcess(command, directory=ROOT, output=output) as process:
            wait_until(lambda: "\n" in output.read_text() or not process.is_running, "the proxy prints its port")
            yield ForwardProxy(int(output.read_text().splitlines()[0]), process, output)


async def _serve(credentials: str) -> None:
    wanted = f"proxy-authorization: basic {b64encode(credentials.encode()).decode()}".lower() if credentials else ""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError), contextlib.closing(writer):
            await _forward(reader, writer, wanted)

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    _write_line(server.sockets[0].getsockname()[1])
    await server.serve_forever()


async def _forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, wanted: str) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    method, target, _ = head.split(b"\r\n", 1)[0].decode().split(" ")
    is_denied = wanted not in head.decode().lower()
    _write_line(method, target, *(["denied"] if is_denied else []))
    if is_denied:
        writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
        return
    url = urlsplit(f"//{target}" if method == "CONNECT" else target)
    vendor_reader, vendor_writer = await asyncio.open_connection("127.0.0.1", url.port)
    if method == "CONNECT":
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
    else:
        path = f"{url.path}?{url.query}" if url.query else url.path
        vendor_writer.write(head.replace(target.encode(), path.encode(), 1))
    await asyncio.gather(_copy(reader, vendor_writer), _copy(vendor_reader, writer))


def _write_line(*words: object) -> None:
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError), contextlib.closing(writer):
        while content := await reader.read(65536):
            writer.write(content)
            await writer.drain()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(sys.argv[1] if len(sys.argv) > 1 else ""))
