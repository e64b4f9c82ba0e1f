"""The interviewer's question before an answer: shown beside a quote, never as evidence."""

import re
from collections.abc import Sequence

from services.evidence.sentences import sentences_in
from services.text.normalization import Span
from services.transcript.transcript import Turn

_LONGEST_QUESTION = 300
_MOST_TURNS_BACK = 6
_LONGEST_TURN_READ = 2000
_ASKS = re.compile("[?\uff1f\u061f]")
_PROMPT = re.compile(
    r"\W*(?:(?:so|and|now|okay|ok|great|please|then)\W+)*"
    r"(?:tell|describe|explain|walk|talk|give|share|name|imagine|suppose|let's|how|what|why|when|which"
    r"|erzähl|beschreib|erklär|nenn|schilder|parlez|décrivez|expliquez|racontez|cuént|describ|expli|h[aá]bl"
    r"|raccont|descriv|расскажите|опишите|объясните|请|請)",
    re.IGNORECASE,
)
"""First words of requests that have no question mark: `Tell me about the ledger.`"""


class Questions:
    """Finds the question before an answer. Each turn of the interviewer is read once."""

    def __init__(self, turns: Sequence[Turn]) -> None:
        self._turns = turns
        self._known: dict[int, str | None] = {}

    def before(self, turn: Turn) -> str | None:
        """The interviewer's last question or request in the few turns before this one; None where there is none."""
        first = max(0, turn.number - 1 - _MOST_TURNS_BACK)
        for asked in reversed(self._turns[first : turn.number - 1]):
            if asked.role == "interviewer" and (question := self._in(asked)):
                return question
        return None

    def _in(self, turn: Turn) -> str | None:
        if turn.number not in self._known:
            self._known[turn.number] = _last_question(turn.text)
        return self._known[turn.number]


def _last_question(text: str) -> str | None:
    """Returns the last question or request. Only the end of a long turn is read."""
    end = text[-_LONGEST_TURN_READ:]
    for start, stop in reversed(list(sentences_in(end, Span(0, len(end))))):
        sentence = " ".join(end[start:stop].split())
        if _ASKS.search(sentence) or _PROMPT.match(sentence):
            return sentence if len(sentence) <= _LONGEST_QUESTION else f"…{sentence[-_LONGEST_QUESTION:]}"
    return None
