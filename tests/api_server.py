"""The service as it is run: uvicorn on a free port, in a process of its own, with settings of its own."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.servers import free_port

ROOT = Path(__file__).parent.parent
START_SECONDS = 30


def own_environment(**settings: str) -> dict[str, str]:
    """Nothing of the machine's own settings, and a terminal of known width."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    return kept | {"PYTHONUTF8": "1", "COLUMNS": "80"} | settings


@contextmanager
def api_server(directory: Path, *flags: str, **settings: str) -> Iterator[str]:
    """The address of a running service; `log` in the directory holds what it said."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "main:app", "--app-dir", str(ROOT), "--port", str(port), *flags]
    with (directory / "log").open("ab") as log:
        server = subprocess.Popen(command, cwd=directory, env=own_environment(**settings), stdout=log, stderr=log)
    try:
        _wait_for(f"http://127.0.0.1:{port}", server, directory)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(START_SECONDS)


def _wait_for(url: str, server: subprocess.Popen[bytes], directory: Path) -> None:
    ends = time.monotonic() + START_SECONDS
    while time.monotonic() < ends and server.poll() is None:
        try:
            httpx.get(f"{url}/health", trust_env=False).raise_for_status()
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"The service did not start: {(directory / 'log').read_text()[-500:]}")
