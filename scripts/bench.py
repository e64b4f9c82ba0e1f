"""Measures the speed of the service, beside baselines measured in the same run: `make bench`.

Figures are CPU time of the server process, which has a core to itself; the
load and the fake vendor share another. Names as arguments choose sections:
`python scripts/bench.py chat streams`.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from scripts.benchmarks import briefing, chat, debrief, hostile, others, starting, streams  # noqa: E402 (needs the path above)
from scripts.benchmarks.processes import LOAD_CORE, running_vendor  # noqa: E402
from scripts.benchmarks.table import Line, show  # noqa: E402

SECTIONS: dict[str, tuple[str, Callable[[str], list[Line]]]] = {
    "chat": (
        "Chat, 32 calls in flight, a vendor that answers immediately",
        lambda url: chat.bench(url, "instant", in_flight=32, answers=4000),
    ),
    "wide": (
        "Chat, 256 calls in flight, a vendor that takes 0.5 s",
        lambda url: chat.bench(url, "slow", in_flight=256, answers=4000),
    ),
    "briefing": ("Reading a briefing, 32 calls in flight", briefing.bench),
    "streams": (f"{streams.STREAMS} chat streams at once, 20 chunks a second each", streams.bench),
    "debrief": ("Debrief of a two-hour transcript", debrief.bench),
    "hostile": (
        f"Beside a caller that sends the slowest inputs, {hostile.HOSTILE_CALLS_AT_ONCE} at once",
        hostile.bench,
    ),
    "start": ("Start, and memory when idle", starting.bench),
}


def main() -> None:
    """Print one table for each chosen section."""
    wanted = sys.argv[1:] or [*SECTIONS, *others.PROGRAMS]
    os.sched_setaffinity(0, {LOAD_CORE})
    with running_vendor() as vendor_url:
        for name in wanted:
            if name in SECTIONS:
                title, bench = SECTIONS[name]
                show(title, bench(vendor_url))
    for name in wanted:
        if name in others.PROGRAMS:
            others.run(name)


if __name__ == "__main__":
    main()
