"""What stands in SQLite's files, read by another process: whoever closes one of them lets go of all the locks that his
own process has on it (https://www.sqlite.org/howtocorrupt.html, 2.2), those of the service and of the test among them.
"""

import subprocess
from pathlib import Path


def read_file(path: Path) -> bytes:
    return subprocess.run(["cat", str(path)], capture_output=True, check=True).stdout


def files_with(word: str, folder: Path) -> dict[str, int]:
    """How often the word stands in each of the files of `rooms.db` that hold it."""
    counts = {path.name: read_file(path).count(word.encode()) for path in folder.glob("rooms.db*")}
    return {name: count for name, count in counts.items() if count}
