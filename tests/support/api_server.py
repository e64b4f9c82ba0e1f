"""The service as it is run: uvicorn on a free port, in a process of its own, with settings of its own."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.support.servers import free_port

ROOT = Path(__file__).parent.parent.parent
START_SECONDS = 30


def own_environment(**settings: str) -> dict[str, str]:
    """Nothing of the machine's own settings, and a terminal of known width."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    return kept | {"PYTHONUTF8": "1", "COLUMNS": "80"} | settings


@dataclass
class ApiServer:
    """A running service. `log` in its directory holds what it said."""

    url: str
    directory: Path
    process: subprocess.Popen[bytes]

    @property
    def log(self) -> str:
        return (self.directory / "log").read_text()

    def stop(self) -> None:
        """End it in good order."""
        self.process.terminate()
        self.process.wait(START_SECONDS)

    def kill(self) -> None:
        """End it as a power cut would. Workers that it started live on."""
        self.process.kill()
        self.process.wait(START_SECONDS)

    def wait_until_ready(self, workers: int) -> None:
        ends = time.monotonic() + START_SECONDS
        while time.monotonic() < ends and self.process.poll() is None:
            if self._answers() and (workers == 1 or self.log.count("Application startup complete") == workers):
                return
            time.sleep(0.05)
        raise RuntimeError(f"The service did not start: {self.log[-500:]}")

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/health", trust_env=False).is_success
        except httpx.TransportError:
            return False


def start_api(directory: Path, *flags: str, **settings: str) -> ApiServer:
    """A service that is starting."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "main:app", "--app-dir", str(ROOT), "--port", str(port), *flags]
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=directory, env=own_environment(**settings), stdout=log, stderr=log)
    return ApiServer(f"http://127.0.0.1:{port}", directory, process)


@contextmanager
def running(server: ApiServer, workers: int = 1) -> Iterator[ApiServer]:
    """Wait until it answers, and stop it on leaving."""
    try:
        server.wait_until_ready(workers)
        yield server
    finally:
        server.stop()


@contextmanager
def api_server(directory: Path, *flags: str, **settings: str) -> Iterator[str]:
    """The address of a running service; `log` in the directory holds what it said."""
    with running(start_api(directory, *flags, **settings)) as server:
        yield server.url
