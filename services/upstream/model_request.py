"""What one language model server accepts: learned from its refusals, kept in memory for as long as the process runs.

"OpenAI-compatible" servers differ in the parameters that they take. Each refusal that names a parameter moves one step
down; nothing is tried that the server has refused before.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Any, Literal

from services.prompts.inputs import Message
from services.upstream.model_errors import UnsupportedParameter


class StructuredOutput(IntEnum):
    """How the form of an answer is enforced, strictest first. The prompt describes the form in any case."""

    BOUNDED_SCHEMA = 0
    """A strict JSON schema that bounds every string and list. llama.cpp turns it into a grammar, and without bounds a
    small model writes for ever."""
    SCHEMA = 1
    """The same without bounds, which OpenAI and Anthropic refuse."""
    JSON_OBJECT = 2
    NONE = 3


CapParameter = Literal["max_tokens", "max_completion_tokens"]


@dataclass(frozen=True, slots=True)
class ServerFeatures:
    """What a server takes, as far as is known."""

    structured_output: StructuredOutput = StructuredOutput.BOUNDED_SCHEMA
    cap_parameter: CapParameter | None = "max_tokens"
    refused_caps: frozenset[str] = frozenset()
    has_stream_options: bool = True
    has_system_role: bool = True
    holds_streams: bool = True
    """Whether a streamed answer is held back until its end, because thoughts may come before a closing tag alone. True
    until one answer has shown that they do not."""

    def without(self, refusal: UnsupportedParameter) -> "ServerFeatures | None":
        """One step down; None where there is no step left that avoids the refusal."""
        match refusal.parameter:
            case "stream_options" if self.has_stream_options:
                return replace(self, has_stream_options=False)
            case "system_role" if self.has_system_role:
                return replace(self, has_system_role=False)
            case "cap" if self.cap_parameter is not None:
                return self._with_other_cap(self.cap_parameter)
            case "schema_keyword" | "json_schema" if self.structured_output < StructuredOutput.NONE:
                return replace(self, structured_output=self._weaker_output(refusal.parameter))
            case _:
                return None

    def _with_other_cap(self, refused: CapParameter) -> "ServerFeatures":
        other: CapParameter = "max_tokens" if refused == "max_completion_tokens" else "max_completion_tokens"
        caps = self.refused_caps | {refused}
        return replace(self, refused_caps=caps, cap_parameter=None if other in caps else other)

    def _weaker_output(self, parameter: str) -> StructuredOutput:
        if parameter == "schema_keyword" or self.structured_output == StructuredOutput.JSON_OBJECT:
            return StructuredOutput(self.structured_output + 1)
        return StructuredOutput.JSON_OBJECT


OPENROUTER = ServerFeatures(
    structured_output=StructuredOutput.SCHEMA,
    cap_parameter="max_completion_tokens",
    has_stream_options=False,
    holds_streams=False,
)
"""OpenRouter reports the usage of streams unasked and keeps thoughts apart. Its providers refuse bounds in schemas, and
a refusal would make it go on to the fallback model. https://openrouter.ai/docs/guides/features/structured-outputs"""


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """A request for one answer, before it is fitted to a server. `cap` is the most tokens of the answer.

    `schema` gives the JSON schema of the answer with its bounds (`True`) or without; None for free text.
    `schema_name` is sent with it.
    """

    messages: Sequence[Message]
    cap: int
    schema: Callable[[bool], dict[str, Any]] | None = None
    schema_name: str = "answer"

    @property
    def characters(self) -> int:
        """Length of all messages."""
        return sum(len(message["content"]) for message in self.messages)

    def body(self, features: ServerFeatures, *, is_streamed: bool = False) -> dict[str, Any]:
        """The fields of the request that differ between servers."""
        messages = self.messages if features.has_system_role else _without_system_role(self.messages)
        body: dict[str, Any] = {"messages": merge_neighbours(messages)}
        if features.cap_parameter is not None:
            body[features.cap_parameter] = self.cap
        if is_streamed:
            body["stream"] = True
            if features.has_stream_options:
                body["stream_options"] = {"include_usage": True}
        return body | self._response_format(features.structured_output)

    def _response_format(self, output: StructuredOutput) -> dict[str, Any]:
        if self.schema is None or output == StructuredOutput.NONE:
            return {}
        if output == StructuredOutput.JSON_OBJECT:
            return {"response_format": {"type": "json_object"}}
        schema = self.schema(output == StructuredOutput.BOUNDED_SCHEMA)
        named = {"name": self.schema_name, "strict": True, "schema": schema}
        return {"response_format": {"type": "json_schema", "json_schema": named}}


def merge_neighbours(messages: Sequence[Message]) -> list[Message]:
    """The messages with roles that alternate: the templates of Gemma and Mistral refuse anything else."""
    merged: list[Message] = []
    for message in messages:
        if merged and merged[-1]["role"] == message["role"]:
            merged[-1] = message | {"content": f"{merged[-1]['content']}\n\n{message['content']}"}
        else:
            merged.append(message)
    return merged


def _without_system_role(messages: Sequence[Message]) -> list[Message]:
    """System messages as user messages: some chat templates have no system role."""
    return [message | {"role": "user"} if message["role"] == "system" else message for message in messages]
