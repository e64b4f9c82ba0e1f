"""Time from start to ready, and memory of an idle service."""

import time

from scripts.benchmarks.processes import running_app
from scripts.benchmarks.table import Line, below

STARTS = 3
SETTLE_SECONDS = 1.0
MOST_SECONDS = 1.5
MOST_MEGABYTES = 120


def bench(vendor_url: str) -> list[Line]:
    """The best of several starts, beside an app of nothing but FastAPI, aiohttp and httpx."""
    bare = min(_start("scripts.benchmarks.baselines:app", "/ready", vendor_url)[0] for _ in range(STARTS))
    starts = [_start("main:app", "/health/ready", vendor_url) for _ in range(STARTS)]
    return [
        Line("bare FastAPI with aiohttp and httpx, start to ready", f"{bare:.2f} s"),
        below("this service, start to ready", min(start[0] for start in starts), MOST_SECONDS, "s"),
        below("this service, idle RSS", max(start[1] for start in starts), MOST_MEGABYTES, "MB"),
    ]


def _start(app: str, ready: str, vendor_url: str) -> tuple[float, float]:
    """Seconds from start to ready, and megabytes some time later."""
    with running_app(app, ready, VENDOR_URL=vendor_url) as program:
        time.sleep(SETTLE_SECONDS)
        return program.start_seconds, program.rss_megabytes()
