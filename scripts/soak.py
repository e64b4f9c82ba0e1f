"""Minutes of mixed load with random faults against the real service, PostgreSQL and Redis: `make soak`.

Several workers, vendors that misbehave at random, callers who leave, and one
worker killed on the way. In the end every acknowledged write must be there,
every answer must have been in the contract, and nothing may be left over.
`SOAK_SECONDS`, or the first argument, says how long: 300 by default.
"""

import asyncio
import os
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import httpx  # noqa: E402 (needs the path above, as do the next)

from scripts.soaking.contract import Contract  # noqa: E402
from scripts.soaking.machine import Workers  # noqa: E402
from scripts.soaking.vendor import behave  # noqa: E402
from scripts.soaking.visitors import Diary, Visitor  # noqa: E402
from tests.faults.process import Process, service_process  # noqa: E402
from tests.faults.wire import FakeVendor  # noqa: E402
from tests.support.servers import postgresql, redis_server  # noqa: E402

WORKERS = 3
VISITORS = 12
KILLED_AFTER = 0.3
"""A worker is killed this far into the run."""
RECOVERY_SECONDS = 10.0
"""For how long after that a call may get no answer."""
QUIET_SECONDS = 8.0
MOST_GROWTH = 0.10


def main() -> int:
    """Run it, and say what is wrong."""
    seconds = float(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("SOAK_SECONDS", "300"))
    with postgresql() as database, redis_server() as redis, tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(_soak(seconds, database.url, redis.url, Path(folder)))
    for fault, times in Counter(found).most_common(20):
        print(f"WRONG ({times}x): {fault}")
    print("soaked well" if not found else f"{len(found)} things are wrong")
    return 1 if found else 0


async def _soak(seconds: float, database_url: str, redis_url: str, folder: Path) -> list[str]:
    vendor = FakeVendor(behave)
    await vendor.open()
    environment = {
        "DATABASE_URL": database_url,
        "RATE_LIMIT_STORAGE_URL": redis_url,
        "UPSTREAM_TIMEOUT_SECONDS": "2",
        "LLM_TIMEOUT_SECONDS": "4",
        "LLM_IDLE_TIMEOUT_SECONDS": "1",
        "MODEL_BUDGET": "0",
        "PHONE_BUDGET": "0",
        "STORAGE_BUDGET": "0",
    }
    starting = _started(vendor.url, folder, environment)
    service = await asyncio.to_thread(starting.__enter__)
    try:
        return await _run(seconds, service, vendor)
    finally:
        await asyncio.to_thread(starting.__exit__, None, None, None)
        await vendor.close()


@contextmanager
def _started(vendor_url: str, folder: Path, environment: dict[str, str]) -> Iterator[Process]:
    with service_process(vendor_url, folder, "--workers", str(WORKERS), **environment) as service:
        yield service


async def _run(seconds: float, service: Process, vendor: FakeVendor) -> list[str]:
    diary, workers = Diary(), Workers(service.popen.pid)
    async with httpx.AsyncClient(base_url=service.url, timeout=60) as client:
        contract = Contract((await client.get("/openapi.json")).json())
        begun = time.monotonic()
        ends = begun + seconds
        sampling = asyncio.create_task(_sample(workers))
        visits = [asyncio.create_task(Visitor(client, contract, diary).visit(ends)) for _ in range(VISITORS)]
        await asyncio.sleep(seconds * KILLED_AFTER)
        killed_at = time.monotonic()
        print(f"worker {workers.kill_one()} killed after {seconds * KILLED_AFTER:.0f} s", flush=True)
        await asyncio.gather(*visits)
        sampling.cancel()
        found = await _check_promises(Visitor(client, contract, diary), diary)
    found += [f"no answer {at - killed_at:.0f} s after the kill" for at in diary.lost if _is_unexplained(at, killed_at)]
    found += await _check_quiet(service, vendor, workers)
    growth = workers.growth(begun + seconds / 2, ends)
    if growth > MOST_GROWTH:
        found.append(f"memory grew by {growth:.0%} in the second half")
    _tell(diary, workers, growth)
    return found + await _check_end(service)


async def _sample(workers: Workers) -> None:
    while True:
        await asyncio.to_thread(workers.sample)
        await asyncio.sleep(0.5)


async def _check_promises(visitor: Visitor, diary: Diary) -> list[str]:
    for promise in diary.rooms:
        await visitor.check(promise)
    for name in diary.erased:
        await visitor.check_erased(name)
    return diary.faults


def _is_unexplained(at: float, killed_at: float) -> bool:
    return not killed_at - 1 <= at <= killed_at + RECOVERY_SECONDS


async def _check_quiet(service: Process, vendor: FakeVendor, workers: Workers) -> list[str]:
    """Nothing is under way any more, and nobody is missing."""
    ends = time.monotonic() + QUIET_SECONDS
    while vendor.busy and time.monotonic() < ends:  # noqa: ASYNC110 (the vendor only counts)
        await asyncio.sleep(0.1)
    found = [f"{vendor.busy} vendor calls are still running"] if vendor.busy else []
    if len(workers.processes()) != WORKERS:
        found.append(f"{len(workers.processes())} of {WORKERS} workers are left")
    if service.popen.poll() is not None:
        found.append("the service has ended")
    return found


async def _check_end(service: Process) -> list[str]:
    """A stop in good order: no call was left running, nothing was wrong in the log."""
    service.popen.send_signal(signal.SIGTERM)
    status = await asyncio.to_thread(service.popen.wait, 30)
    found = [f"exit code {status}"] if status else []
    found += [
        line for line in service.log.splitlines() if "shutting down:" in line and "shutting down: 0 running" not in line
    ]
    if "Traceback" in service.log:
        found.append("a traceback in the log: " + service.log[service.log.index("Traceback") :][:2000])
    return found


def _tell(diary: Diary, workers: Workers, growth: float) -> None:
    print(f"{sum(diary.answers.values())} answers, {len(diary.lost)} calls without one, {len(diary.rooms)} rooms kept")
    for (place, status), times in sorted(diary.answers.items()):
        print(f"  {place:<24} {status} {times:>7}")
    last = workers.samples[-1]
    print(f"memory {last.megabytes:.0f} MB in {WORKERS} workers, {growth:+.1%} in the second half, {last.files} files")


if __name__ == "__main__":
    sys.exit(main())
