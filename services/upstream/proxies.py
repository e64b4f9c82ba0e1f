"""Proxies between this server and vendors, from `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`.

aiohttp could read the environment itself (`trust_env`), but does so in a thread for every request, which doubles the
CPU time of a call, and it sends what ~/.netrc has for the host. So it is read once, when the connections are opened.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import NamedTuple
from urllib.parse import urlsplit
from urllib.request import getproxies

import httpx

from config import UnusableSetting
from services.upstream.hosts import is_loopback, parse_address


class Proxies(NamedTuple):
    """The proxy for each scheme, and the hosts that are reached directly."""

    by_scheme: Mapping[str, str]
    """URLs, with the user and password of the proxy."""
    no_proxy: Sequence[str] = ()
    """Entries of `NO_PROXY`: `*`, a domain with all below it, an address or a network; names may have a port."""

    def url_for(self, url: httpx.URL) -> str | None:
        """The proxy to send a request through; None to connect directly, as to any loopback address."""
        proxy = self.by_scheme.get(url.scheme)
        if proxy is None or is_loopback(url.host) or any(_matches(entry, url) for entry in self.no_proxy):
            return None
        return proxy


def environment_proxies() -> Proxies:
    """The proxies that the environment names. Raises UnusableSetting for one that can't be used."""
    found = getproxies()
    by_scheme = {scheme: _proxy_url(scheme, found[scheme].strip()) for scheme in ("http", "https") if found.get(scheme)}
    no_proxy = [entry.strip().lower() for entry in found.get("no", "").split(",") if entry.strip()]
    return Proxies(by_scheme, no_proxy)


class ProxyRouter(httpx.AsyncBaseTransport):
    """Sends each request directly, or through the proxy for its URL."""

    def __init__(self, proxies: Proxies, open_through: Callable[[str | None], httpx.AsyncBaseTransport]) -> None:
        self._proxies = proxies
        self._transports = {url: open_through(url) for url in (None, *dict.fromkeys(proxies.by_scheme.values()))}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self._transports[self._proxies.url_for(request.url)].handle_async_request(request)

    async def aclose(self) -> None:
        for transport in self._transports.values():
            await transport.aclose()


def _proxy_url(scheme: str, value: str) -> str:
    """The proxy's URL; a host with a port is read as one."""
    url = value if "://" in value else f"http://{value}"
    with suppress(ValueError):
        parts = urlsplit(url)
        if parts.scheme == "http" and parts.hostname and parts.port != 0:
            return url
    raise UnusableSetting(
        f"{scheme.upper()}_PROXY: must be an http URL such as http://proxy.example:3128; SOCKS and https do not work."
    )


_DEFAULT_PORTS = {"http": 80, "https": 443}


def _matches(entry: str, url: httpx.URL) -> bool:
    """Whether an entry of `NO_PROXY` names the host of this URL."""
    address, network = parse_address(url.host), _network(entry)
    if network is not None:
        return address is not None and address in network
    name, _, port = entry.partition(":")
    if port and port != str(url.port or _DEFAULT_PORTS[url.scheme]):
        return False
    return name == "*" or f".{url.host}".endswith("." + name.removeprefix("*").removeprefix("."))


@lru_cache(maxsize=64)
def _network(entry: str) -> IPv4Network | IPv6Network | None:
    try:
        return ip_network(entry.strip("[]"), strict=False)
    except ValueError:
        return None
