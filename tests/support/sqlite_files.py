"""The bytes of SQLite's files, read by another process.

A process that closes one of these files loses all locks that it has on it
(https://www.sqlite.org/howtocorrupt.html, 2.2): those of the service and of the test as well.
"""

import subprocess
from pathlib import Path


def read_file(path: Path) -> bytes:
    return subprocess.run(["cat", str(path)], capture_output=True, check=True).stdout


def files_with(word: str, folder: Path) -> dict[str, int]:
    """How often the word occurs in each file of `rooms.db` that contains it."""
    counts = {path.name: read_file(path).count(word.encode()) for path in folder.glob("rooms.db*")}
    return {name: count for name, count in counts.items() if count}
