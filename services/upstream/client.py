"""HTTP client for one vendor: deadline, retries, concurrency limit, circuit breaker.

Every call to a vendor goes through `VendorClient`. Where two time limits could pass at the same moment, the answer does
not depend on which one is noticed first:

- A response whose status is an error is judged by that status, even if its body never comes.
- A request that has not been sent when its deadline passes could not reach the vendor; one that has been sent timed
  out.
- A retry that runs into the deadline leaves the failure before it as the answer.
"""

import asyncio
import json as json_library
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping
from contextlib import aclosing, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from time import monotonic
from types import TracebackType
from typing import Self

import httpx

from services.errors import ProviderBadAnswer, ProviderTimeout, ProviderUnavailable, ServiceError
from services.upstream.attempts import FailedAttempt, timeout_error, unanswered
from services.upstream.bodies import MAX_ERROR_BYTES, read_chunks, read_whole
from services.upstream.circuit_breaker import CircuitBreaker
from services.upstream.responses import Json, MappedError, VendorResponse, log_refusal
from services.upstream.retry_policy import RetryPolicy, backoff
from services.upstream.sse import SSEDecoder
from services.upstream.transport import (
    ANONYMOUS_HEADERS,
    TRANSPORT_ERRORS,
    Sending,
    describe,
    transport_failure_of,
)

log = logging.getLogger(__name__)

CONNECT_SECONDS = 5.0
"""Maximum time for one TCP and TLS connection."""
ERROR_BODY_SECONDS = 2.0
"""Maximum time for the body of an error response."""
BUSY_RETRY_AFTER = 1
STREAM_READS_PER_SECOND = 2500
"""Maximum reads of all open streams of a vendor together: about what one core can do besides its other work."""
MIN_PAUSE_SECONDS = 0.02
DRAIN_SECONDS = 0.05
"""After the consumer of a stream stops, read this long so that the connection can be reused."""

ErrorMapper = Callable[[VendorResponse], MappedError]


@dataclass(frozen=True, slots=True)
class _Call:
    """A request, with what its attempts need."""

    request: httpx.Request
    breaker: CircuitBreaker
    map_error: ErrorMapper
    ends: float
    """Its deadline, in the time of `time.monotonic`."""
    is_repeatable: bool
    sent: Json | None = None


