"""CPU time for reading texts that are made to be slow, the slowest first.

Run with `python scripts/bench_transcripts.py [characters]`; the default is the longest transcript that a request may
have, 1,000,000 characters. The promise is less than a second for each.
"""

import sys
from pathlib import Path
from time import process_time

sys.path.insert(0, str(Path(__file__).parent.parent))

from scripts.benchmarks.hostile_transcripts import HOSTILE
from services.transcript.transcript import UnreadableTranscript, parse_transcript

LONGEST = 1_000_000
SHOWN = 15


def main() -> None:
    """Print one table."""
    size = int(sys.argv[1]) if len(sys.argv) > 1 else LONGEST
    results = sorted((measure(make(size)), name) for name, make in HOSTILE.items())
    print(f"Reading {size:,} characters, the slowest {SHOWN} of {len(results)} hostile texts")
    for (milliseconds, outcome), name in reversed(results[-SHOWN:]):
        print(f"{name:<36} {milliseconds:>7.0f} ms   {outcome}")


def measure(source: str) -> tuple[float, str]:
    """Milliseconds of CPU time, and what came of it."""
    start = process_time()
    outcome = read(source)
    return (process_time() - start) * 1000, outcome


def read(source: str) -> str:
    """Number of turns, or the reason why the text is refused."""
    try:
        turns = parse_transcript(source, candidate_names=["Dario Vento"], interviewer_names=["Nora Kim"]).turns
    except UnreadableTranscript as error:
        return f"refused: {str(error).partition(';')[0]}"
    return f"{len(turns):,} turns"


if __name__ == "__main__":
    main()
