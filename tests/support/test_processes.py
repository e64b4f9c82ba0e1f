"""Child processes end with the test run, however it ends; servers find another port where theirs is taken."""

import socket
import sys
from pathlib import Path

import psutil
import pytest

from tests.support.api_server import ROOT
from tests.support.processes import ChildProcess
from tests.support.servers import STOP_SIGNALS, Server
from tests.support.waiting import wait_until

SLEEP = "import time; time.sleep(3600)"
SLEEP_WITH_A_CHILD = f"""
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", {SLEEP!r}])
print(child.pid, flush=True)
{SLEEP}
"""
TEST_RUN = f"""
import sys
from pathlib import Path
from tests.support.processes import ChildProcess
server = ChildProcess([sys.executable, "-c", {SLEEP!r}], directory=Path(), output=Path("/dev/null"))
print(server.pid, flush=True)
{SLEEP}
"""


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "output"


def printed_pid(output: Path) -> int:
    wait_until(lambda: output.read_text().endswith("\n"), "the process id is printed")
    return int(output.read_text())


def wait_until_gone(pid: int) -> None:
    wait_until(lambda: not psutil.pid_exists(pid), f"process {pid} ends")


def test_killed_test_run_leaves_no_process(output):
    with ChildProcess([sys.executable, "-c", TEST_RUN], directory=ROOT, output=output) as test_run:
        pid = printed_pid(output)
        assert psutil.pid_exists(pid)

        test_run.kill()

    wait_until_gone(pid)


def test_process_that_is_killed_leaves_no_child(output):
    with ChildProcess([sys.executable, "-c", SLEEP_WITH_A_CHILD], directory=ROOT, output=output):
        pid = printed_pid(output)

    wait_until_gone(pid)


def test_server_whose_port_is_taken_starts_on_another(tmp_path):
    tries = []
    with socket.socket() as another:

        def make_command(port: int) -> list[str]:
            if not tries:
                another.bind(("127.0.0.1", port))
                another.listen()
            tries.append(port)
            return [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(port)]

        server = Server(tmp_path, "http://127.0.0.1:{port}", make_command, STOP_SIGNALS["redis"])
        server.start()
        server.close()

    assert len(tries) == 2
    assert server.url == f"http://127.0.0.1:{tries[1]}"
