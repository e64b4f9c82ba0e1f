"""Where calls are counted: in this process, or in a Redis that several processes share.

Windows are fixed: one counter that begins with the first call and ends whole.
That is one atomic increment, exact across processes, and a caller who waits as
long as `RateLimit` says has the whole quota again. A moving window would keep
every call's time; the price of a fixed one is that up to two quotas may pass
around its end.
"""

from collections.abc import Callable
from heapq import heappop, heappush
from time import monotonic, time
from typing import NamedTuple, Protocol, cast

from limits.aio.storage import RedisStorage
from redis.asyncio import BlockingConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

MOST_COUNTERS = 200_000
"""In one process; beyond it the one that would end first is forgotten."""
CONNECTIONS = 64
PREFIX = "interview-room-api"
"""Of the keys in Redis, which others may use too."""


class Count(NamedTuple):
    """How many calls there were in the window, this one included, and when it ends."""

    total: int
    seconds_left: float


class Counters(Protocol):
    """Counts calls under a key."""

    async def add(self, key: str, seconds: int) -> Count:
        """One more under this key, whose window is so long and begins with its first call."""

    async def ping(self) -> None:
        """Return when counting works."""

    async def close(self) -> None:
        """Let go of connections."""


class _Counter:
    __slots__ = ("ends", "total")

    def __init__(self, ends: float) -> None:
        self.ends = ends
        self.total = 0


class MemoryCounters:
    """Counters of this process. No method waits, so each is atomic.

    The `limits` library's own memory storage looks at every counter there is on
    every call: measured, 25 µs with one caller and 760 µs with 5000 (here 1 µs).
    """

    def __init__(self, clock: Callable[[], float] = monotonic, max_concurrency: int = MOST_COUNTERS) -> None:
        self._clock = clock
        self._ceiling = max_concurrency
        self._counters: dict[str, _Counter] = {}
        self._ends: list[tuple[float, str]] = []

    async def add(self, key: str, seconds: int) -> Count:
        now = self._clock()
        counter = self._counters.get(key)
        if counter is None or counter.ends <= now:
            counter = self._begin(key, now, seconds)
        counter.total += 1
        return Count(counter.total, counter.ends - now)

    def _begin(self, key: str, now: float, seconds: int) -> _Counter:
        while self._ends and (self._ends[0][0] <= now or len(self._ends) >= self._ceiling):
            self._counters.pop(heappop(self._ends)[1], None)
        counter = self._counters[key] = _Counter(now + seconds)
        heappush(self._ends, (counter.ends, key))
        return counter

    async def ping(self) -> None:
        """Memory always answers."""

    async def close(self) -> None:
        self._counters.clear()
        self._ends.clear()


class RedisCounters:
    """Counters in Redis, over the `limits` library. Nothing is opened before the first call.

    Methods raise what redis-py raises.
    """

    def __init__(self, url: str, patience: float) -> None:
        self._pool = BlockingConnectionPool.from_url(
            url,
            max_connections=CONNECTIONS,
            timeout=patience,
            socket_timeout=patience,
            socket_connect_timeout=patience,
            # once more and at once, for a connection that the server closed while it was idle
            retry=Retry(NoBackoff(), 1),
        )
        pool = cast("str", self._pool)  # what the library documents; its annotation knows plain options only
        self._storage = RedisStorage(url, implementation="redispy", key_prefix=PREFIX, connection_pool=pool)

    async def add(self, key: str, seconds: int) -> Count:
        total = await self._storage.incr(key, seconds)
        ends = await self._storage.get_expiry(key)
        return Count(total, ends - time())

    async def ping(self) -> None:
        await self._storage.get("ping")

    async def close(self) -> None:
        await self._pool.disconnect()
