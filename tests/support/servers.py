"""Real PostgreSQL, PgBouncer, Redis and nginx servers, on free ports and in temporary directories, ended on leaving.

PostgreSQL and PgBouncer refuse to run as root, so root runs them as the user
`postgres` (PostgreSQL's package makes that user).
"""

import atexit
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import psutil
import psycopg

from tests.support.ports import free_port
from tests.support.processes import ChildProcess
from tests.support.waiting import LIMIT_SECONDS, wait_until

__all__ = ["Server", "ServerMissing", "free_port", "nginx", "pgbouncer", "postgresql", "redis_server"]

STOP_SIGNALS = {
    "postgresql": signal.SIGINT,
    "pgbouncer": signal.SIGQUIT,
    "redis": signal.SIGTERM,
    "nginx": signal.SIGTERM,
}
"""Those after which a server does not wait for its clients."""
START_ATTEMPTS = 3
"""Between choosing a free port and using it, another process may take it."""

PGBOUNCER_INI = """[databases]
postgres = host=127.0.0.1 port={backend_port} dbname=postgres user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
auth_file = {directory}/users
pool_mode = transaction
default_pool_size = 4
max_client_conn = 200
server_login_retry = 1
"""

NGINX_CONF = """daemon off;
{user}
error_log stderr info;
pid {directory}/pid;
events {{}}
http {{
    access_log off;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    include {directory}/site.conf;
}}
"""


class ServerMissing(Exception):
    """A program that a test needs is not installed. The message says how to get it."""


@dataclass
class Server:
    """A server that can be stopped, killed, frozen and started again on the same port. `url` reaches it."""

    directory: Path
    url_template: str
    """The URL, with `{port}` in it."""
    make_command: Callable[[int], Sequence[str]]
    """The command that serves on a port."""
    stop_signal: signal.Signals
    port: int = 0
    process: ChildProcess | None = None
    """None while it is down."""

    @property
    def url(self) -> str:
        return self.url_template.format(port=self.port)

    def start(self) -> None:
        """Start it (again), and return when it accepts connections. Raises RuntimeError with its output if it ends."""
        for port in [self.port] if self.port else [free_port() for _ in range(START_ATTEMPTS)]:
            self.port = port
            self.process = self._launch()
            if self.process is not None:
                return
        raise RuntimeError(f"The server did not start: {(self.directory / 'output').read_text()[-500:]}")

    def stop(self) -> None:
        """Stop it gracefully."""
        assert self.process is not None
        self.process.stop(self.stop_signal)
        self.process = None

    def close(self) -> None:
        """End it, whatever state a test left it in. A PostgreSQL that is killed leaves shared memory behind."""
        self.thaw()
        if self.process is not None:
            self.stop()

    def kill(self) -> None:
        """End it and its children as a power cut would."""
        processes = self._processes()
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        if self.process is not None:
            self.process.kill()
            self.process = None
        psutil.wait_procs(processes, LIMIT_SECONDS)

    def freeze(self) -> None:
        """Keep its connections open and stop it from answering."""
        for process in self._processes():
            process.suspend()

    def thaw(self) -> None:
        for process in self._processes():
            with suppress(psutil.NoSuchProcess):  # PostgreSQL ends a connection's process by itself
                process.resume()

    def _launch(self) -> ChildProcess | None:
        """The process once it accepts connections, or None where it ends instead."""
        output = self.directory / "output"
        process = ChildProcess(self.make_command(self.port), directory=self.directory, output=output)
        wait_until(lambda: self._is_ready(process) or not process.is_running, f"{self.url} accepts connections")
        return process if process.is_running else None

    def _is_ready(self, process: ChildProcess) -> bool:
        """A PostgreSQL that recovers from a crash listens before it answers."""
        if process.listening_port != self.port:
            return False
        if self.url.startswith("postgresql"):
            try:
                psycopg.connect(self.url, connect_timeout=10).close()
            except psycopg.OperationalError:
                return False
        return True

    def _processes(self) -> list[psutil.Process]:
        if self.process is None:
            return []
        server = psutil.Process(self.process.pid)
        return [server, *server.children(recursive=True)]


