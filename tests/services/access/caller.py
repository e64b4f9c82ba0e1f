"""A process of its own that makes calls against a shared limit: `python -m tests.services.access.caller URL LIMIT CALLS`.

Waits for a line, then tells how many were allowed.
"""

import asyncio
import sys

from config import Settings
from services.access.limits import Limiter
from tests.support.waiting import LIMIT_SECONDS


async def call(url: str, limit: str, calls: int) -> int:
    settings = Settings(_env_file=None, rate_limit_default=limit, rate_limit_storage_url=url)
    async with Limiter(settings, redis_seconds=LIMIT_SECONDS) as limiter:
        await limiter.ping()
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        sys.stdin.readline()
        allowed = 0
        for _ in range(calls // 10):
            counted = await asyncio.gather(*(limiter.count("default", "key:web") for _ in range(10)))
            allowed += sum(one.is_allowed for one in counted)
        return allowed


if __name__ == "__main__":
    sys.stdout.write(str(asyncio.run(call(sys.argv[1], sys.argv[2], int(sys.argv[3])))))
