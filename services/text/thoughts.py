"""Removes what a reasoning model thinks from what it answers, whole or in pieces.

Servers without a reasoning parser leave thoughts in the content: between tags such as `<think>` and `</think>`,
before a closing tag alone where the model's template opened the tag in the prompt, or in channels (gpt-oss).
https://github.com/vllm-project/vllm/issues/13125, https://cookbook.openai.com/articles/openai-harmony
"""

import re

_NAMES = "think(?:ing)?|thoughts?|reasoning|reflection|scratchpad"
_TAG = re.compile(
    rf"<(?P<closes>/?)(?:seed:)?(?P<name>{_NAMES})(?:\s[^<>]{{0,40}})?>"
    r"|\[(?P<closes_bracket>/?)THINK\]"
    r"|◁(?P<closes_triangle>/?)think▷"
    r"|<\|(?P<token>[a-z_]{1,30})\|>",
    re.IGNORECASE,
)
_LONGEST_TAG = 64
_MAY_BEGIN_A_TAG = re.compile(r"[<\[◁][^<>\[\]◁▷]*$")

_OPENING_TOKENS = frozenset({"start_thinking", "begin_of_thought"})
_CLOSING_TOKENS = frozenset({"end_thinking", "end_of_thought"})
_HEADER_TOKENS = frozenset({"start", "channel"})
"""Tokens before a role or a channel's name, which ends at `<|message|>`."""
_ANSWER_CHANNEL = "final"


class ThoughtFilter:
    """Takes an answer in pieces, however they are cut, and returns the parts that are not thoughts.

    Other special tokens such as `<|im_end|>` are removed too. Linear in the length of the answer.
    """

    def __init__(self) -> None:
        self._pending = ""
        self._closing_name: str | None = None
        """Name of the tag that ends the thoughts; None outside of them."""
        self._header: str | None = None
        self._shown: list[str] = []
        self.has_bare_close = False
        """Whether a closing tag came without its opening one: everything before it was thoughts."""

    @property
    def answer(self) -> str:
        """The answer so far. After a bare closing tag it lacks what was returned before that tag."""
        return "".join(self._shown)

    def feed(self, piece: str) -> str:
        """The part of the answer that this piece completes."""
        text = self._pending + piece
        self._pending = ""
        parts: list[str] = []
        at = 0
        for tag in _TAG.finditer(text):
            parts.append(self._take(text[at : tag.start()]))
            if self._apply(tag):
                parts.clear()
            at = tag.end()
        rest = text[at:]
        begun = _MAY_BEGIN_A_TAG.search(rest, max(0, len(rest) - _LONGEST_TAG))
        end = begun.start() if begun else len(rest)
        self._pending = rest[end:]
        parts.append(self._take(rest[:end]))
        return "".join(parts)

    def finish(self) -> str:
        """The text that was held back because it might have been the start of a tag."""
        rest, self._pending = self._pending, ""
        return self._take(rest)

    def _take(self, text: str) -> str:
        if self._header is not None:
            self._header = (self._header + text)[:_LONGEST_TAG]
        if self._closing_name is not None or self._header is not None:
            return ""
        shown = text if self._shown else text.lstrip()
        if shown:
            self._shown.append(shown)
        return shown

    def _apply(self, tag: re.Match[str]) -> bool:
        """Changes state at a tag. True where all that was shown before it turns out to be thoughts."""
        if token := tag["token"]:
            return self._apply_token(token.lower())
        name = (tag["name"] or "think").lower()
        is_closing = bool(tag["closes"] or tag["closes_bracket"] or tag["closes_triangle"])
        return self._close(name) if is_closing else self._open(name)

    def _apply_token(self, token: str) -> bool:
        if token in _OPENING_TOKENS:
            return self._open("token")
        if token in _CLOSING_TOKENS:
            return self._close("token")
        if token == "message":  # noqa: S105
            is_answer = self._header is None or self._header.strip().startswith(_ANSWER_CHANNEL)
            self._closing_name = None if is_answer else "channel"
            self._header = None
        else:
            self._header = "" if token in _HEADER_TOKENS else None
            if self._closing_name == "channel":
                self._closing_name = None
        return False

    def _open(self, name: str) -> bool:
        self._closing_name = self._closing_name or name
        return False

    def _close(self, name: str) -> bool:
        if self._closing_name is None:
            self.has_bare_close = True
            self._shown.clear()
            return True
        if self._closing_name == name:
            self._closing_name = None
        return False


def strip_thoughts(text: str) -> str:
    """The answer without thoughts; empty where there is nothing else."""
    thoughts = ThoughtFilter()
    thoughts.feed(text)
    thoughts.finish()
    return thoughts.answer.strip()