@contextmanager
def postgresql() -> Iterator[Server]:
    """A PostgreSQL server with one empty database."""
    initdb = _find("initdb", "install PostgreSQL (on Debian: apt-get install postgresql)")
    with _directory() as directory:
        cluster = str(directory / "cluster")
        _run(["cp", "-a", str(_empty_cluster(initdb)), cluster], directory)
        settings = {"listen_addresses": "127.0.0.1", "unix_socket_directories": directory, "fsync": "off"}
        settings |= {"max_connections": "60", "shared_buffers": "16MB", "logging_collector": "off"}
        flags = [flag for name, value in settings.items() for flag in ("-c", f"{name}={value}")]
        postgres = str(Path(initdb).resolve().with_name("postgres"))
        command = [*_as_user(), postgres, "-D", cluster, *flags]
        url = "postgresql://postgres@127.0.0.1:{port}/postgres"
        server = Server(directory, url, lambda port: [*command, "-p", str(port)], STOP_SIGNALS["postgresql"])
        with _running(server):
            yield server


@contextmanager
def pgbouncer(backend: Server) -> Iterator[Server]:
    """PgBouncer in transaction mode before a server of `postgresql()`."""
    program = _find("pgbouncer", "install PgBouncer (on Debian: apt-get install pgbouncer)")
    with _directory() as directory:

        def make_command(port: int) -> list[str]:
            (directory / "users").write_text('"postgres" ""\n')
            configuration = PGBOUNCER_INI.format(port=port, backend_port=backend.port, directory=directory)
            (directory / "pgbouncer.ini").write_text(configuration)
            _own(directory)
            return [*_as_user(), program, str(directory / "pgbouncer.ini")]

        url = "postgresql://postgres@127.0.0.1:{port}/postgres"
        server = Server(directory, url, make_command, STOP_SIGNALS["pgbouncer"])
        with _running(server):
            yield server


@contextmanager
def redis_server() -> Iterator[Server]:
    """A Redis server that keeps nothing on disk."""
    program = _find("redis-server", "install Redis (on Debian: apt-get install redis-server)")
    with _directory() as directory:
        command = [program, "--bind", "127.0.0.1", "--save", "", "--dir", str(directory)]
        url = "redis://127.0.0.1:{port}/0"
        server = Server(directory, url, lambda port: [*command, "--port", str(port)], STOP_SIGNALS["redis"])
        with _running(server):
            yield server


@contextmanager
def nginx(configure: Callable[[int, Path], str]) -> Iterator[Server]:
    """nginx with the site that `configure` writes for a port and a directory of its own."""
    program = _find("nginx", "install nginx (on Debian: apt-get install nginx-light)")
    user = "user root;" if os.geteuid() == 0 else ""
    with _directory() as directory:

        def make_command(port: int) -> list[str]:
            (directory / "site.conf").write_text(configure(port, directory))
            (directory / "nginx.conf").write_text(NGINX_CONF.format(directory=directory, user=user))
            return [program, "-c", str(directory / "nginx.conf"), "-e", "stderr"]

        server = Server(directory, "https://127.0.0.1:{port}", make_command, STOP_SIGNALS["nginx"])
        with _running(server):
            yield server


@contextmanager
def _running(server: Server) -> Iterator[None]:
    server.start()
    try:
        yield
    finally:
        server.close()


@contextmanager
def _directory() -> Iterator[Path]:
    directory = Path(tempfile.mkdtemp(prefix="rooms-"))
    _own(directory)
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@cache
def _empty_cluster(initdb: str) -> Path:
    """A PostgreSQL cluster to copy: making one takes seconds, copying it a tenth of one."""
    directory = Path(tempfile.mkdtemp(prefix="rooms-cluster-"))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    _own(directory)
    options = ("--auth=trust", "--username=postgres", "--encoding=UTF8", "--no-sync", "--no-locale")
    _run([initdb, "-D", str(directory / "cluster"), *options], directory)
    return directory / "cluster"


def _own(directory: Path) -> None:
    if os.geteuid() == 0:
        for path in (directory, *directory.iterdir()):
            shutil.chown(path, "postgres")


def _as_user() -> list[str]:
    """`setpriv` becomes the program, so that a signal reaches the server itself."""
    if os.geteuid() != 0:
        return []
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]


def _run(command: Sequence[str], directory: Path) -> None:
    subprocess.run([*_as_user(), *command], cwd=directory, check=True, capture_output=True, timeout=LIMIT_SECONDS)


def _find(program: str, advice: str) -> str:
    newest_first = sorted(map(str, Path("/usr/lib/postgresql").glob("*/bin")), reverse=True)
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", *newest_first])
    found = shutil.which(program, path=path)
    if found is None:
        raise ServerMissing(f"{program} is missing: {advice}.")
    return found
