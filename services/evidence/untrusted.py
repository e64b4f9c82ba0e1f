"""Text from strangers on its way to a model: cleaned, and fenced in blocks it cannot forge.

Cleaning and fencing reduce accidents; they are no barrier. What holds is that
code checks whatever a model answers (OWASP LLM01:2025).
"""

import re

_INVISIBLE = re.compile(
    "[\u0000-\u0008\u000b-\u001f\u007f-\u009f"  # controls but tab and newline
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"  # soft hyphen, fillers, Mongolian selectors
    "\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb"  # zero width, bidirectional, annotation
    "\ufe00-\ufe0f\U000e0000-\U000e0fff]"  # variation selectors, tags
)
_NEWLINES = re.compile(r"\r\n?|[\u000b\u000c\u001c-\u001f\u0085\u2028\u2029]")

_UNPRINTABLE = re.compile("[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\U000e0000-\U000e007f]")

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


_HINTS = (
    *("instruction", "prompt", "rule", "direction", "message", "you are now", "you are no longer"),
    *(" ai", "llm", "model", "assistant", "grader", "evaluator", "<|", "[inst", "[/inst", "data-"),
    *("strong hire", "5 out of 5", "5/5", "highest"),
)
"""One of these stands in whatever the expression finds; looking for them first is five times faster."""


def clean(text: str) -> str:
    """The copy a model reads: no invisible, bidirectional or control characters. Quotes are cut from the original."""
    return _INVISIBLE.sub("", _NEWLINES.sub("\n", text))


def printable(text: str) -> str:
    """A model's answer without controls, bidirectional overrides and tags; joiners that scripts and emoji need stay."""
    return _UNPRINTABLE.sub("", text)


def fence(nonce: str, kind: str, text: str) -> str:
    """One block of data. `nonce` is at least 64 random bits in hex, made for this request alone."""
    body = clean(text).replace(nonce, " ")  # a space: what stood around it must not come together as another one
    return f'<data-{nonce} kind="{kind}">\n{body}\n</data-{nonce}>'


def addresses_model(text: str) -> bool:
    """Whether the text talks to a model rather than to a person. Reported to the reader, never acted upon."""
    cleaned = clean(text)
    folded = cleaned.casefold().replace("\n", " ").replace("\t", " ")
    return any(hint in folded for hint in _HINTS) and _ADDRESSES_MODEL.search(cleaned) is not None


def has_hidden_text(text: str) -> bool:
    """Whether tag or bidirectional characters are in it, which hide or reorder what a person sees."""
    return not text.isascii() and re.search("[\u202a-\u202e\u2066-\u2069\U000e0000-\U000e007f]", text) is not None
