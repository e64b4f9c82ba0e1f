"""CPU time of reading a stored briefing from memory, SQLite and PostgreSQL, and the duration of a deletion that purges
SQLite's file: a small file, and the largest that is rewritten before the response.

    python scripts/bench_storage.py [postgresql://…]

Without an argument a PostgreSQL server is started where it is installed.
"""

import asyncio
import sqlite3
import sys
import tempfile
import time
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import event

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from config import Settings  # noqa: E402 (the path above comes first)
from services.briefing import Briefing  # noqa: E402
from services.storage.database import Database, open_engine  # noqa: E402
from services.storage.database_url import read_database_url  # noqa: E402
from services.storage.memory import MemoryStorage  # noqa: E402
from services.storage.migrate import migrate  # noqa: E402
from services.storage.opening import open_storage  # noqa: E402
from services.storage.protocol import Storage  # noqa: E402
from services.storage.purging import LARGE_BYTES  # noqa: E402
from services.storage.records import Room  # noqa: E402
from services.storage.sql import SqlStorage  # noqa: E402
from tests.support.servers import ServerMissing, postgresql  # noqa: E402

IN_FLIGHT = 32
READS = 4000
ROOM = "bench"


def main() -> None:
    """Print one line for each storage."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        print(f"reading a stored briefing of 20 kB, {IN_FLIGHT} in flight, {READS} times")
        asyncio.run(_bench("memory", MemoryStorage(_now)))
        asyncio.run(_bench_sql("SQLite", f"sqlite:///{folder}/rooms.db"))
        if url := _postgresql_url(stack):
            asyncio.run(_bench_sql("PostgreSQL", url))
            asyncio.run(_bench_sql("PostgreSQL with pool_pre_ping", url, pings=True))
        print("deleting a room and purging the SQLite file, wall clock; memory as the baseline")
        for size in (None, 1, LARGE_BYTES >> 20):
            asyncio.run(_bench_deletion(Path(folder), size))


def _now() -> datetime:
    return datetime.now(UTC)


def _postgresql_url(stack: ExitStack) -> str | None:
    if len(sys.argv) > 1:
        return sys.argv[1]
    try:
        return stack.enter_context(postgresql()).url
    except ServerMissing as missing:
        print(f"{missing} Or give the URL of a database.")
        return None


async def _bench_sql(name: str, url: str, *, pings: bool = False) -> None:
    engine = open_engine(read_database_url(url))
    await migrate(engine)
    if pings:
        event.listen(engine.sync_engine, "checkout", lambda connection, *_: engine.dialect.do_ping(connection))
    await _bench(name, SqlStorage(Database(engine)))


async def _bench(name: str, storage: Storage) -> None:
    await _fill(storage)
    await _read(storage, IN_FLIGHT * 10)
    cpu, wall = time.process_time(), time.perf_counter()
    await _read(storage, READS)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    await storage.erase(ROOM)
    await storage.close()
    print(f"{name:30} {cpu / READS * 1000:6.3f} ms CPU each   {READS / wall:8.0f} per second")


async def _bench_deletion(folder: Path, megabytes: int | None) -> None:
    path = folder / f"{megabytes}.db"
    url = f"sqlite:///{path}" if megabytes else None
    async with open_storage(Settings(_env_file=None, database_url=url), lambda: datetime.now(UTC)) as storage:
        if megabytes:
            with closing(sqlite3.connect(path)) as others:
                others.execute(f"CREATE TABLE others AS SELECT zeroblob({(megabytes - 1) << 20})")
                others.commit()
        await _fill(storage)
        begun = time.perf_counter()
        await storage.erase(ROOM)
        is_clean = await storage.purge_deleted(in_background=False)
        seconds = time.perf_counter() - begun
        assert is_clean
        print(f"{f'{megabytes} MiB' if megabytes else 'memory':12} {seconds:6.3f} s")


async def _fill(storage: Storage) -> None:
    now = datetime.now(UTC)
    await storage.save_room(Room(ROOM, "https://example.daily.co/bench", "Ada", now, now + timedelta(hours=1)))
    resume, job = "A line of a resume. " * 500, "A line of a job. " * 600
    await storage.save_briefing(
        Briefing(
            candidate_name="Grace",
            resume_summary=resume,
            notes=job,
            room_name=ROOM,
            briefing_prompt="Prompt.",
            updated_at=now,
        )
    )


async def _read(storage: Storage, count: int) -> None:
    numbers = iter(range(count))

    async def read_on() -> None:
        for _ in numbers:
            interview = await storage.find(ROOM, briefing=True)
            assert interview is not None

    await asyncio.gather(*(read_on() for _ in range(IN_FLIGHT)))


if __name__ == "__main__":
    main()
