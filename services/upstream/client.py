"""How any vendor is called: deadlines, safe retries, a limit on calls in flight, failures turned into ours.

Every vendor call of the service goes through `VendorClient`. It is the only place
that retries, and it retries only what its caller declares safe to repeat, only
before the first byte of an answer, and only while the one deadline that covers
the whole call allows.
"""

import asyncio
import logging
import random
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping
from contextlib import aclosing, asynccontextmanager, contextmanager, suppress
from functools import lru_cache
from http import HTTPStatus
from time import monotonic
from types import TracebackType
from typing import Self

import httpx

from services.errors import ProviderBadAnswer, ProviderTimeout, ProviderUnavailable, ServiceError
from services.upstream.circuit_breaker import CircuitBreaker
from services.upstream.responses import DEFAULT_RETRY_AFTER, Json, MappedError, VendorResponse
from services.upstream.sse import SSEDecoder
from services.upstream.transport import TRANSPORT_ERRORS, TransportFailure, transport_failure_of

log = logging.getLogger(__name__)

MAX_ANSWER_BYTES = 4 * 1024 * 1024
"""More than any answer we ask for; beyond it an answer is not read on."""
CONNECT_SECONDS = 5.0
"""For the connection alone, at most."""
PART_OF_DEADLINE = 0.8
"""For looking the name up, connecting and encrypting, so that it is known in time that nothing was sent; and for the
body of an error, whose status says enough."""
ERROR_BODY_SECONDS = 2.0
BACKOFF_SECONDS = 0.25
BUSY_RETRY_AFTER = 1
STREAM_READS_A_SECOND = 2500
"""Of all streams of a vendor together: what a core can do beside everything else."""
SHORTEST_PAUSE = 0.02
REST_SECONDS = 0.05
"""How long the rest of a stream is read after its reader has what he wants. One that is read to its end leaves a
connection that serves the next call."""


