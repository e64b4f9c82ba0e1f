"""What in the material talks to a model, or hides from a reader. It is told to the reader, never acted upon."""

from collections.abc import Callable, Mapping, Sequence

from services.evidence.transcript import Turn
from services.evidence.untrusted import addresses_model, has_hidden_text

TURNS_NAMED = 5
"""How many turns a warning names before it says that there are more."""

_SIGNS: tuple[tuple[Callable[[str], bool], str], ...] = (
    (addresses_model, "holds text that addresses a language model; it was read as material, not followed."),
    (has_hidden_text, "holds characters that hide or reorder text; the model was given the text without them."),
)


def suspicions(turns: Sequence[Turn], texts: Mapping[str, str]) -> list[str]:
    """One sentence for each text, and for the transcript, that shows such a sign."""
    found: list[str] = []
    for shows, sentence in _SIGNS:
        found += [f"{place} {sentence}" for place, text in texts.items() if shows(text)]
        numbers = [turn.number for turn in turns if shows(turn.text) or shows(turn.speaker or "")]
        if numbers:
            found.append(f"{_places(numbers)} {sentence}")
    return found


def _places(numbers: Sequence[int]) -> str:
    named = ", ".join(f"T{number}" for number in numbers[:TURNS_NAMED])
    more = f" and {len(numbers) - TURNS_NAMED} more" if len(numbers) > TURNS_NAMED else ""
    return f"The transcript, at {named}{more},"
