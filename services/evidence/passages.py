"""What matters of a transcript that is too long to be read at once: the passages that readings of its parts quote."""

from collections.abc import Iterable

from services.evidence.debrief import Quote
from services.evidence.model_answer import ModelDebrief
from services.evidence.quotes import QuoteFinder
from services.prompts.inputs import numbered_line
from services.transcript.transcript import Transcript


def quoted_passages(readings: Iterable[ModelDebrief], transcript: Transcript) -> list[Quote]:
    """The quotes that stand in the transcript, each once, in its order."""
    finder = QuoteFinder(transcript)
    found = {
        (quote.start, quote.end): quote
        for reading in readings
        for proposed in reading.quotes()
        if proposed.source == "transcript"
        for quote in finder.find_quote(proposed.quote, proposed.turn)
    }
    return [found[place] for place in sorted(found)]


def passage_lines(passages: Iterable[Quote], size: int) -> tuple[str, int]:
    """The passages as numbered lines of at most `size` characters in all, and how many had to be left out."""
    lines: list[str] = []
    left_out = 0
    for passage in passages:
        line = numbered_line(passage.turn or 0, passage.speaker or "unknown", passage.at, passage.text)
        if len(line) < size:
            lines.append(line)
            size -= len(line) + 1
        else:
            left_out += 1
    return "\n".join(lines), left_out
