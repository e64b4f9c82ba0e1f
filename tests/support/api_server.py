"""The service as it is run: uvicorn on a port that the system chooses, in a process and with settings of its own."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.keys import KEEP_ALIVE_SECONDS
from tests.support.processes import ChildProcess
from tests.support.waiting import wait_until

ROOT = Path(__file__).parent.parent.parent


def own_environment(**settings: str) -> dict[str, str]:
    """These settings and none of the machine's own, and a terminal of known width."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    return kept | {"PYTHONUTF8": "1", "COLUMNS": "80"} | settings


@dataclass
class ApiServer:
    """The service in a process of its own. The file `log` in its directory has its output."""

    directory: Path
    process: ChildProcess
    url: str = ""
    """Known once it is ready."""

    @property
    def log(self) -> str:
        return (self.directory / "log").read_text()

    def stop(self) -> int:
        """Stop it gracefully; returns its exit code."""
        return self.process.stop()

    def kill(self) -> None:
        """End it and its workers as a power cut would."""
        self.process.kill()

    def wait_until_ready(self, workers: int = 1) -> None:
        """Return when all its workers serve. Raises RuntimeError, with the end of its log, where it ends instead."""
        wait_until(lambda: self._is_ready(workers) or not self.process.is_running, "the service is ready")
        if not self.process.is_running:
            raise RuntimeError(f"The service did not start: {self.log[-2000:]}")

    def _is_ready(self, workers: int) -> bool:
        """One process listens once it has started; of several, the parent listens before any of them has."""
        port = self.process.listening_port
        if port is None or (workers > 1 and self.log.count("Application startup complete") < workers):
            return False
        self.url = f"http://127.0.0.1:{port}"
        return True


@contextmanager
def starting_api(directory: Path, *flags: str, **settings: str) -> Iterator[ApiServer]:
    """A service that was just started: the caller waits until it is ready, or until it ends."""
    command = [sys.executable, "-m", "uvicorn", "main:app", "--app-dir", str(ROOT), "--port", "0"]
    command += ["--timeout-keep-alive", str(KEEP_ALIVE_SECONDS), *flags]
    environment = own_environment(**settings)
    with ChildProcess(command, directory=directory, output=directory / "log", environment=environment) as process:
        server = ApiServer(directory, process)
        yield server
        server.stop()


@contextmanager
def running_api(directory: Path, *flags: str, workers: int = 1, **settings: str) -> Iterator[ApiServer]:
    """A service that serves."""
    if workers > 1:
        flags = ("--workers", str(workers), *flags)
    with starting_api(directory, *flags, **settings) as server:
        server.wait_until_ready(workers)
        yield server


@contextmanager
def api_server(directory: Path, *flags: str, **settings: str) -> Iterator[str]:
    """The address of a service that serves; the file `log` in the directory has its output."""
    with running_api(directory, *flags, workers=1, **settings) as server:
        yield server.url
