"""Verdicts that a model writes into its prose although told not to: found and taken out, sentence by sentence."""

import re

_SENTENCE = re.compile(r"[^.!?\n。！？]*[.!?\n。！？]*\s*")
_VERDICT = re.compile(
    r"\b(?:strong|leaning|lean|clear|definite|solid)[\s-]+(?:no[\s-]+)?hire\b"
    r"|\bno[\s-]hire\b"
    r"|\b(?:do|would|should|must|to|not|I'?d)\s+(?:not\s+)?(?:be\s+)?hired?\b"
    r"|\b(?:recommend(?:ed|ation)?|verdict|decision)\b[^.!?\n]{0,60}\b(?:hir(?:ed?|ing)|reject\w*|offer)\b"
    r"|\b(?:overall|final)\s+(?:recommendation|verdict|decision|rating|score)\b"
    r"|\brecommendation\s*:",
    re.IGNORECASE,
)


def without_verdicts(prose: str) -> str:
    """The prose without the sentences that say whether to hire: recommendations are computed, never read."""
    if not _VERDICT.search(prose):
        return prose
    kept = [sentence for sentence in _SENTENCE.findall(prose) if not _VERDICT.search(sentence)]
    return "".join(kept).strip()
