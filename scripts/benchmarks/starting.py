"""From the command to the first answer, and what a service that does nothing holds."""

import time

from scripts.benchmarks.processes import SERVER_CORE, Program
from scripts.benchmarks.table import Line, below
from tests.support.servers import free_port

STARTS = 3
SETTLE_SECONDS = 1.0
MOST_SECONDS = 1.5
MOST_MEGABYTES = 120


def bench(vendor_url: str) -> list[Line]:
    """The best of some starts, beside an app that has nothing but FastAPI, aiohttp and httpx."""
    bare = min(_start("scripts.benchmarks.baselines:app", "/ready", vendor_url)[0] for _ in range(STARTS))
    starts = [_start("main:app", "/health/ready", vendor_url) for _ in range(STARTS)]
    return [
        Line("bare FastAPI with aiohttp and httpx, start to ready", f"{bare:.2f} s"),
        below("this service, start to ready", min(start[0] for start in starts), MOST_SECONDS, "s"),
        below("this service, idle RSS", max(start[1] for start in starts), MOST_MEGABYTES, "MB"),
    ]


def _start(app: str, ready: str, vendor_url: str) -> tuple[float, float]:
    port = free_port()
    command = ["-m", "uvicorn", app, "--port", str(port)]
    with Program(command, SERVER_CORE, VENDOR_URL=vendor_url) as program:
        seconds = program.wait_for(f"http://127.0.0.1:{port}{ready}")
        time.sleep(SETTLE_SECONDS)
        return seconds, program.rss_megabytes()
