"""Child processes of tests: each has a process group of its own, which is killed even when the test run is killed."""

import atexit
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Self

import psutil

from tests.support.waiting import LIMIT_SECONDS

_WATCHDOG = Path(__file__).with_name("watchdog.py")
_lock = Lock()


class ChildProcess:
    """A running program. Its output goes to a file. Leaving the `with` block kills it, should it still run."""

    def __init__(
        self, command: Sequence[str], *, directory: Path, output: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        self._name = " ".join(command)
        with output.open("ab") as log:
            self._popen = subprocess.Popen(
                command,
                cwd=directory,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._is_reaped = False
        _tell_watchdog(f"+{self.pid}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def is_running(self) -> bool:
        return self._popen.poll() is None

    @property
    def listening_port(self) -> int | None:
        """The first port on which it accepts connections, or None."""
        with suppress(psutil.NoSuchProcess):
            for connection in psutil.Process(self.pid).net_connections("tcp"):
                if connection.status == psutil.CONN_LISTEN:
                    return int(connection.laddr.port)
        return None

    def send_signal(self, number: signal.Signals) -> None:
        self._popen.send_signal(number)

    def wait(self) -> int:
        """Its exit code. Raises AssertionError where it does not end within two minutes."""
        try:
            self._popen.wait(LIMIT_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self._name} did not end within {LIMIT_SECONDS:.0f} s") from None
        return self._reap()

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """End it with this signal; returns its exit code."""
        self.send_signal(number)
        return self.wait()

    def kill(self) -> None:
        """End the whole process group as a power cut would."""
        self._popen.kill()
        self._reap()

    def _reap(self) -> int:
        """Its exit code. Children that outlived it are killed."""
        code = self._popen.wait()
        if not self._is_reaped:
            self._is_reaped = True
            with suppress(ProcessLookupError, PermissionError):  # macOS: nothing but zombies in it
                os.killpg(self.pid, signal.SIGKILL)
            _tell_watchdog(f"-{self.pid}")
        return code


def _tell_watchdog(line: str) -> None:
    with _lock:
        os.write(_watchdog_input(), f"{line}\n".encode())


@cache
def _watchdog_input() -> int:
    """The file descriptor that the watchdog reads from, started on first use."""
    watchdog = subprocess.Popen(
        [sys.executable, "-I", "-S", str(_WATCHDOG)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    atexit.register(watchdog.communicate)
    assert watchdog.stdin is not None
    return watchdog.stdin.fileno()
