"""Write requirements.lock: every package that requirements.txt needs, with its version and hashes.

    python scripts/write_lock.py [--upgrade] [FILE]

It fits every platform and Python 3.11 and newer. Versions stay as they are in the file unless they no longer fit;
`--upgrade` takes the newest.
"""

import subprocess
import sys
from argparse import ArgumentParser
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements.lock"
OPTIONS = ("--universal", "--python-version=3.11", "--generate-hashes", "--no-annotate", "--no-config", "--quiet")


def main() -> None:
    """Write the file that the arguments name."""
    arguments = ArgumentParser(description="Write requirements.lock.")
    arguments.add_argument("--upgrade", action="store_true", help="take the newest versions that fit")
    arguments.add_argument("file", type=Path, nargs="?", default=LOCK)
    chosen = arguments.parse_args()
    command = [sys.executable, "-m", "uv", "pip", "compile", "requirements.txt", *OPTIONS]
    command += ["--custom-compile-command=make lock", f"--output-file={chosen.file.resolve()}"]
    command += ["--upgrade"] if chosen.upgrade else []
    sys.exit(subprocess.run(command, cwd=ROOT, check=False).returncode)


if __name__ == "__main__":
    main()
