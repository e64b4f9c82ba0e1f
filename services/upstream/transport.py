"""Connections to vendors: aiohttp under the httpx API, and what its errors mean."""

import ssl
from contextvars import ContextVar
from enum import Enum, auto
from functools import cache
from typing import Any, Self

import aiohttp
import httpx
from aiohttp.connector import Connection
from httpx_aiohttp import AiohttpTransport
from pydantic import SecretStr

from services.upstream.proxies import ProxyRouter, environment_proxies

TRANSPORT_ERRORS = (httpx.TransportError, aiohttp.ClientError, UnicodeError)
"""httpx_aiohttp translates most of aiohttp's errors, but not a response that is not HTTP, and it fails on a reason
phrase that is not in UTF-8.
"""
DNS_CACHE_SECONDS = 30
_MAX_REASON = 200
ANONYMOUS_HEADERS = {"Accept-Encoding": "identity", "User-Agent": "interview-room-api"}
"""Responses are asked for uncompressed, so that a small one can't expand into gigabytes."""


class TransportFailure(Enum):
    """Why there was no response."""

    NOT_SENT = auto()
    """DNS, connection or TLS failed: the vendor certainly did not get the request."""
    PROXY_FAILED = auto()
    """The proxy could not be reached or refused to connect: the vendor certainly did not get the request."""
    DISCONNECTED = auto()
    """The connection was lost, or what came was not HTTP. The vendor may have acted on the request."""
    TIMED_OUT = auto()
    """The request was sent and no response came in time."""


class Sending:
    """Records whether the request of a block has been sent, from the moment its first byte is written.

    `is_sent` is None where the transport does not report it, as in tests.
    """

    __slots__ = ("_token", "is_sent")

    def __init__(self) -> None:
        self.is_sent: bool | None = None

    def __enter__(self) -> Self:
        self._token = _sending.set(self)
        return self

    def __exit__(self, *_: object) -> None:
        _sending.reset(self._token)


_sending: ContextVar[Sending | None] = ContextVar("sending", default=None)

_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
"""Errors of httpx before the first byte is sent. Over aiohttp they may mean anything, so there `Sending` decides."""


def transport_failure_of(error: Exception, sending: Sending, host: str) -> TransportFailure:
    """Why `host` gave no response. Whether the request was sent decides, not which time limit passed first."""
    is_sent = sending.is_sent
    if is_sent is None:
        is_sent = not isinstance(error, _NEVER_SENT)
    if not is_sent:
        return TransportFailure.PROXY_FAILED if _is_of_proxy(error, host) else TransportFailure.NOT_SENT
    is_timeout = isinstance(error, TimeoutError | httpx.ReadTimeout | httpx.WriteTimeout)
    return TransportFailure.TIMED_OUT if is_timeout else TransportFailure.DISCONNECTED


def describe(error: Exception) -> str:
    """The error for the log: its name, and the address that did not connect or the status that a proxy refused with."""
    cause = _cause(error)
    name = type(cause).__name__
    if isinstance(cause, aiohttp.ClientHttpProxyError):
        return f"{name} {cause.status}"
    if isinstance(cause, aiohttp.ClientConnectorError):
        return f"{name} {cause.host}:{cause.port} {ascii(cause.os_error)[:_MAX_REASON]}"
    return name


def _is_of_proxy(error: Exception, host: str) -> bool:
    """Whether the proxy failed. Where its name is unknown, aiohttp raises the same error as for the vendor's name."""
    cause = _cause(error)
    is_other_host = isinstance(cause, aiohttp.ClientConnectorError) and cause.host != host
    proxy_errors = (aiohttp.ClientProxyConnectionError, aiohttp.ClientHttpProxyError, httpx.ProxyError)
    return is_other_host or isinstance(cause, proxy_errors)


def _cause(error: Exception) -> BaseException:
    """aiohttp's own error where httpx_aiohttp has wrapped it."""
    return error.__cause__ if isinstance(error.__cause__, aiohttp.ClientError) else error


def open_transport(max_concurrency: int, *, keep_alive: bool = True) -> httpx.AsyncBaseTransport:
    """aiohttp under the httpx API: a third of the CPU of httpx's own pool (`make bench` prints both).

    `keep_alive=False` never reuses a connection: for calls that must not be repeated, since a reused connection may
    turn out to be dead after the request was written to it. Proxies of the environment are used. Raises UnusableSetting
    for one that can't be.
    """

    def open_through(proxy: str | None) -> AiohttpTransport:
        return _open_aiohttp(proxy, max_concurrency, keep_alive=keep_alive)

    proxies = environment_proxies()
    return ProxyRouter(proxies, open_through) if proxies.by_scheme else open_through(None)


def _open_aiohttp(proxy: str | None, max_concurrency: int, *, keep_alive: bool) -> AiohttpTransport:
    ssl_context = _ssl_context()

    def open_session() -> aiohttp.ClientSession:
        session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=max_concurrency, ssl=ssl_context, force_close=not keep_alive, ttl_dns_cache=DNS_CACHE_SECONDS
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None),
            request_class=_ReportedRequest,
            proxy=proxy,
        )
        # aiohttp would repeat a GET or DELETE by itself; only VendorClient retries, and there is no public switch
        session._retry_connection = False  # noqa: SLF001
        return session

    return AiohttpTransport(verify=ssl_context, client=open_session)


class PlainClient(httpx.AsyncClient):
    """Sends each request as it is, once, and leaves the response unread.

    httpx's own `send` adds redirects, authentication flows, hooks and a cookie jar, for a fifteenth of the time of a
    chat. None is wanted here: a redirect could lead anywhere, and a cookie that a vendor sets for one room must not be
    sent with the next.
    """

    async def send(self, request: httpx.Request, **_: Any) -> httpx.Response:
        """Returns the response with its body unread. The caller has set the request's timeout."""
        return await self._transport_for_url(request.url).handle_async_request(request)


def open_client(base_url: str, key: SecretStr | None, transport: httpx.AsyncBaseTransport) -> httpx.AsyncClient:
    """The HTTP client for one vendor, with its key in its headers."""
    authorization = {} if key is None else {"Authorization": f"Bearer {key.get_secret_value()}"}
    return PlainClient(base_url=base_url, headers=ANONYMOUS_HEADERS | authorization, transport=transport)


@cache
def _ssl_context() -> ssl.SSLContext:
    """The machine's trusted certificates, read once: it takes about 20 ms."""
    return httpx.create_ssl_context()


class _ReportedRequest(aiohttp.ClientRequest):
    """Reports to `Sending`. A proxy's CONNECT is another request, so it does not count as sending."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        _record(is_sent=False)

    async def send(self, conn: Connection) -> aiohttp.ClientResponse:
        _record(is_sent=True)
        return await super().send(conn)


def _record(*, is_sent: bool) -> None:
    if (sending := _sending.get()) is not None:
        sending.is_sent = is_sent
