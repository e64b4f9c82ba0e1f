"""The service as docs/deployment.md runs it: behind nginx with docs/nginx.conf."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from ssl import SSLContext, create_default_context

import httpx
import trustme

from tests.support.api_server import ROOT, ApiServer, own_environment
from tests.support.processes import ChildProcess
from tests.support.servers import Server, nginx
from tests.support.waiting import LIMIT_SECONDS, wait_until

HOST = "interviews.example.com"
CONFIGURATION = (ROOT / "docs" / "nginx.conf").read_text()
SERVE = [sys.executable, str(ROOT / "scripts" / "serve.py")]


@dataclass
class Site:
    """The service behind nginx. Connections can come from any loopback address, each a client of its own."""

    server: Server
    trust: SSLContext

    @property
    def access_log(self) -> str:
        return (self.server.directory / "access.log").read_text()

    @contextmanager
    def client(self, address: str) -> Iterator[httpx.Client]:
        """A client at this loopback address."""
        transport = httpx.HTTPTransport(verify=self.trust, local_address=address)
        with httpx.Client(
            transport=_WithHostName(transport),
            base_url=self.server.url,
            headers={"Host": HOST},
            timeout=LIMIT_SECONDS,
        ) as client:
            yield client

    @property
    def http_socket(self) -> str:
        """The socket on which nginx serves plain HTTP."""
        return str(self.server.directory / "http.sock")


class _WithHostName(httpx.BaseTransport):
    """Asks for the certificate of the host name, whatever the address."""

    def __init__(self, inner: httpx.BaseTransport) -> None:
        self._inner = inner

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.extensions["sni_hostname"] = HOST
        return self._inner.handle_request(request)

    def close(self) -> None:
        self._inner.close()


@contextmanager
def serving(directory: Path, *flags: str, **settings: str) -> Iterator[ApiServer]:
    """The service as scripts/serve.py starts it, ready."""
    log = directory / "log"
    environment = own_environment(TRUSTED_HOSTS=HOST, **settings)
    with ChildProcess([*SERVE, *flags], directory=directory, output=log, environment=environment) as process:
        server = ApiServer(directory, process)
        wait_until(lambda: "Uvicorn running on" in server.log or not process.is_running, "the service is ready")
        assert process.is_running, server.log[-2000:]
        server.url = f"http://127.0.0.1:{process.listening_port}"  # of no meaning on a unix socket
        yield server
        server.stop()


@contextmanager
def site(*upstreams: str, changes: Mapping[str, str] = {}) -> Iterator[Site]:
    """nginx with docs/nginx.conf before these servers; `changes` are the parts of the file that a test replaces."""
    authority = trustme.CA()
    certificate = authority.issue_cert(HOST)
    trust = create_default_context()
    authority.configure_trust(trust)

    def configure(port: int, directory: Path) -> str:
        certificate.cert_chain_pems[0].write_to_path(directory / "certificate.pem")
        certificate.private_key_pem.write_to_path(directory / "key.pem")
        return _replace(
            CONFIGURATION,
            {
                "listen 80;": f"listen unix:{directory}/http.sock;",
                "listen 443 ": f"listen 127.0.0.1:{port} ",
                "/etc/ssl/interview-room/": f"{directory}/",
                "server 127.0.0.1:8001;": " ".join(f"server {upstream};" for upstream in upstreams),
                "server 127.0.0.1:8002;": "",
            }
            | changes,
        )

    with nginx(configure) as server:
        yield Site(server, trust)


def _replace(text: str, changes: Mapping[str, str]) -> str:
    for old, new in changes.items():
        assert old in text, f"docs/nginx.conf no longer has {old!r}"
        text = text.replace(old, new)
    return text
