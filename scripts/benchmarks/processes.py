"""Programs on a core of their own, and what they cost.

The measured server has the first core to itself; the fake vendor and the load
share the last. Costs are CPU time, which other programs on the machine affect little.
"""

import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Self

import httpx
import psutil

from tests.support.processes import ChildProcess
from tests.support.waiting import wait_until

ROOT = Path(__file__).parent.parent.parent
CORES = sorted(os.sched_getaffinity(0))
SERVER_CORE = CORES[0]
LOAD_CORE = CORES[-1]
MEGABYTE = 1024 * 1024


class Program:
    """A running Python program that listens on a port which the system chooses. Leaving the `with` block kills it."""

    def __init__(self, arguments: list[str], core: int, **environment: str) -> None:
        variables = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)} | environment
        self._started_at = time.perf_counter()
        self._child = ChildProcess(
            [sys.executable, *arguments], directory=ROOT, output=Path(os.devnull), environment=variables
        )
        self._process = psutil.Process(self._child.pid)
        os.sched_setaffinity(self._child.pid, {core})
        self.url = ""
        self.start_seconds = 0.0
        """Seconds from the start until it was ready."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._child.kill()

    def cpu_seconds(self) -> float:
        times = self._process.cpu_times()
        return float(times.user + times.system)

    def rss_megabytes(self) -> float:
        return float(self._process.memory_info().rss) / MEGABYTE

    def wait_until_listening(self) -> None:
        """Return when it accepts connections; `url` is known then."""
        wait_until(lambda: self._child.listening_port or not self._child.is_running, "the program listens")
        self.url = f"http://127.0.0.1:{self._child.listening_port}"

    def wait_until_ready(self, path: str) -> None:
        """Return when a GET of this path is answered with 200; `url` and `start_seconds` are known then."""
        self.wait_until_listening()
        wait_until(lambda: self._is_ready(path), f"{path} is answered with 200")
        self.start_seconds = time.perf_counter() - self._started_at

    def _is_ready(self, path: str) -> bool:
        try:
            return httpx.get(self.url + path).status_code == 200
        except httpx.TransportError:
            return False


@contextmanager
def running_vendor() -> Iterator[str]:
    """The URL of the running fake vendor."""
    with Program(["-m", "scripts.benchmarks.vendor"], LOAD_CORE) as program:
        program.wait_until_listening()
        yield program.url


@contextmanager
def running_app(app: str, ready: str, **environment: str) -> Iterator[Program]:
    """uvicorn with this app. `ready` is a path that is answered with 200 once it is ready."""
    with Program(["-m", "uvicorn", app, "--port", "0"], SERVER_CORE, **environment) as program:
        program.wait_until_ready(ready)
        yield program


class Service(NamedTuple):
    """The running service, with one room that has a briefing."""

    program: Program
    room_path: str


@contextmanager
def running_service(
    vendor_url: str,
    mode: str,
    briefing: Mapping[str, Any],
    *,
    headers: Mapping[str, str] | None = None,
    **settings: str,
) -> Iterator[Service]:
    """The service, with a language model in this mode of the fake vendor."""
    environment = {
        "OPENROUTER_BASE_URL": f"{vendor_url}/{mode}",
        "OPENROUTER_API_KEY": "key",
        "DAILY_API_URL": f"{vendor_url}/daily",
        "DAILY_API_KEY": "key",
        "RATE_LIMIT_DEFAULT": "100000000/minute",
        "RATE_LIMIT_LLM": "100000000/minute",
        "MODEL_BUDGET": "0",
        "STORAGE_BUDGET": "0",
    } | settings
    with running_app("main:app", "/health/ready", **environment) as program:
        with httpx.Client(base_url=program.url, headers=headers) as client:
            opened = client.post("/api/rooms", json={"interviewer_name": "Ada"}).raise_for_status()
            path = f"/api/rooms/{opened.json()['room_name']}"
            client.post(f"{path}/briefing", json=briefing).raise_for_status()
        yield Service(program, path)


@contextmanager
def running_baselines(vendor_url: str) -> Iterator[Program]:
    """The app of `scripts.benchmarks.baselines`."""
    with running_app("scripts.benchmarks.baselines:app", "/ready", VENDOR_URL=vendor_url) as program:
        yield program
