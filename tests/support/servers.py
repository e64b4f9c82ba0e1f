"""Real servers for tests: started on free ports in temporary directories, stopped on leaving.

PostgreSQL and PgBouncer refuse to run as root, so root runs them as the user
`postgres` (PostgreSQL's package makes that user).
"""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg

START_SECONDS = 20
FAST_SHUTDOWN = signal.SIGINT
"""PostgreSQL waits for its clients on SIGTERM."""


class ServerMissing(Exception):
    """A program that a test needs is not installed. The message says how to get it."""


@dataclass
class Server:
    """A running server. `url` reaches it."""

    url: str
    directory: Path
    port: int
    command: Sequence[str]
    stop_signal: signal.Signals = signal.SIGTERM
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it (again), and return when its port answers."""
        with (self.directory / "output").open("ab") as output:
            self.process = subprocess.Popen(self.command, cwd=self.directory, stdout=output, stderr=subprocess.STDOUT)
        _wait_for(self)

    def stop(self) -> None:
        """End it in good order."""
        assert self.process is not None
        self.process.send_signal(self.stop_signal)
        self._leave()

    def kill(self) -> None:
        """End it and its children as a power cut would."""
        processes = self._processes()
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self._leave()
        psutil.wait_procs(processes, START_SECONDS)

    def freeze(self) -> None:
        """Let it hold its connections and answer nothing."""
        for process in self._processes():
            process.suspend()

    def thaw(self) -> None:
        for process in self._processes():
            process.resume()

    def _processes(self) -> list[psutil.Process]:
        if self.process is None:
            return []
        server = psutil.Process(self.process.pid)
        return [server, *server.children(recursive=True)]

    def _leave(self) -> None:
        if self.process is not None:
            self.process.wait(START_SECONDS)
            self.process = None


@contextmanager
def postgresql() -> Iterator[Server]:
    """A PostgreSQL server with one empty database."""
    initdb = _find("initdb", "install PostgreSQL (on Debian: apt-get install postgresql)")
    with _directory() as directory:
        cluster, port = directory / "cluster", free_port()
        options = ("--auth=trust", "--username=postgres", "--encoding=UTF8", "--no-sync", "--no-locale")
        _run([initdb, "-D", str(cluster), *options], directory)
        settings = {"port": port, "listen_addresses": "127.0.0.1", "unix_socket_directories": directory}
        settings |= {"max_connections": 60, "shared_buffers": "16MB", "logging_collector": "off"}
        flags = [flag for name, value in settings.items() for flag in ("-c", f"{name}={value}")]
        postgres = str(Path(initdb).resolve().with_name("postgres"))
        url = f"postgresql://postgres@127.0.0.1:{port}/postgres"
        server = Server(url, directory, port, [*_as_user(), postgres, "-D", str(cluster), *flags], FAST_SHUTDOWN)
        with _running(server):
            yield server


@contextmanager
def pgbouncer(backend: Server) -> Iterator[Server]:
    """PgBouncer in transaction mode before a server of `postgresql()`."""
    program = _find("pgbouncer", "install PgBouncer (on Debian: apt-get install pgbouncer)")
    with _directory() as directory:
        port = free_port()
        (directory / "users").write_text('"postgres" ""\n')
        (directory / "pgbouncer.ini").write_text(
            f"""[databases]
postgres = host=127.0.0.1 port={backend.port} dbname=postgres user=postgres
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
        )
        _own(directory)
        command = [*_as_user(), program, str(directory / "pgbouncer.ini")]
        url = f"postgresql://postgres@127.0.0.1:{port}/postgres"
        server = Server(url, directory, port, command)
        with _running(server):
            yield server


@contextmanager
def redis_server() -> Iterator[Server]:
    """A Redis server that keeps nothing on disk."""
    program = _find("redis-server", "install Redis (on Debian: apt-get install redis-server)")
    with _directory() as directory:
        port = free_port()
        command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(directory)]
        server = Server(f"redis://127.0.0.1:{port}/0", directory, port, command)
        with _running(server):
            yield server


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def _running(server: Server) -> Iterator[None]:
    server.start()
    try:
        yield
    finally:
        server.kill()


@contextmanager
def _directory() -> Iterator[Path]:
    directory = Path(tempfile.mkdtemp(prefix="rooms-"))
    _own(directory)
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


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
    subprocess.run([*_as_user(), *command], cwd=directory, check=True, capture_output=True, timeout=60)


def _find(program: str, advice: str) -> str:
    newest_first = sorted(map(str, Path("/usr/lib/postgresql").glob("*/bin")), reverse=True)
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", *newest_first])
    found = shutil.which(program, path=path)
    if found is None:
        raise ServerMissing(f"{program} is missing: {advice}.")
    return found


def _wait_for(server: Server) -> None:
    ends = time.monotonic() + START_SECONDS
    while not _is_ready(server):
        if server.process is None or server.process.poll() is not None or time.monotonic() > ends:
            raise RuntimeError(f"The server did not start: {(server.directory / 'output').read_text()[-500:]}")
        time.sleep(0.02)


def _is_ready(server: Server) -> bool:
    """A PostgreSQL that recovers from a crash takes connections before it answers."""
    if server.url.startswith("postgresql"):
        try:
            psycopg.connect(server.url, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", server.port)) == 0
