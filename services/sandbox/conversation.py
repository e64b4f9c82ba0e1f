"""Reads a request as the emulated model does: its data blocks, and the turns of its transcript."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

_BLOCK = re.compile(r'<data-([0-9a-f]{8,}) kind="(\w+)">\n(.*?)\n?</data-\1>', re.DOTALL)
_TURN = re.compile(r"^\[T0*(\d+) (candidate|interviewer|other|unknown)(?: [^\]\n]*)?\] (.*)$", re.MULTILINE)
_NUMBERED = re.compile(r"^\d+\. (.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class PromptTurn:
    """One numbered line of the transcript."""

    number: int
    role: str
    text: str


@dataclass(frozen=True, slots=True)
class Conversation:
    """A request: its data blocks by kind, and the last user message."""

    blocks: Mapping[str, str]
    last_message: str

    def block(self, kind: str) -> str:
        return self.blocks.get(kind, "").strip()

    @property
    def question(self) -> str:
        """The question in its block, or the whole message where there are no blocks."""
        return self.block("question") or ("" if self.blocks else self.last_message.strip())

    @property
    def focus_areas(self) -> list[str]:
        return [line.strip() for line in self.block("focus_areas").splitlines() if line.strip()]

    @property
    def numbered_focus_areas(self) -> list[str]:
        return _NUMBERED.findall(self.block("focus_areas"))

    @property
    def competencies(self) -> list[str]:
        return _NUMBERED.findall(self.block("competencies"))

    @property
    def turns(self) -> list[PromptTurn]:
        found = _TURN.findall(self.block("transcript"))
        return [PromptTurn(int(number), role, text.strip()) for number, role, text in found]


def read_conversation(messages: Iterable[Mapping[str, Any]]) -> Conversation:
    """The blocks of all user messages; a later block replaces an earlier one of its kind."""
    texts = [_text(message["content"]) for message in messages if message["role"] == "user"]
    blocks = {kind: text for message in texts for _, kind, text in _BLOCK.findall(message)}
    return Conversation(blocks, texts[-1] if texts else "")


def _text(content: Any) -> str:
    """The text of a message, which may come in parts."""
    if isinstance(content, str):
        return content
    return "\n".join(part.get("text", "") for part in content or () if part.get("type") == "text")
