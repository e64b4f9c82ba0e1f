"""Token estimates, and shortening of prompts that do not fit a model's context.

Tokens are estimated from above at three bytes of UTF-8 each: English takes about 4.5 bytes a token, Chinese about 3.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from services.text.excerpt import excerpt

BYTES_PER_TOKEN = 3
MAX_BYTES_PER_CHARACTER = 4
"""Maximum length of a character in UTF-8."""
SHARES = {
    "resume": 1 / 6,
    "job_description": 1 / 6,
    "context": 1 / 4,
    "interviewer_notes": 1 / 4,
    "sidebar_chat": 1 / 8,
    "plan": 1 / 8,
    "scales": 1 / 8,
}
"""Maximum share of the material that each part may take when the material has to be shortened."""
FREE_SHARE = 1 / 2
"""Nothing is shortened while all parts but the transcript take no more than this of the material."""
_LATEST_COUNTS = frozenset({"sidebar_chat"})
"""Parts of which the end is kept rather than the beginning."""

_CHARACTERS_PER_TOKEN_AT_MOST = 8
_LEAST_CHARACTERS = 8000


class FittedParts(NamedTuple):
    """The parts of a prompt that fit, the tokens left for the transcript, and a warning for each shortened part."""

    parts: dict[str, str]
    tokens_left: int
    warnings: list[str]


def size_in_bytes(text: str) -> int:
    """Bytes of UTF-8."""
    return len(text) if text.isascii() else len(text.encode(errors="replace"))


def estimate_tokens(text: str) -> int:
    """Upper estimate of the tokens of a text."""
    return -(-size_in_bytes(text) // BYTES_PER_TOKEN)


def estimate_prompt(messages: Iterable[Mapping[str, str]]) -> int:
    """Upper estimate of the tokens of all messages."""
    return sum(estimate_tokens(message["content"]) for message in messages)


def fit_parts(
    parts: Mapping[str, str], tokens: int, *, shares: Mapping[str, float] = SHARES, free_share: float = FREE_SHARE
) -> FittedParts:
    """The parts shortened to their shares of `tokens`, where they take more than `free_share` of it together."""
    used = sum(map(estimate_tokens, parts.values()))
    if used <= tokens * free_share:
        return FittedParts(dict(parts), tokens - used, [])
    fitted = {kind: _shortened(kind, text, int(tokens * shares.get(kind, 1))) for kind, text in parts.items()}
    cut = [kind.replace("_", " ") for kind, text in parts.items() if fitted[kind] != text]
    used = sum(map(estimate_tokens, fitted.values()))
    return FittedParts(fitted, tokens - used, [_SHORTENED.format(part=part) for part in cut])


_SHORTENED = "To fit the model's context (LLM_CONTEXT_TOKENS), this was shortened: the {part}."


def _shortened(kind: str, text: str, tokens: int) -> str:
    size = max(0, tokens) * BYTES_PER_TOKEN
    if size_in_bytes(text) <= size:
        return text
    if kind in _LATEST_COUNTS:
        encoded = text.encode(errors="replace")
        return encoded[len(encoded) - size :].decode(errors="ignore")
    return excerpt(text, size).text


def prompt_cut_warning(characters: int, prompt_tokens: int | None) -> str | None:
    """A warning if a server counted far fewer tokens than a prompt of this length has.

    Ollama cuts a prompt to its context length without an error: https://github.com/ollama/ollama/issues/4967
    """
    least = characters // _CHARACTERS_PER_TOKEN_AT_MOST
    if not prompt_tokens or characters < _LEAST_CHARACTERS or prompt_tokens >= least:
        return None
    return (
        f"The model's server counted {prompt_tokens:,} tokens where at least {least:,} were sent: it has probably cut "
        "the prompt, and this answer is made of a part of the material. Raise the context length of that server."
    )
