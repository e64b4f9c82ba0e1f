"""Proxies from the environment, tried with a proxy in a process of its own."""

import ssl
from asyncio import to_thread
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
import trustme

from config import UnusableSetting
from main import create_app
from services.daily import map_error
from services.errors import ProviderUnavailable
from services.upstream.client import VendorClient
from services.upstream.proxies import Proxies, environment_proxies
from tests.faults.answers import FORGOTTEN, answer_well
from tests.faults.wire import FakeVendor
from tests.support.api_server import api_server
from tests.support.forward_proxy import ForwardProxy, forward_proxy
from tests.support.keys import as_environment, vendors_at
from tests.support.vendor_client import NO_RETRIES, vendor_client
from tests.support.waiting import LIMIT_SECONDS

pytestmark = pytest.mark.anyio

PROXY = "http://proxy.example:3128"
VARIABLES = ("http_proxy", "https_proxy", "no_proxy", "all_proxy")


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def proxy() -> Iterator[ForwardProxy]:
    with forward_proxy() as running:
        yield running


@asynccontextmanager
async def fake_vendor(certificate: ssl.SSLContext | None = None) -> AsyncIterator[FakeVendor]:
    vendor = FakeVendor(answer_well, certificate)
    await vendor.open()
    try:
        yield vendor
    finally:
        await vendor.close()


def client(url: str) -> VendorClient:
    return vendor_client("Daily", url, map_error, deadline=30, policy=NO_RETRIES)


