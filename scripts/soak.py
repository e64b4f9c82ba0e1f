"""Minutes of mixed load with random faults against the real service, PostgreSQL and Redis: `make soak`.

Several workers, vendors with random faults, clients that disconnect, one
caller that attacks, and one worker that is killed. At the end every
acknowledged write of the others must be kept, every response must have been in
the contract, and nothing may still be running. `SOAK_SECONDS`, or the first
argument, is the time in seconds: 600 by default.
"""

import asyncio
import os
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import httpx  # noqa: E402 (needs the path above, as do the next)

from scripts.soaking.contract import Contract  # noqa: E402
from scripts.soaking.interviewers import Interviewer, Results  # noqa: E402
from scripts.soaking.offender import Offender  # noqa: E402
from scripts.soaking.vendor import behave  # noqa: E402
from scripts.soaking.workers import Workers  # noqa: E402
from tests.faults.wire import FakeVendor  # noqa: E402
from tests.support.api_server import ApiServer, running_api  # noqa: E402
from tests.support.keys import NO_RATE_LIMITS, as_environment, vendors_at  # noqa: E402
from tests.support.servers import postgresql, redis_server  # noqa: E402

WORKERS = 3
INTERVIEWERS = 12
KEYS = {name: f"{name}-{'k' * 32}" for name in ("honest", "offender")}
KILLED_AFTER = 0.3
"""The share of the time after which a worker is killed."""
RECOVERY_SECONDS = 10.0
"""Seconds after the kill during which a call may get no response."""
QUIET_SECONDS = 8.0
MOST_GROWTH = 0.10
"""Maximum growth of memory in the second half of the time."""
WARM_UP_SECONDS = 120.0
"""Memory grows by itself in shorter runs: caches fill, and so does the killed worker's replacement."""


def main() -> int:
    """Run it and print every failure; returns the exit code."""
    seconds = float(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("SOAK_SECONDS", "600"))
    with postgresql() as database, redis_server() as redis, tempfile.TemporaryDirectory() as folder:
        failures = asyncio.run(_soak(seconds, database.url, redis.url, Path(folder)))
    for failure, times in Counter(failures).most_common(20):
        print(f"FAILED ({times}x): {failure}")
    print(f"{len(failures)} failures" if failures else "passed")
    return 1 if failures else 0


async def _soak(seconds: float, database_url: str, redis_url: str, folder: Path) -> list[str]:
    vendor = FakeVendor(behave)
    await vendor.open()
    settings = {
        "database_url": database_url,
        "rate_limit_storage_url": redis_url,
        "upstream_timeout_seconds": 2,
        "llm_timeout_seconds": 4,
        "llm_idle_timeout_seconds": 1,
        "api_keys": ",".join(f"{name}:{key}" for name, key in KEYS.items()),
    }
    environment = as_environment(vendors_at(vendor.url) | NO_RATE_LIMITS | settings)
    try:
        with running_api(folder, "--timeout-graceful-shutdown", "10", workers=WORKERS, **environment) as service:
            return await _run(seconds, service, vendor)
    finally:
        await vendor.close()


async def _run(seconds: float, service: ApiServer, vendor: FakeVendor) -> list[str]:
    results, workers = Results(), Workers(service.process.pid)
    offender = Offender(service.url, _headers("offender"))
    async with httpx.AsyncClient(base_url=service.url, timeout=60, headers=_headers("honest")) as client:
        contract = Contract((await client.get("/openapi.json")).json())
        interviewers = [Interviewer(client, contract, results) for _ in range(INTERVIEWERS)]
        begun = time.monotonic()
        killed_at = await _hold_interviews(interviewers, offender, workers, seconds)
        ended = time.monotonic()
        await _check_rooms(interviewers[0], results)
    failures = results.failures
    failures += [f"no response {at - killed_at:.0f} s after the kill" for at in _unexplained(results, killed_at)]
    failures += await _check_quiet(service, vendor, workers)
    growth = workers.growth((begun + ended) / 2, ended)
    if growth > MOST_GROWTH and seconds >= WARM_UP_SECONDS:
        failures.append(f"memory grew by {growth:.0%} in the second half")
    _print_results(results, workers, growth)
    print(f"the offender's answers: {dict(sorted(offender.answers.items()))}")
    return failures + await _check_end(service)


def _headers(caller: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {KEYS[caller]}"}


async def _hold_interviews(
    interviewers: list[Interviewer], offender: Offender, workers: Workers, seconds: float
) -> float:
    """Hold interviews for this time under attack, and kill a worker meanwhile. Returns when that was."""
    ends = time.monotonic() + seconds
    sampling = asyncio.create_task(_sample(workers))
    attack = asyncio.create_task(offender.attack(ends))
    interviews = [asyncio.create_task(interviewer.hold_interviews(ends)) for interviewer in interviewers]
    await asyncio.sleep(seconds * KILLED_AFTER)
    print(f"worker {workers.kill_one()} killed after {seconds * KILLED_AFTER:.0f} s", flush=True)
    killed_at = time.monotonic()
    await asyncio.gather(*interviews, attack)
    sampling.cancel()
    return killed_at


async def _sample(workers: Workers) -> None:
    while True:
        await asyncio.to_thread(workers.sample)
        await asyncio.sleep(0.5)


async def _check_rooms(interviewer: Interviewer, results: Results) -> None:
    for room in results.rooms:
        await interviewer.check(room)
    for name in results.deleted:
        await interviewer.check_deleted(name)


def _unexplained(results: Results, killed_at: float) -> list[float]:
    """Seconds at which calls were lost for another reason than the killed worker."""
    return [at for at in results.lost_at if not killed_at - 1 <= at <= killed_at + RECOVERY_SECONDS]


async def _check_quiet(service: ApiServer, vendor: FakeVendor, workers: Workers) -> list[str]:
    """Failures where a vendor call still runs or a worker is missing."""
    ends = time.monotonic() + QUIET_SECONDS
    while vendor.busy and time.monotonic() < ends:  # noqa: ASYNC110 (the vendor only counts)
        await asyncio.sleep(0.1)
    failures = [f"{vendor.busy} vendor calls are still running"] if vendor.busy else []
    if len(workers.processes()) != WORKERS:
        failures.append(f"{len(workers.processes())} of {WORKERS} workers are left")
    if not service.process.is_running:
        failures.append("the service has ended")
    return failures


async def _check_end(service: ApiServer) -> list[str]:
    """Failures of stopping: an exit code, a call that was still running, a traceback in the log."""
    service.process.send_signal(signal.SIGTERM)
    code = await asyncio.to_thread(service.process.wait)
    failures = [f"exit code {code}"] if code else []
    stopping = [line for line in service.log.splitlines() if "shutting down:" in line]
    failures += [line for line in stopping if "shutting down: 0 running" not in line]
    if "Traceback" in service.log:
        failures.append("a traceback in the log: " + service.log[service.log.index("Traceback") :][:2000])
    return failures


def _print_results(results: Results, workers: Workers, growth: float) -> None:
    answers = sum(results.answers.values())
    print(f"{answers} responses, {len(results.lost_at)} calls without one, {len(results.rooms)} rooms kept")
    for (kind, status), times in sorted(results.answers.items()):
        print(f"  {kind:<24} {status} {times:>7}")
    last = workers.samples[-1]
    print(f"memory {last.megabytes:.0f} MB in {WORKERS} workers, {growth:+.1%} in the second half, {last.files} files")


if __name__ == "__main__":
    sys.exit(main())
