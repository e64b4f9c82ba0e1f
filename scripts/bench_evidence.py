"""Measures the time to check a model's quotes, and the quotes that fuzzy matchers accept.

Run with `python scripts/bench_evidence.py`. The first table is the CPU time of 100 lookups, the index included, beside
one `str.find` for each quote; the best of five. The second table gives true quotes, written as models write them, and
altered ones to our finder, to langextract's aligner (https://github.com/google/langextract) and to
`rapidfuzz.fuzz.partial_ratio` (https://rapidfuzz.github.io/RapidFuzz/). Those two are installed by
`pip install -r requirements-bench.txt`; without them their lines are left out.
"""

import random
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from time import process_time
from typing import NamedTuple, TypeVar

sys.path.insert(0, str(Path(__file__).parent.parent))

from services.evidence.quotes import QuoteFinder
from services.transcript.transcript import SourceTurn, Transcript, parse_transcript

Result = TypeVar("Result")
Accepts = Callable[[str], bool]
Said = Sequence[tuple[str, int]]
"""Sentences of the candidate, each with the number of its turn."""

ROUNDS = 5
SEED = 20261123
QUOTES = 100
SIZES = (150_000, 1_000_000)
COMPARED_SIZE = 30_000
"""Characters. Small, because langextract's aligner takes seconds for a quote in a long interview."""
COMPARED_QUOTES = 20
"""Number of quotes of each kind."""
FUZZY_THRESHOLD = 90
"""Minimum similarity out of 100: a common choice for `partial_ratio`."""

_SYSTEMS = ("ledger", "billing queue", "payout service", "search index", "data warehouse", "booking system")
_GOALS = ("Postgres", "the new region", "a second provider", "the event log", "our own servers")


class Quote(NamedTuple):
    """A quote as a model might propose it. `is_true`: the candidate said these words."""

    kind: str
    text: str
    is_true: bool


def main() -> None:
    """Print both tables."""
    print(f"{'characters':>12}  {'100 quotes in':<26} {'found':>6} {'ms':>8} {'str.find ms':>12}")
    for size in SIZES:
        for name, turns in (("turns of two speakers", interview(size)), ("one turn", [monologue(size)])):
            transcript = parse_transcript(turns, candidate_names=(), interviewer_names=())
            print(f"{size:>12,}  {name:<26} {time_lookups(transcript)}")
    compare(parse_transcript(interview(COMPARED_SIZE), candidate_names=(), interviewer_names=()))


def time_lookups(transcript: Transcript) -> str:
    """Number of 100 quotes that are found, and the time: a third as said, a third in capitals, a third never said."""
    changes: Sequence[Callable[[str], str]] = (str, str.upper, lambda text: f"{text} unheard")
    said = sample(sentences(transcript), QUOTES)
    quotes = [(changes[number % 3](text), turn) for number, (text, turn) in enumerate(said)]
    found, checking = timed(lambda: count_found(QuoteFinder(transcript), quotes))
    _, finding = timed(lambda: [transcript.text.find(quote) for quote, _ in quotes])
    return f"{found:>6} {checking:>8.1f} {finding:>12.1f}"


def compare(transcript: Transcript) -> None:
    """Print how many true and altered quotes each matcher accepts, by kind."""
    quotes = list(proposals(sentences(transcript)))
    kinds = list(dict.fromkeys((quote.kind, quote.is_true) for quote in quotes))
    matchers = dict(available_matchers(transcript))
    print(
        f"\n{'accepted of ' + str(len(quotes) // len(kinds)) + ' quotes each':<36} {'':<8}",
        *(f"{m:>12}" for m in matchers),
    )
    accepted: dict[str, set[Quote]] = {}
    times: dict[str, float] = {}
    for name, accepts in matchers.items():
        accepted[name], times[name] = timed(partial(accepted_by, accepts, quotes), 1)
    for kind, is_true in kinds:
        counts = (sum(quote.kind == kind for quote in accepted[name]) for name in matchers)
        print(f"{kind:<36} {'true' if is_true else 'altered':<8}", *(f"{count:>12}" for count in counts))
    print(f"{'ms for each quote':<45}", *(f"{times[name] / len(quotes):>12.2f}" for name in matchers))
    for name in ("langextract", "rapidfuzz"):
        if name not in matchers:
            print(f"{name} is not installed: pip install -r requirements-bench.txt")


def accepted_by(accepts: Accepts, quotes: Sequence[Quote]) -> set[Quote]:
    """The quotes that a matcher accepts."""
    return {quote for quote in quotes if accepts(quote.text)}


