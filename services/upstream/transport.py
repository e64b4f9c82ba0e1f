"""The connections to one vendor: aiohttp under the httpx API, and what its errors mean."""

import ssl
from enum import Enum, auto
from functools import cache
from http.cookiejar import CookieJar, DefaultCookiePolicy

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport
from pydantic import SecretStr

TRANSPORT_ERRORS = (httpx.TransportError, aiohttp.ClientError, UnicodeError)
"""httpx_aiohttp translates most of aiohttp's errors, but not an answer that is no HTTP, and it trips over a reason
phrase that is not in UTF-8.
"""

_UNREACHED = (
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.InvalidURL,
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
)
"""Only what is known to happen before the first byte is sent: for a phone call anything else may mean that it rings."""
_SLOW = (httpx.ReadTimeout, httpx.WriteTimeout, aiohttp.SocketTimeoutError)


class TransportFailure(Enum):
    """How a call got no answer."""

    NOT_SENT = auto()
    """Nothing was sent: no host, no connection, no trust."""
    DISCONNECTED = auto()
    """The vendor may have got the request: it hung up, spoke something that is not HTTP, or nobody knows."""
    TIMED_OUT = auto()


def transport_failure_of(error: Exception) -> tuple[TransportFailure, str]:
    """How the call was lost, and the name of the error for the log.

    httpx_aiohttp calls a refused connection, an unknown host and a lost
    connection all ConnectTimeout, so aiohttp's own error, its cause, tells them apart.
    """
    cause = error.__cause__ if isinstance(error.__cause__, aiohttp.ClientError) else error
    name = type(cause).__name__
    if isinstance(cause, _SLOW):
        return TransportFailure.TIMED_OUT, name
    if isinstance(cause, _UNREACHED):
        return TransportFailure.NOT_SENT, name
    return TransportFailure.DISCONNECTED, name


@cache
def _ssl_context() -> ssl.SSLContext:
    """The machine's trusted certificates, read once: it takes some 20 ms."""
    return httpx.create_ssl_context()


def open_transport(max_concurrency: int, *, keep_alive: bool = True) -> AiohttpTransport:
    """aiohttp under the httpx API: a third of the CPU of httpx's own pool (`make bench` prints both).

    `keep_alive=False` never reuses a connection: for calls that must not be
    repeated, since a reused one may turn out to be dead after it was written to.
    """
    ssl_context = _ssl_context()

    def open_session() -> aiohttp.ClientSession:
        session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=max_concurrency, ssl=ssl_context, force_close=not keep_alive, ttl_dns_cache=30
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None),
        )
        # it would send a GET or DELETE again by itself; who retries is VendorClient alone, and there is no other switch
        session._retry_connection = False  # noqa: SLF001
        return session

    return AiohttpTransport(verify=ssl_context, client=open_session)


def open_client(base_url: str, key: SecretStr | None, transport: httpx.AsyncBaseTransport) -> httpx.AsyncClient:
    """One vendor's client. Answers are asked for uncompressed, so none can original_span into a bomb."""
    headers = {"Accept-Encoding": "identity", "User-Agent": "interview-room-api"}
    if key is not None:
        headers["Authorization"] = f"Bearer {key.get_secret_value()}"
    return httpx.AsyncClient(
        base_url=base_url,
        headers=headers,
        transport=transport,
        follow_redirects=False,
        # what a vendor sets for one room must not come along with the next
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
    )
