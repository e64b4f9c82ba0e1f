"""Kills the processes of a test run that was killed itself.

Run by `tests.support.processes`. Reads `+PID` and `-PID` lines from standard
input: process groups that were started and that ended. Standard input closes
when the test run ends, however it ends; what is left then is killed.
"""

import os
import signal
import sys
from contextlib import suppress


def main() -> None:
    """Keep the list until standard input closes, then kill the groups on it."""
    groups: set[int] = set()
    for line in sys.stdin:
        change = groups.add if line.startswith("+") else groups.discard
        change(int(line[1:]))
    for group in groups:
        with suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    main()