def available_matchers(transcript: Transcript) -> Iterator[tuple[str, Accepts]]:
    """Ours, and the fuzzy ones that are installed."""
    finder = QuoteFinder(transcript)
    yield "ours", lambda text: bool(finder.find_quote(text, None).quotes)
    if find_spec("langextract"):
        yield "langextract", langextract_aligner(transcript.text)
    if find_spec("rapidfuzz"):
        fuzz = import_module("rapidfuzz.fuzz")
        yield "rapidfuzz", lambda text: bool(fuzz.partial_ratio(text, transcript.text) >= FUZZY_THRESHOLD)


def langextract_aligner(source: str) -> Accepts:
    """Accepts what langextract aligns as a whole, exactly or fuzzily, with its default thresholds."""
    resolver, data = import_module("langextract.resolver"), import_module("langextract.data")
    aligner = resolver.WordAligner()
    whole = {data.AlignmentStatus.MATCH_EXACT, data.AlignmentStatus.MATCH_FUZZY}

    def accepts(text: str) -> bool:
        extraction = data.Extraction(extraction_class="quote", extraction_text=text)
        (aligned,) = aligner.align_extractions([[extraction]], source, accept_match_lesser=False)
        return aligned[0].alignment_status in whole

    return accepts


def proposals(said: Said) -> Iterator[Quote]:
    """True quotes with the marks that models add, and quotes that say something else."""
    for number, (text, _) in enumerate(sample(said, COMPARED_QUOTES)):
        following = said[(number * 7 + 3) % len(said)][0]
        yield Quote("as said", text, is_true=True)
        yield Quote("without the full stop, in quotes", f"“{text.rstrip('.')}”", is_true=True)
        yield Quote("Markdown, and the head of the turn", f"[T2 candidate] **{text}**", is_true=True)
        yield Quote("another dash, another case", text.replace(" -- ", " — ").upper(), is_true=True)
        yield Quote("a negation put in", text.replace("I moved", "I never moved"), is_true=False)
        yield Quote("a number changed", text.replace(" weeks", "0 weeks"), is_true=False)
        yield Quote("another verb", text.replace("moved", "built"), is_true=False)
        yield Quote(
            "the halves of two sentences", f"{text[: len(text) // 2]}{following[len(following) // 2 :]}", is_true=False
        )


def sample(said: Said, size: int) -> Said:
    """Some of the sentences, the same in each run."""
    return random.Random(SEED).sample(list(said), size)


def sentences(transcript: Transcript) -> Said:
    """The candidate's sentences with the numbers of their turns."""
    turns = (turn for turn in transcript.turns if turn.role == "candidate")
    return [(f"{text}.", turn.number) for turn in turns for text in turn.text.rstrip(".").split(". ")]


def interview(size: int) -> list[SourceTurn]:
    """Questions, and answers of one to five sentences; every sentence occurs once."""
    chance = random.Random(SEED)
    spoken = answers()
    turns: list[SourceTurn] = []
    while sum(len(turn.text) for turn in turns[-1:]) + len(turns) * 200 < size:
        turns.append(SourceTurn("user", "And what did you do after that, and how did you know that it worked?"))
        turns.append(SourceTurn("assistant", " ".join(next(spoken) for _ in range(chance.randint(1, 5)))))
    return turns


def monologue(size: int) -> SourceTurn:
    """One answer of this length."""
    spoken = answers()
    return SourceTurn("assistant", " ".join(next(spoken) for _ in range(size // 90)))


def answers() -> Iterator[str]:
    """Sentences without end, no two the same."""
    chance = random.Random(SEED)
    number = 0
    while True:
        number += 1
        system, goal = chance.choice(_SYSTEMS), chance.choice(_GOALS)
        yield f"In step {number} I moved the {system} to {goal} -- it took {chance.randint(2, 90)} weeks with tests."


def count_found(finder: QuoteFinder, quotes: Said) -> int:
    """Number of the quotes that are found."""
    return sum(bool(finder.find_quote(quote, turn).quotes) for quote, turn in quotes)


def timed(work: Callable[[], Result], rounds: int = ROUNDS) -> tuple[Result, float]:
    """The result, and the CPU milliseconds of the fastest round."""
    best = float("inf")
    for _ in range(rounds):
        started = process_time()
        result = work()
        best = min(best, process_time() - started)
    return result, best * 1000


if __name__ == "__main__":
    main()
