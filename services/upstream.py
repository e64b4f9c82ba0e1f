"""How any vendor is called: one client each, deadlines, safe retries, failures turned into ours.

Every vendor call of the service goes through `Upstream`. It is the only place
that retries, and it retries only what its caller declares safe to repeat, only
before the first byte of an answer, and only while the one deadline that covers
the whole call allows.
"""

import asyncio
import logging
import random
import ssl
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from email.utils import parsedate_to_datetime
from functools import cache
from http import HTTPStatus
from json import loads as json_loads
from math import ceil
from time import monotonic, time
from types import TracebackType
from typing import Any, NamedTuple, Self

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport
from pydantic import SecretStr

from services.breaker import Breaker
from services.errors import ProviderBadAnswer, ProviderTimeout, ProviderUnavailable, ServiceError
from services.event_stream import EventDecoder

log = logging.getLogger(__name__)

MAX_ANSWER_BYTES = 4 * 1024 * 1024
"""More than any answer we ask for; beyond it an answer is not read on."""
CONNECT_SECONDS = 5.0
BACKOFF_SECONDS = 0.25
BUSY_RETRY_AFTER = 1
DEFAULT_RETRY_AFTER = 2
"""Seconds, where a vendor turns us away without saying for how long."""

Json = Mapping[str, Any]


_CUT = (
    aiohttp.ServerDisconnectedError,
    aiohttp.ClientPayloadError,
    aiohttp.ClientResponseError,
    aiohttp.ClientOSError,
    httpx.ReadError,
    httpx.RemoteProtocolError,
)
"""The vendor was reached and hung up, or spoke something that is not HTTP."""

_TRANSPORT_ERRORS = (httpx.TransportError, aiohttp.ClientError)
"""httpx_aiohttp translates most of aiohttp's errors, but not an answer that is no HTTP."""


class Failure(NamedTuple):
    """What a vendor's error answer means for us, and how often such a call may be tried again."""

    error: ServiceError
    retries: int = 0
    is_down: bool = False
    """Set here: whether it counts towards leaving the vendor alone."""


class VendorAnswer(NamedTuple):
    """A vendor's answer, read whole."""

    status: int
    headers: httpx.Headers
    content: bytes

    @property
    def retry_after(self) -> int | None:
        """Whole seconds from `Retry-After`, in either of its forms; None where it is missing or odd."""
        return parse_retry_after(self.headers.get("retry-after"))

    def json_object(self) -> Json | None:
        """The body as a JSON object, or None: error bodies may be anything."""
        try:
            value = json_loads(self.content)
        except (ValueError, RecursionError):
            return None
        return value if isinstance(value, dict) else None


def parse_retry_after(value: str | None) -> int | None:
    """Seconds of a `Retry-After` header (RFC 9110, 10.2.3): a number or a date."""
    if value is None:
        return None
    if value.strip().isdecimal():
        return min(int(value.strip()[:9]), 86400)
    try:
        return max(0, ceil(parsedate_to_datetime(value).timestamp() - time()))
    except (ValueError, OverflowError):
        return None


@cache
def _ssl_context() -> ssl.SSLContext:
    """The machine's trusted certificates, read once: it takes some 20 ms."""
    return httpx.create_ssl_context()


def open_transport(ceiling: int, *, keep_alive: bool = True) -> AiohttpTransport:
    """aiohttp under the httpx API: a third of the CPU of httpx's own pool (`make bench` prints both).

    `keep_alive=False` never reuses a connection: for calls that must not be
    repeated, since a reused one may turn out to be dead after it was written to.
    """
    ssl_context = _ssl_context()

    def open_session() -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=ceiling, ssl=ssl_context, force_close=not keep_alive, ttl_dns_cache=30
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None),
        )

    return AiohttpTransport(verify=ssl_context, client=open_session)


def open_client(base_url: str, key: SecretStr | None, transport: httpx.AsyncBaseTransport) -> httpx.AsyncClient:
    """One vendor's client. Answers are asked for uncompressed, so none can unfold into a bomb."""
    headers = {"Accept-Encoding": "identity", "User-Agent": "interview-room-api"}
    if key is not None:
        headers["Authorization"] = f"Bearer {key.get_secret_value()}"
    return httpx.AsyncClient(
        base_url=base_url,
        headers=headers,
        transport=transport,
        timeout=httpx.Timeout(None, connect=CONNECT_SECONDS),
        follow_redirects=False,
    )