@pytest.mark.parametrize(
    ("url", "no_proxy", "is_proxied"),
    [
        ("https://api.daily.co/v1", [], True),
        ("http://model.example/v1", [], False),
        ("https://localhost:8443", [], False),
        ("https://LOCALHOST.", [], False),
        ("https://model.localhost", [], False),
        ("https://127.0.0.1:8443", [], False),
        ("https://127.8.9.1", [], False),
        ("https://[::1]:8443", [], False),
        ("https://api.daily.co", ["*"], False),
        ("https://api.daily.co", ["daily.co"], False),
        ("https://api.daily.co", [".daily.co"], False),
        ("https://api.daily.co", ["*.daily.co"], False),
        ("https://api.daily.co", ["api.daily.co:443"], False),
        ("https://api.daily.co", ["api.daily.co:8443"], True),
        ("https://api.daily.co", ["aily.co", "daily.com", "co.uk"], True),
        ("https://10.1.2.3", ["10.0.0.0/8"], False),
        ("https://10.1.2.3", ["10.1.2.3"], False),
        ("https://11.1.2.3", ["10.0.0.0/8"], True),
        ("https://[fd00::1]", ["fd00::/8"], False),
    ],
)
def test_proxy_is_used_unless_the_host_is_loopback_or_excluded(url: str, no_proxy: list[str], is_proxied: bool) -> None:
    proxies = Proxies({"https": PROXY}, no_proxy)

    assert proxies.url_for(httpx.URL(url)) == (PROXY if is_proxied else None)


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy"])
@pytest.mark.parametrize("value", [PROXY, "proxy.example:3128", f" {PROXY} "])
def test_proxy_is_read_in_every_spelling(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    monkeypatch.setenv("NO_PROXY", " Intern.example , ,10.0.0.0/8")

    assert environment_proxies() == Proxies({"https": PROXY}, ["intern.example", "10.0.0.0/8"])


@pytest.mark.parametrize(
    "value", ["socks5://user:secret@proxy.example", "https://secret@proxy.example", "http://", "http://[", "http://h:x"]
)
def test_unusable_proxy_is_refused_without_showing_its_password(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("HTTPS_PROXY", value)

    with pytest.raises(UnusableSetting, match=r"^HTTPS_PROXY: ") as caught:
        environment_proxies()

    assert "secret" not in str(caught.value)


def test_unusable_proxy_ends_the_start(monkeypatch: pytest.MonkeyPatch, settings) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "socks5://proxy.example")

    with pytest.raises(UnusableSetting, match="HTTPS_PROXY"):
        create_app(settings())


async def test_request_goes_through_the_proxy(monkeypatch: pytest.MonkeyPatch, proxy: ForwardProxy) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://{proxy.address}")
    async with fake_vendor() as vendor, client(f"http://daily.example:{vendor.port}/daily") as upstream:
        response = await upstream.call("GET", f"/rooms/{FORGOTTEN}", repeatable=True)

        assert response.status == 200
        assert proxy.stop() == [f"GET http://daily.example:{vendor.port}/daily/rooms/{FORGOTTEN}"]


async def test_host_in_no_proxy_is_reached_directly(monkeypatch: pytest.MonkeyPatch, proxy: ForwardProxy) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://{proxy.address}")
    monkeypatch.setenv("NO_PROXY", "unresolvable.invalid")
    async with client("http://unresolvable.invalid") as upstream:
        with pytest.raises(ProviderUnavailable, match="can't be reached right now"):
            await upstream.call("GET", f"/rooms/{FORGOTTEN}", repeatable=True)

    assert proxy.stop() == []


async def test_loopback_is_reached_directly(monkeypatch: pytest.MonkeyPatch, proxy: ForwardProxy) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://{proxy.address}")
    async with fake_vendor() as vendor, client(f"{vendor.url}/daily") as upstream:
        assert (await upstream.call("GET", f"/rooms/{FORGOTTEN}", repeatable=True)).status == 200

    assert proxy.stop() == []


async def test_proxy_that_is_down_is_named_to_the_caller(monkeypatch: pytest.MonkeyPatch, proxy: ForwardProxy) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://{proxy.address}")
    proxy.stop()

    async with client("https://daily.example") as upstream:
        with pytest.raises(ProviderUnavailable, match="HTTPS_PROXY"):
            await upstream.call("POST", "/call", repeatable=False)


async def test_proxy_whose_name_is_unknown_is_named_to_the_caller_and_in_the_log(monkeypatch, caplog) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.invalid:3128")

    async with client("https://daily.example") as upstream:
        with pytest.raises(ProviderUnavailable, match="HTTPS_PROXY"):
            await upstream.call("POST", "/call", repeatable=False)

    assert "ClientConnectorDNSError proxy.invalid:3128 gaierror(" in caplog.text


async def test_address_that_does_not_connect_is_in_the_log(caplog) -> None:
    async with client("http://127.0.0.1:1") as upstream:
        with pytest.raises(ProviderUnavailable, match="can't be reached right now"):
            await upstream.call("POST", "/call", repeatable=False)

    assert "Daily gave no response: ClientConnectorError 127.0.0.1:1 ConnectionRefusedError(" in caplog.text


async def test_proxy_that_requires_credentials_is_named_to_the_caller(monkeypatch, caplog) -> None:
    with forward_proxy("ada:secret") as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://ada:wrong@{proxy.address}")
        async with client("https://daily.example:1") as upstream:
            with pytest.raises(ProviderUnavailable, match="HTTPS_PROXY"):
                await upstream.call("POST", "/call", repeatable=False)

    assert caplog.messages == ["Daily gave no response: ClientHttpProxyError 407"]


async def test_service_opens_a_room_over_tls_through_a_proxy_with_credentials(tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("daily.example").configure_cert(context)
    async with fake_vendor(context) as vendor:
        with forward_proxy("ada:secret") as proxy:
            environment = {
                "HTTPS_PROXY": f"http://ada:secret@{proxy.address}",
                "SSL_CERT_FILE": str(tmp_path / "ca.pem"),
            }
            status = await _open_room_in_a_process(f"https://daily.example:{vendor.port}", tmp_path, environment)
            lines = proxy.stop()

    assert status == 201
    assert set(lines) == {f"CONNECT daily.example:{vendor.port}"}


async def _open_room_in_a_process(vendor_url: str, folder: Path, environment: dict[str, str]) -> int:
    """The status of `POST /api/rooms`, by the service as a process with this environment."""

    def open_room() -> int:
        with api_server(folder, **as_environment(vendors_at(vendor_url)), **environment) as url:
            return httpx.post(f"{url}/api/rooms", json={"interviewer_name": "Ada"}, timeout=LIMIT_SECONDS).status_code

    return await to_thread(open_room)