class VendorClient:
    """One vendor's way out: its client, its deadline, its limit on calls in flight, its breaker.

    `map_error` says what an answer that is no success means. `deadline` is
    seconds for a whole call, retries included.
    """

    def __init__(
        self,
        vendor: str,
        client: httpx.AsyncClient,
        map_error: Callable[[VendorResponse], MappedError],
        *,
        deadline: float,
        max_concurrency: int,
    ) -> None:
        self.vendor = vendor
        self.deadline = deadline
        self._client = client
        # `pool` is what aiohttp counts all of it against, until there is a connection
        self._timeout = httpx.Timeout(
            None, connect=min(CONNECT_SECONDS, deadline / 2), pool=PART_OF_DEADLINE * deadline
        )
        self._read_failure = map_error
        self._ceiling = max_concurrency
        self._in_flight = 0
        self._breaker = CircuitBreaker(vendor)

    @property
    def in_flight(self) -> int:
        """How many calls are running now."""
        return self._in_flight

    async def __aenter__(self) -> Self:
        await self._client.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.__aexit__(kind, error, trace)

    async def call(
        self,
        method: str,
        path: str,
        *,
        repeatable: bool,
        json: Json | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> VendorResponse:
        """The vendor's successful answer. `repeatable`: doing it twice does no harm.

        Raises ProviderUnavailable, ProviderBadAnswer, ProviderTimeout, or what `map_error` made of the answer.
        """
        request = self._client.build_request(method, self._url(path), json=json, headers=headers, timeout=self._timeout)
        ends = monotonic() + self.deadline
        with self._in_flight_call():
            return await self._read_by(ends, await self._open(request, repeatable=repeatable, ends=ends))

    @asynccontextmanager
    async def stream(self, path: str, *, json: Json, idle_timeout: float) -> AsyncIterator[AsyncIterator[list[bytes]]]:
        """The server-sent events of a POST, as lists of `data` payloads: one list for each read of the socket.

        `idle` is the longest silence in seconds; a keep-alive comment is silence.
        The first event may take twice as long, and the whole never more than the
        deadline. What fails before the vendor answers at all is raised on entering.
        A server that does not stream gives its whole answer as the one payload.
        """
        headers = {"Accept": "text/event-stream"}
        request = self._client.build_request("POST", self._url(path), json=json, headers=headers, timeout=self._timeout)
        now = monotonic()
        ends = now + self.deadline
        first = min(ends, now + 2 * idle_timeout)
        with self._in_flight_call():
            response = await self._open(request, repeatable=True, ends=first)
            is_whole = "json" in response.headers.get("content-type", "")
            pieces = self._whole(response, ends) if is_whole else self._events(response, first, idle_timeout, ends)
            try:
                async with aclosing(pieces) as events:
                    yield events
            finally:
                await response.aclose()

    def _url(self, path: str) -> httpx.URL:
        return _absolute(str(self._client.base_url), path)

    async def _open(self, request: httpx.Request, *, repeatable: bool, ends: float) -> httpx.Response:
        """A successful answer, its body unread, after as many tries as are allowed."""
        tries = 0
        failure: MappedError | None = None
        while True:
            try:
                async with asyncio.timeout(ends - monotonic()):
                    outcome = await self._try(request, ends)
            except TimeoutError:
                # what the vendor said before it fell silent says more than the silence
                raise self._too_slow() if failure is None else self._given_up(failure) from None
            if isinstance(outcome, httpx.Response):
                return outcome
            failure = outcome
            wait = _backoff(tries, failure.error)
            if not repeatable or tries >= failure.retries or monotonic() + wait >= ends:
                raise self._given_up(failure)
            tries += 1
            await asyncio.sleep(wait)

    async def _try(self, request: httpx.Request, ends: float) -> httpx.Response | MappedError:
        try:
            response = await self._client.send(request, stream=True)
        except TRANSPORT_ERRORS as error:
            return self._transport_failure(error)
        if response.is_success:
            return response
        answer = await self._read_error(response, ends)
        failure = self._read_failure(answer)
        log.warning("%s answered %d, for us %s", self.vendor, answer.status, failure.error.code)
        return failure._replace(is_down=answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR)

    async def _read_error(self, response: httpx.Response, ends: float) -> VendorResponse:
        """The status says enough where the body can't be read, or does not come."""
        try:
            async with asyncio.timeout(min(ERROR_BODY_SECONDS, PART_OF_DEADLINE * (ends - monotonic()))):
                return await self._read(response)
        except (ProviderBadAnswer, TimeoutError):
            return VendorResponse(response.status_code, response.headers, b"")

    async def _read(self, response: httpx.Response) -> VendorResponse:
        try:
            async with aclosing(self._chunks(response)) as chunks:
                content = b"".join([chunk async for chunk in chunks])
        finally:
            await response.aclose()
        return VendorResponse(response.status_code, response.headers, content)

    async def _chunks(self, response: httpx.Response) -> AsyncGenerator[bytes]:
        """The body as it comes, bounded in size; a compressed one was not asked for and is refused."""
        if response.headers.get("content-encoding", "").strip().lower() not in {"", "identity"}:
            raise ProviderBadAnswer(f"{self.vendor} sent an answer that can't be read; try again.")
        size = 0
        try:
            async for chunk in response.aiter_bytes():
                size += len(chunk)
                if size > MAX_ANSWER_BYTES:
                    raise ProviderBadAnswer(f"{self.vendor} sent more than can be read; try again.")
                yield chunk
        except TRANSPORT_ERRORS as error:
            raise ProviderBadAnswer(f"{self.vendor} broke off in the middle of its answer; try again.") from error

    async def _read_by(self, ends: float, response: httpx.Response) -> VendorResponse:
        try:
            async with asyncio.timeout(ends - monotonic()):
                answer = await self._read(response)
        except TimeoutError:
            raise self._too_slow() from None
        except ProviderBadAnswer:
            self._breaker.failed()
            raise
        self._breaker.succeeded()
        return answer

    async def _whole(self, response: httpx.Response, ends: float) -> AsyncGenerator[list[bytes]]:
        yield [(await self._read_by(ends, response)).content]

    async def _events(
        self, response: httpx.Response, first: float, idle_timeout: float, ends: float
    ) -> AsyncGenerator[list[bytes]]:
        decoder = SSEDecoder()
        quiet_until = first
        async with aclosing(self._chunks(response)) as chunks, _read_to_the_end(chunks):
            while True:
                try:
                    async with asyncio.timeout(min(quiet_until, ends) - monotonic()):
                        chunk = await anext(chunks, None)
                except TimeoutError:
                    raise self._too_slow() from None
                except ProviderBadAnswer:
                    self._breaker.failed()
                    raise
                if chunk is None:
                    return
                if events := decoder.feed(chunk):
                    self._breaker.succeeded()
                    yield events
                    await self._let_words_gather()
                    # counted from here: a reader who takes his time is not the vendor's silence
                    quiet_until = monotonic() + idle_timeout

    async def _let_words_gather(self) -> None:
        """Among hundreds of streams each is read less often, and gives more at once: so new calls find their turn."""
        pause = self._in_flight / STREAM_READS_A_SECOND
        if pause >= SHORTEST_PAUSE:
            await asyncio.sleep(pause)

    @contextmanager
    def _in_flight_call(self) -> Iterator[None]:
        """Refuses at once what would have to queue, and what a failing vendor would not answer anyway."""
        if self._in_flight >= self._ceiling:
            raise ProviderUnavailable(
                f"{self.vendor} is busy with other calls; try again in a moment.", retry_after=BUSY_RETRY_AFTER
            )
        is_probe = self._breaker.before_call()
        self._in_flight += 1
        try:
            yield
        finally:
            self._in_flight -= 1
            self._breaker.after_call(is_probe=is_probe)

    def _transport_failure(self, error: Exception) -> MappedError:
        loss, name = transport_failure_of(error)
        log.warning("%s did not answer: %s", self.vendor, name)
        match loss:
            case TransportFailure.TIMED_OUT:
                return MappedError(self._too_slow_error(), is_down=True)
            case TransportFailure.DISCONNECTED:
                detail = f"{self.vendor} closed the connection without an answer; try again."
                return MappedError(ProviderBadAnswer(detail), 2, is_down=True)
            case TransportFailure.NOT_SENT:
                detail = f"{self.vendor} can't be reached right now; try again in a moment."
                return MappedError(ProviderUnavailable(detail), 2, is_down=True)

    def _given_up(self, failure: MappedError) -> ServiceError:
        """The error to raise. Where another try may help, the client is told when."""
        if failure.is_down:
            self._breaker.failed()
        else:
            self._breaker.succeeded()  # whoever refuses is alive
        error = failure.error
        if isinstance(error, ProviderUnavailable) and failure.retries and error.retry_after is None:
            error.retry_after = DEFAULT_RETRY_AFTER
        return error

    def _too_slow(self) -> ProviderTimeout:
        self._breaker.failed()
        log.warning("%s took longer than its deadline", self.vendor)
        return self._too_slow_error()

    def _too_slow_error(self) -> ProviderTimeout:
        return ProviderTimeout(f"{self.vendor} took too long to answer; try again.")


@asynccontextmanager
async def _read_to_the_end(chunks: AsyncIterator[bytes]) -> AsyncIterator[None]:
    """Reads on for a moment after the reader has left off; only what comes late keeps him waiting for it."""
    try:
        yield
    except GeneratorExit:
        with suppress(TimeoutError, ProviderBadAnswer):
            async with asyncio.timeout(REST_SECONDS):
                async for _ in chunks:
                    pass
        raise


@lru_cache(maxsize=64)
def _absolute(base_url: str, path: str) -> httpx.URL:
    """Parsing an address takes longer than writing the body, and most calls go to the same few."""
    return httpx.URL(f"{base_url.rstrip('/')}{path}")


def _backoff(tries: int, error: ServiceError) -> float:
    """Seconds to wait: what the vendor asks for, else exponential with jitter."""
    if error.retry_after is not None:
        return float(error.retry_after)
    return BACKOFF_SECONDS * float(2**tries) * random.uniform(0.5, 1.5)
