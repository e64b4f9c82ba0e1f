"""The service as a process of its own, as `make run` starts it, with every vendor at one address."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.support.keys import KEYS, URL_SETTINGS
from tests.support.servers import free_port

ROOT = Path(__file__).parent.parent.parent
START_SECONDS = 30.0


@dataclass(frozen=True)
class Process:
    """A running service."""

    url: str
    popen: subprocess.Popen[bytes]
    log_file: Path

    @property
    def log(self) -> str:
        return self.log_file.read_text()


@contextmanager
def service_process(vendor_url: str, folder: Path, *options: str, **environment: str) -> Iterator[Process]:
    """Start it, wait until it is ready, and kill it in the end should it still run."""
    port = free_port()
    urls = {name.upper(): f"{vendor_url}/{vendor}" for vendor, name in URL_SETTINGS.items()}
    keys = {name.upper(): value for name, value in KEYS.items()}
    limits = {"RATE_LIMIT_DEFAULT": "1000000/minute", "RATE_LIMIT_LLM": "1000000/minute", "PHONE_BUDGET": "0"}
    variables = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)} | keys | urls | limits | environment
    log_file = folder / "service.log"
    command = [sys.executable, "-m", "uvicorn", "main:app", "--port", str(port), "--timeout-graceful-shutdown", "10"]
    with log_file.open("wb") as output:
        popen = subprocess.Popen([*command, *options], cwd=folder, env=variables, stdout=output, stderr=output)
    process = Process(f"http://127.0.0.1:{port}", popen, log_file)
    try:
        _wait_until_ready(process)
        yield process
    finally:
        popen.kill()
        popen.wait()


def _wait_until_ready(process: Process) -> None:
    ends = time.monotonic() + START_SECONDS
    while time.monotonic() < ends and process.popen.poll() is None:
        try:
            if httpx.get(f"{process.url}/health/ready").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    raise RuntimeError(f"the service did not start: {process.log[-2000:]}")
