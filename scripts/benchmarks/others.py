"""Benchmarks of single parts, which are programs of their own."""

import subprocess
import sys

from scripts.benchmarks.processes import ROOT

PROGRAMS = {
    "evidence": "scripts/bench_evidence.py",
    "transcripts": "scripts/bench_transcripts.py",
    "storage": "scripts/bench_storage.py",
    "access": "scripts/bench_access.py",
}


def run(name: str) -> None:
    """Run one, and let it print what it prints."""
    print(f"\n{PROGRAMS[name]}", flush=True)
    subprocess.run([sys.executable, PROGRAMS[name]], cwd=ROOT, check=True)