class Upstream:
    """One vendor's way out: its client, its deadline, its ceiling on calls in flight, its breaker.

    `read_failure` says what an answer that is no success means. `deadline` is
    seconds for a whole call, retries included.
    """

    def __init__(
        self,
        vendor: str,
        client: httpx.AsyncClient,
        read_failure: Callable[[VendorAnswer], Failure],
        *,
        deadline: float,
        ceiling: int,
    ) -> None:
        self.vendor = vendor
        self.deadline = deadline
        self._client = client
        self._read_failure = read_failure
        self._ceiling = ceiling
        self._in_flight = 0
        self._breaker = Breaker(vendor)

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
    ) -> VendorAnswer:
        """The vendor's successful answer. `repeatable`: doing it twice does no harm.

        Raises ProviderUnavailable, ProviderBadAnswer, ProviderTimeout, or what `read_failure` made of the answer.
        """
        request = self._client.build_request(method, path, json=json, headers=headers)
        ends = monotonic() + self.deadline
        with self._in_flight_call():
            try:
                async with asyncio.timeout(self.deadline):
                    answer = await self._read(await self._open(request, repeatable=repeatable, ends=ends))
            except TimeoutError:
                raise self._too_slow() from None
            self._breaker.succeeded()
            return answer

    @asynccontextmanager
    async def stream(self, path: str, *, json: Json, idle: float) -> AsyncIterator[AsyncIterator[list[bytes]]]:
        """The server-sent events of a POST, as lists of `data` payloads: one list for each read of the socket.

        `idle` is the longest silence in seconds; a keep-alive comment is silence.
        The first event may take twice as long, and the whole never more than the
        deadline. What fails before the vendor answers at all is raised on entering.
        """
        request = self._client.build_request("POST", path, json=json, headers={"Accept": "text/event-stream"})
        now = monotonic()
        ends = now + self.deadline
        first = min(ends, now + 2 * idle)
        with self._in_flight_call():
            try:
                async with asyncio.timeout(first - now):
                    response = await self._open(request, repeatable=True, ends=first)
            except TimeoutError:
                raise self._too_slow() from None
            try:
                yield self._events(response, first, idle, ends)
            finally:
                await response.aclose()

    async def _open(self, request: httpx.Request, *, repeatable: bool, ends: float) -> httpx.Response:
        """A successful answer, its body unread, after as many tries as are allowed."""
        tries = 0
        while True:
            outcome = await self._try(request)
            if isinstance(outcome, httpx.Response):
                return outcome
            wait = _backoff(tries, outcome.error)
            if not repeatable or tries >= outcome.retries or monotonic() + wait >= ends:
                if outcome.is_down:
                    self._breaker.failed()
                raise outcome.error
            tries += 1
            await asyncio.sleep(wait)

    async def _try(self, request: httpx.Request) -> httpx.Response | Failure:
        try:
            response = await self._client.send(request, stream=True)
        except _TRANSPORT_ERRORS as error:
            return self._transport_failure(error)
        if response.is_success:
            return response
        answer = await self._read(response)
        failure = self._read_failure(answer)
        log.warning("%s answered %d, for us %s", self.vendor, answer.status, failure.error.code)
        return failure._replace(is_down=answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR)

    async def _read(self, response: httpx.Response) -> VendorAnswer:
        try:
            content = b"".join([chunk async for chunk in self._chunks(response)])
        finally:
            await response.aclose()
        return VendorAnswer(response.status_code, response.headers, content)

    async def _chunks(self, response: httpx.Response) -> AsyncIterator[bytes]:
        """The body as it comes, bounded in size; a compressed one was not asked for and is refused."""
        if response.headers.get("content-encoding", "identity") != "identity":
            raise ProviderBadAnswer(f"{self.vendor} sent an answer that can't be read; try again.")
        size = 0
        try:
            async for chunk in response.aiter_bytes():
                size += len(chunk)
                if size > MAX_ANSWER_BYTES:
                    raise ProviderBadAnswer(f"{self.vendor} sent more than can be read; try again.")
                yield chunk
        except _TRANSPORT_ERRORS as error:
            self._breaker.failed()
            raise ProviderBadAnswer(f"{self.vendor} broke off in the middle of its answer; try again.") from error

    async def _events(
        self, response: httpx.Response, first: float, idle: float, ends: float
    ) -> AsyncIterator[list[bytes]]:
        decoder = EventDecoder()
        chunks = self._chunks(response)
        quiet_until = first
        while True:
            try:
                async with asyncio.timeout(min(quiet_until, ends) - monotonic()):
                    chunk = await anext(chunks, None)
            except TimeoutError:
                raise self._too_slow() from None
            if chunk is None:
                return
            if events := decoder.feed(chunk):
                self._breaker.succeeded()
                quiet_until = monotonic() + idle
                yield events

    @contextmanager
    def _in_flight_call(self) -> Iterator[None]:
        """Refuses at once what would have to queue, and what a failing vendor would not answer anyway."""
        if self._in_flight >= self._ceiling:
            raise ProviderUnavailable(
                f"{self.vendor} is busy with other calls; try again in a moment.", retry_after=BUSY_RETRY_AFTER
            )
        is_probe = self._breaker.admit()
        self._in_flight += 1
        try:
            yield
        finally:
            self._in_flight -= 1
            self._breaker.leave(is_probe=is_probe)

    def _transport_failure(self, error: Exception) -> Failure:
        """httpx_aiohttp calls a refused connection, an unknown host and a lost connection all ConnectTimeout,
        so aiohttp's own error, its cause, tells them apart.
        """
        cause = error if isinstance(error, aiohttp.ClientError) else error.__cause__ or error
        log.warning("%s did not answer: %s", self.vendor, type(cause).__name__)
        if isinstance(cause, httpx.ReadTimeout | httpx.WriteTimeout | aiohttp.SocketTimeoutError):
            return Failure(self._too_slow_error(), is_down=True)
        if isinstance(cause, _CUT) and not isinstance(cause, aiohttp.ClientConnectorError):
            return Failure(
                ProviderBadAnswer(f"{self.vendor} closed the connection without an answer; try again."), 2, is_down=True
            )
        return Failure(
            ProviderUnavailable(f"{self.vendor} can't be reached right now; try again in a moment."), 2, is_down=True
        )

    def _too_slow(self) -> ProviderTimeout:
        self._breaker.failed()
        log.warning("%s took longer than its deadline", self.vendor)
        return self._too_slow_error()

    def _too_slow_error(self) -> ProviderTimeout:
        return ProviderTimeout(f"{self.vendor} took too long to answer; try again.")


