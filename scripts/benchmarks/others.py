"""Benchmarks of single parts, each a program of its own."""

import subprocess
import sys

from scripts.benchmarks.processes import ROOT

PROGRAMS = {
    "evidence": "scripts/bench_evidence.py",
    "transcripts": "scripts/bench_transcripts.py",
    "storage": "scripts/bench_storage.py",
    "access": "scripts/bench_access.py",
    "limits": "scripts/bench_limits.py",
}


def run(name: str) -> None:
    """Run one."""
    print(f"\n{PROGRAMS[name]}", flush=True)
    subprocess.run([sys.executable, PROGRAMS[name]], cwd=ROOT, check=True)
