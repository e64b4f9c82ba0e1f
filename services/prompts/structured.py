"""Prompts whose answer is one JSON object, and the second request after one that could not be used."""

from collections.abc import Sequence
from typing import ClassVar, Protocol, Self

from services.prompts.inputs import Message, user_message
from services.prompts.json_schema import JsonSchema

_REPAIR_TASK = """\
Your last answer could not be used: {problems}. Answer again, with the JSON object and nothing else."""


class StructuredPrompt(Protocol):
    """A request for one JSON object."""

    schema_name: ClassVar[str]

    def messages(self, nonce: str) -> list[Message]:
        """The request. `nonce` marks its data blocks."""

    def schema(self, is_bounded: bool) -> JsonSchema:  # noqa: FBT001
        """The JSON schema of the answer; `is_bounded` as in `SchemaBuilder`."""

    def without_background(self) -> Self:
        """The same with less material, for a context in which the answer has too little space."""


def repair_messages(messages: Sequence[Message], answer: str, problems: str) -> list[Message]:
    """The second request after an answer that could not be used: the first one, that answer, and why."""
    task = user_message(_REPAIR_TASK.format(problems=problems))
    return [*messages, {"role": "assistant", "content": answer}, task]