def _backoff(tries: int, error: ServiceError) -> float:
    """Seconds to wait: what the vendor asks for, else exponential with jitter."""
    if error.retry_after is not None:
        return float(error.retry_after)
    return BACKOFF_SECONDS * float(2**tries) * random.uniform(0.5, 1.5)


def failure_by_status(vendor: str, answer: VendorAnswer, key_variable: str) -> Failure:
    """What a status means where the vendor says nothing more precise."""
    match answer.status:
        case 401 | 403:
            detail = f"{vendor} did not accept our key; whoever runs this server should check {key_variable}."
            return Failure(ProviderUnavailable(detail))
        case 429:
            wait = DEFAULT_RETRY_AFTER if answer.retry_after is None else answer.retry_after
            return Failure(
                ProviderUnavailable(f"{vendor} is overloaded; try again in a moment.", retry_after=wait), retries=2
            )
        case 503 | 529:
            return Failure(
                ProviderUnavailable(f"{vendor} is down or overloaded; try again.", retry_after=answer.retry_after), 2
            )
        case 408 | 504 | 524:
            return Failure(ProviderTimeout(f"{vendor} took too long to answer; try again."), retries=1)
        case status if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return Failure(ProviderBadAnswer(f"{vendor} failed to answer; try again."), retries=1)
        case _:
            return Failure(ProviderBadAnswer(f"{vendor} did not accept our request; try again later."))
