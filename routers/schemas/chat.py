"""The interviewer's sidebar: a question, its answer, and the stored record."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, StringConstraints

from routers.schemas.transcript import WithTranscript
from services.text.fields import NoNullCharacters, RequestModel, ResponseModel, Timestamp
from services.usage import Usage

TURNS = 100
MAX_TURNS = 200
"""Messages in one page of the record, by default and at most."""
MAX_TURN_NUMBER = 2**31 - 1
"""The largest integer that every database stores."""


class HistoryMessage(RequestModel):
    """One earlier message of the sidebar."""

    role: Literal["user", "assistant"]
    content: Annotated[str, StringConstraints(max_length=20_000), NoNullCharacters]

    def message(self) -> dict[str, str]:
        return {"role": self.role, "content": self.content}


History = Annotated[tuple[HistoryMessage, ...], Field(max_length=50)]


class ChatRequest(WithTranscript):
    """Ask the sidebar."""

    model_config = ConfigDict(json_schema_extra={"example": {"message": "What should I ask about her last project?"}})

    message: Annotated[
        str,
        StringConstraints(strip_whitespace=True, min_length=1, max_length=4000),
        NoNullCharacters,
    ]
    context: Annotated[str, StringConstraints(max_length=100_000), NoNullCharacters] = ""
    history: History = ()


class ChatResponse(ResponseModel):
    """The sidebar's answer."""

    response: str
    model: str
    """The model that answered."""
    usage: Usage
    warnings: list[str] = Field(default_factory=list)
    """What limits the answer: material that was left out, or an answer that was cut off."""


class ChatDelta(ResponseModel):
    """A piece of a streamed answer."""

    text: str


class ChatDone(ChatResponse):
    """The terminal event of a streamed answer."""

    finish_reason: str | None
    """The provider's word for why it ended, such as `stop` or `length`."""


class ChatTurnResponse(ResponseModel):
    """One message of the room's sidebar record."""

    number: int
    """Counted from 1 in its room."""
    role: Literal["user", "assistant"]
    content: str
    at: Timestamp


class ChatRecord(ResponseModel):
    """One page of the messages of the room's sidebar, oldest first."""

    room_name: str
    turns: list[ChatTurnResponse]
    has_more: bool
    """Whether more follow: pass the last `number` as `starting_after`."""