class VendorClient:
    """HTTP client for one vendor.

    `map_error` gives the error of ours for an error response. `deadline` is in seconds, for a whole call, retries
    included. `max_concurrency` is the most calls in flight; more are refused with ProviderUnavailable.
    """

    def __init__(
        self,
        vendor: str,
        client: httpx.AsyncClient,
        map_error: ErrorMapper,
        *,
        deadline: float,
        max_concurrency: int,
        retry_policy: RetryPolicy,
    ) -> None:
        self.vendor = vendor
        self.deadline = deadline
        self._client = client
        self._base_url = str(client.base_url).rstrip("/")
        self._timeouts = {"timeout": httpx.Timeout(None, connect=min(CONNECT_SECONDS, deadline / 2)).as_dict()}
        self._json_headers = httpx.Headers({**client.headers, "Content-Type": "application/json"})
        self._map_error = map_error
        self._max_concurrency = max_concurrency
        self._retry_policy = retry_policy
        self.in_flight = 0
        self._breaker = CircuitBreaker(vendor)
        self._download_breaker = CircuitBreaker(f"{vendor}'s file storage")

    @property
    def base_url(self) -> httpx.URL:
        """Base URL of the vendor's API."""
        return self._client.base_url

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
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        deadline: float | None = None,
    ) -> VendorResponse:
        """The vendor's successful response. `repeatable`: sending the request twice does no harm.

        `deadline` in seconds replaces the client's own, where several calls share one. Raises ProviderUnavailable,
        ProviderBadAnswer, ProviderTimeout, or the error that `map_error` gives.
        """
        request = self._request(method, path, json, headers or {}, params)
        ends = self._ends(deadline)
        return await self._fetch(_Call(request, self._breaker, self._map_error, ends, repeatable, json))

    async def download(self, link: httpx.URL, map_error: ErrorMapper) -> VendorResponse:
        """The successful response to a GET of a link that the vendor gave, which is sent without the vendor's key.

        The link may lead to another service, so its failures open a circuit of their own. Raises like `call`.
        """
        request = httpx.Request("GET", link, headers=ANONYMOUS_HEADERS, extensions=self._timeouts)
        return await self._fetch(_Call(request, self._download_breaker, map_error, self._ends(), is_repeatable=True))

    @asynccontextmanager
    async def stream(
        self,
        path: str,
        *,
        json: Json,
        idle_timeout: float,
        first_timeout: float | None = None,
        deadline: float | None = None,
    ) -> AsyncIterator[AsyncIterator[list[bytes]]]:
        """The server-sent events of a POST, as lists of `data` payloads: one list for each read of the socket.

        `first_timeout` is the longest wait for the first event in seconds (default: the deadline), `idle_timeout` the
        longest silence after it; a keep-alive comment is silence. The whole stream never takes more than the deadline.
        A failure before the response begins is raised on entering. A server that does not stream gives its whole
        response as the one payload, whether that is JSON or a web page.
        """
        request = self._request("POST", path, json, {"Accept": "text/event-stream"})
        now = monotonic()
        ends = self._ends(deadline)
        first = ends if first_timeout is None else min(ends, now + first_timeout)
        with self._concurrency_slot(self._breaker):
            call = _Call(request, self._breaker, self._map_error, first, is_repeatable=True, sent=json)
            response = await self._open(call)
            content_type = response.headers.get("content-type", "")
            is_whole = "json" in content_type or "html" in content_type
            pieces = self._whole(response, ends) if is_whole else self._events(response, first, idle_timeout, ends)
            try:
                async with aclosing(pieces) as events:
                    yield events
            finally:
                await response.aclose()

    async def _fetch(self, call: _Call) -> VendorResponse:
        with self._concurrency_slot(call.breaker):
            return await self._read_by(call.ends, await self._open(call), call.breaker)

    def _ends(self, deadline: float | None = None) -> float:
        return monotonic() + (self.deadline if deadline is None else deadline)

    def _request(
        self,
        method: str,
        path: str,
        json: Json | None,
        headers: Mapping[str, str],
        params: Mapping[str, str] | None = None,
    ) -> httpx.Request:
        """The request, built in a third of the time that the client's `build_request` takes."""
        merged = self._client.headers if json is None else self._json_headers
        if headers:
            merged = merged.copy()
            merged.update(headers)
        stream = None if json is None else httpx.ByteStream(_encode(json))
        url = _absolute(self._base_url, path)
        request = httpx.Request(method, url, params=params, headers=merged, stream=stream, extensions=self._timeouts)
        request.read()
        return request

    async def _open(self, call: _Call) -> httpx.Response:
        """A successful response, its body unread, after as many attempts as are allowed."""
        retries = 0
        failure: FailedAttempt | None = None
        while True:
            outcome = await self._attempt(call)
            if isinstance(outcome, httpx.Response):
                return outcome
            failure = failure if failure is not None and outcome.is_deadline else outcome
            wait = backoff(retries, failure.error.retry_after)
            if not call.is_repeatable or retries >= failure.retries or monotonic() + wait >= call.ends:
                raise self._give_up(failure, call.breaker)
            retries += 1
            await asyncio.sleep(wait)

    async def _attempt(self, call: _Call) -> httpx.Response | FailedAttempt:
        with Sending() as sending:
            try:
                async with asyncio.timeout(call.ends - monotonic()):
                    response = await self._client.send(call.request, stream=True)
            except (TimeoutError, *TRANSPORT_ERRORS) as error:
                is_deadline = isinstance(error, TimeoutError)
                log.warning("%s gave no response: %s", self.vendor, "deadline" if is_deadline else describe(error))
                failure = transport_failure_of(error, sending, call.request.url.host)
                return unanswered(self.vendor, failure, self._retry_policy)._replace(is_deadline=is_deadline)
        return response if response.is_success else await self._refused(call, response)

    async def _refused(self, call: _Call, response: httpx.Response) -> FailedAttempt:
        refusal = await self._read_error(response, call.ends)
        mapped = call.map_error(refusal)
        log_refusal(self.vendor, refusal, sent=call.sent)
        retries = 0 if mapped.is_permanent else self._retry_policy.retries_after(refusal.status)
        is_down = refusal.status >= HTTPStatus.INTERNAL_SERVER_ERROR and not mapped.is_permanent
        return FailedAttempt(mapped.error, retries, is_down=is_down)

    async def _read_error(self, response: httpx.Response, ends: float) -> VendorResponse:
        """The error response, without its body where that can't be read or does not come: the status decides."""
        try:
            async with asyncio.timeout(min(ERROR_BODY_SECONDS, (ends - monotonic()) / 2)):
                return await read_whole(self.vendor, response, MAX_ERROR_BYTES)
        except (ProviderBadAnswer, TimeoutError):
            return VendorResponse(response.status_code, response.headers, b"")

    async def _read_by(self, ends: float, response: httpx.Response, breaker: CircuitBreaker) -> VendorResponse:
        try:
            async with asyncio.timeout(ends - monotonic()):
                whole = await read_whole(self.vendor, response)
        except TimeoutError:
            raise self._deadline_passed(breaker) from None
        except ProviderBadAnswer:
            breaker.failed()
            raise
        breaker.succeeded()
        return whole

    async def _whole(self, response: httpx.Response, ends: float) -> AsyncGenerator[list[bytes]]:
        yield [(await self._read_by(ends, response, self._breaker)).content]

    async def _events(
        self, response: httpx.Response, first: float, idle_timeout: float, ends: float
    ) -> AsyncGenerator[list[bytes]]:
        decoder = SSEDecoder()
        silent_until = first
        async with aclosing(read_chunks(self.vendor, response)) as chunks, _drained(chunks):
            while True:
                try:
                    async with asyncio.timeout(min(silent_until, ends) - monotonic()):
                        chunk = await anext(chunks, None)
                except TimeoutError:
                    raise self._deadline_passed(self._breaker) from None
                except ProviderBadAnswer:
                    self._breaker.failed()
                    raise
                if chunk is None:
                    return
                if events := decoder.feed(chunk):
                    self._breaker.succeeded()
                    yield events
                    await self._throttle_reads()
                    # counted from here, since a slow consumer is not the vendor's silence
                    silent_until = monotonic() + idle_timeout

    async def _throttle_reads(self) -> None:
        """With many open streams, read each less often in larger chunks, so that new calls are not starved."""
        pause = self.in_flight / STREAM_READS_PER_SECOND
        if pause >= MIN_PAUSE_SECONDS:
            await asyncio.sleep(pause)

    @contextmanager
    def _concurrency_slot(self, breaker: CircuitBreaker) -> Iterator[None]:
        """Refuses a call above the concurrency limit or while the circuit is open."""
        if self.in_flight >= self._max_concurrency:
            raise ProviderUnavailable(
                f"{self.vendor} is busy with other calls; try again in a moment.", retry_after=BUSY_RETRY_AFTER
            )
        is_probe = breaker.before_call()
        self.in_flight += 1
        try:
            yield
        finally:
            self.in_flight -= 1
            breaker.after_call(is_probe=is_probe)

    def _give_up(self, failure: FailedAttempt, breaker: CircuitBreaker) -> ServiceError:
        if failure.is_down:
            breaker.failed()
        else:
            breaker.succeeded()  # a refusal shows that the vendor is up
        return failure.final_error()

    def _deadline_passed(self, breaker: CircuitBreaker) -> ProviderTimeout:
        breaker.failed()
        log.warning("%s did not finish its response in time", self.vendor)
        return timeout_error(self.vendor)


@asynccontextmanager
async def _drained(chunks: AsyncIterator[bytes]) -> AsyncIterator[None]:
    """Reads the rest of a stream for a moment when its consumer stops before the end."""
    try:
        yield
    except GeneratorExit:
        with suppress(TimeoutError, ProviderBadAnswer):
            async with asyncio.timeout(DRAIN_SECONDS):
                async for _ in chunks:
                    pass
        raise


def _encode(body: Json) -> bytes:
    return json_library.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


@lru_cache(maxsize=64)
def _absolute(base_url: str, path: str) -> httpx.URL:
    """Cached: parsing a URL takes longer than writing the body, and most calls go to the same few."""
    return httpx.URL(f"{base_url}{path}")
