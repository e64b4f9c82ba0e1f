"""Warnings about prompt injection and hidden characters. The reader is warned; nothing is changed or refused."""

import re
from collections.abc import Callable, Mapping, Sequence

from services.text.invisible import has_bidirectional_or_tag_characters, strip_invisible
from services.transcript.transcript import Turn

TURNS_NAMED = 5
"""Maximum number of turns that a warning names."""

_ADDRESSES_MODEL = re.compile(
    r"\b(?:ignore|disregard|forget|override)\b[^.\n]{0,40}\b(?:previous|prior|above|earlier|all|your|the|any)\b"
    r"[^.\n]{0,40}\b(?:instruction|prompt|rule|direction|message)s?\b"
    r"|\bsystem\s+(?:prompt|message)\b"
    r"|\byou are (?:now|no longer)\b"
    r"|\b(?:as an?|dear) (?:ai|llm|language model|assistant)\b"
    r"|\b(?:to|note to|attention)\s+(?:the\s+)?(?:ai|llm|language model|model|assistant|grader|evaluator)\b\s*[:,]"
    r"|<\|(?:im_start|im_end|system|endoftext)\|>|\[/?INST\]|</?data-[0-9a-f]+"
    r"|\b(?:rate|score|recommend|give|grade)\b[^.\n]{0,40}\b(?:strong hire|5 out of 5|5/5|highest (?:score|rating))",
    re.IGNORECASE,
)


_KEYWORDS = (
    *("instruction", "prompt", "rule", "direction", "message", "you are now", "you are no longer"),
    *(" ai", "llm", "model", "assistant", "grader", "evaluator", "<|", "[inst", "[/inst", "data-"),
    *("strong hire", "5 out of 5", "5/5", "highest"),
)
"""Every match of the expression contains one of these; looking for them first is five times faster."""


def addresses_a_model(text: str) -> bool:
    """Whether the text addresses a language model."""
    cleaned = strip_invisible(text)
    folded = " ".join(cleaned.casefold().replace("ı", "i").split())
    return any(hint in folded for hint in _KEYWORDS) and _ADDRESSES_MODEL.search(cleaned) is not None


_SIGNS: tuple[tuple[Callable[[str], bool], str], ...] = (
    (addresses_a_model, "contains text that addresses a language model; it was read as material and not followed."),
    (
        has_bidirectional_or_tag_characters,
        "contains characters that hide or reorder text; the model read the text without them.",
    ),
)


def injection_warnings(turns: Sequence[Turn], texts: Mapping[str, str]) -> list[str]:
    """One sentence for each sign of injection in a text, or in turns of the transcript."""
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
