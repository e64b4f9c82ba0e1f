"""How long reading a transcript and checking quotes takes, beside the least that it could take.

Run with `python scripts/bench_evidence.py`. The baselines are `str.splitlines`
for reading, and one `str.find` for each quote for checking; neither knows who
spoke, and neither finds a quote whose line wraps. Times are the best of five.
"""

import random
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import TypeVar

sys.path.insert(0, str(Path(__file__).parent.parent))

from services.evidence.quotes import QuoteFinder
from services.transcript.transcript import Transcript, parse_transcript

Result = TypeVar("Result")

QUOTES = 100
ROUNDS = 5
SEED = 20261123
SIZES = (150_000, 1_000_000)
WORDS = (
    "we moved the service to a queue because writes were slow and I measured it with traces before we shipped the "
    "second version so the team could roll back in minutes if the numbers looked wrong on the dashboard we built"
)
VOCABULARY = WORDS.split()


def main() -> None:
    """Print one table."""
    print(f"{'characters':>12} {'what':<34} {'ms':>9} {'baseline ms':>12}")
    for size in SIZES:
        for name, make in (
            ("plain lines", plain_lines),
            ("plain lines, not ASCII", accented_lines),
            ("WebVTT", webvtt),
        ):
            report(size, name, make(size))
        report(size, "one turn", f"Candidate: {plain_lines(size).replace(':', ',')}")


def report(size: int, name: str, source: str) -> None:
    """Two lines of the table: reading, then checking."""
    transcript, reading = timed(lambda: read(source))
    _, splitting = timed(source.splitlines)
    quotes = sample_quotes(transcript)
    found, checking = timed(lambda: check(transcript, quotes))
    _, finding = timed(lambda: [source.find(quote) for quote, _ in quotes])
    print(f"{size:>12,} {name + ': reading':<34} {reading:>9.1f} {splitting:>12.1f}")
    print(f"{size:>12,} {name + f': {found} of {len(quotes)} found':<34} {checking:>9.1f} {finding:>12.1f}")


def timed(work: Callable[[], Result]) -> tuple[Result, float]:
    """What it gives, and the milliseconds that it took."""
    best = float("inf")
    for _ in range(ROUNDS):
        start = perf_counter()
        result = work()
        best = min(best, perf_counter() - start)
    return result, best * 1000


def read(source: str) -> Transcript:
    """As a debrief reads it."""
    return parse_transcript(source, candidate_names=["Ada Example"], interviewer_names=["Bob Sample"])


def check(transcript: Transcript, quotes: list[tuple[str, int]]) -> int:
    """How many are found, the index included in the time."""
    finder = QuoteFinder(transcript)
    return sum(bool(finder.find_quote(quote, turn)) for quote, turn in quotes)


def sample_quotes(transcript: Transcript) -> list[tuple[str, int]]:
    """Of the candidate's turns: a third word for word, a third folded, a third with a word that was not said."""
    chance = random.Random(SEED)
    turns = [turn for turn in transcript.turns if turn.role == "candidate"]
    chosen = [chance.choice(turns) for _ in range(QUOTES)]
    return [(_change(_excerpt(turn.text, chance), number), turn.number) for number, turn in enumerate(chosen)]


def _excerpt(text: str, chance: random.Random) -> str:
    words = text[(start := chance.randrange(max(1, len(text) - 400))) : start + 400].split()[1:]
    return " ".join(words[:20])


def _change(quote: str, number: int) -> str:
    if number % 3 == 0:
        return quote
    return quote.upper() if number % 3 == 1 else f"{quote} unheard"


def plain_lines(size: int) -> str:
    """Lines as a person pastes them, wrapped now and then."""
    chance = random.Random(SEED)
    lines: list[str] = []
    length = 0
    while length < size:
        name = "Ada Example" if len(lines) % 2 else "Bob Sample"
        wrapped = "\n".join(" ".join(chance.choices(VOCABULARY, k=16)) for _ in range(chance.randint(1, 5)))
        lines.append(f"{name}: {wrapped}.")
        length += len(lines[-1]) + 1
    return "\n".join(lines)


def accented_lines(size: int) -> str:
    """The same with letters that have to be decomposed."""
    return plain_lines(size).replace("e ", "é ").replace("'", "’")


def webvtt(size: int) -> str:
    """Cues as Daily stores them, one for each line of text."""
    cues = ["WEBVTT\n"]
    lines = plain_lines(size * 5 // 8).splitlines()
    speaker = ""
    for number, line in enumerate(lines):
        head, colon, text = line.partition(": ")
        speaker = head if colon else speaker
        at = f"{number // 3600:02}:{number // 60 % 60:02}:{number % 60:02}.000"
        cues.append(f"transcript:{number}\n{at} --> {at}\n<v>{speaker}:</v>{text or line}\n")
    return "\n".join(cues)


if __name__ == "__main__":
    main()
