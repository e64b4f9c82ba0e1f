"""Programs on a core of their own, and what they cost.

The server that is measured has the first core to itself; the vendor and the load
share the last. CPU time is what counts: it stays true on a machine that does other things.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Self

import httpx
import psutil

from tests.support.servers import free_port

ROOT = Path(__file__).parent.parent.parent
CORES = sorted(os.sched_getaffinity(0))
SERVER_CORE = CORES[0]
LOAD_CORE = CORES[-1]
START_SECONDS = 30.0
MEGABYTE = 1024 * 1024


class Program:
    """A running program."""

    def __init__(self, command: list[str], core: int, **environment: str) -> None:
        variables = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)} | environment
        self.started_at = time.perf_counter()
        self._popen = subprocess.Popen(
            [sys.executable, *command], cwd=ROOT, env=variables, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self._process = psutil.Process(self._popen.pid)
        os.sched_setaffinity(self._popen.pid, {core})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._popen.kill()
        self._popen.wait()

    def cpu_seconds(self) -> float:
        times = self._process.cpu_times()
        return float(times.user + times.system)

    def rss_megabytes(self) -> float:
        return float(self._process.memory_info().rss) / MEGABYTE

    def wait_for(self, url: str) -> float:
        """Seconds from its start until this address answers 200."""
        while self._popen.poll() is None and time.perf_counter() - self.started_at < START_SECONDS:
            try:
                if httpx.get(url).status_code == 200:
                    return time.perf_counter() - self.started_at
            except httpx.TransportError:
                time.sleep(0.01)
        raise RuntimeError(f"{url} does not answer")


@contextmanager
def running_vendor() -> Iterator[str]:
    """The fake model, at this URL."""
    port = free_port()
    with Program(["-m", "scripts.benchmarks.vendor", str(port)], LOAD_CORE):
        _wait_for_port(port)
        yield f"http://127.0.0.1:{port}"


class Service(NamedTuple):
    """The real service, with one room that has a briefing."""

    program: Program
    url: str
    room_path: str


@contextmanager
def running_service(vendor_url: str, way: str, briefing: Mapping[str, Any]) -> Iterator[Service]:
    """The real service, whose model answers in this way."""
    environment = {
        "OPENROUTER_BASE_URL": f"{vendor_url}/{way}",
        "OPENROUTER_API_KEY": "key",
        "DAILY_API_URL": f"{vendor_url}/daily",
        "DAILY_API_KEY": "key",
        "RATE_LIMIT_DEFAULT": "100000000/minute",
        "RATE_LIMIT_LLM": "100000000/minute",
        "MODEL_BUDGET": "0",
        "STORAGE_BUDGET": "0",
    }
    with _uvicorn("main:app", "/health/ready", **environment) as (program, url):
        opened = httpx.post(f"{url}/api/rooms", json={"interviewer_name": "Ada"}).raise_for_status()
        path = f"/api/rooms/{opened.json()['room_name']}"
        httpx.post(f"{url}{path}/briefing", json=briefing).raise_for_status()
        yield Service(program, url, path)


@contextmanager
def running_baselines(vendor_url: str) -> Iterator[tuple[Program, str]]:
    """What the service is compared with."""
    with _uvicorn("scripts.benchmarks.baselines:app", "/ready", VENDOR_URL=vendor_url) as found:
        yield found


@contextmanager
def _uvicorn(app: str, ready: str, **environment: str) -> Iterator[tuple[Program, str]]:
    port = free_port()
    command = ["-m", "uvicorn", app, "--port", str(port)]
    with Program(command, SERVER_CORE, **environment) as program:
        url = f"http://127.0.0.1:{port}"
        program.wait_for(url + ready)
        yield program, url


def _wait_for_port(port: int) -> None:
    ends = time.monotonic() + START_SECONDS
    while time.monotonic() < ends:
        try:
            httpx.get(f"http://127.0.0.1:{port}/", timeout=0.2)
        except httpx.ConnectError:
            time.sleep(0.02)
        except httpx.HTTPError:
            return
