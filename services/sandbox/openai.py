"""OpenAI Realtime emulated: client secrets that open nothing.

What it accepts and answers: https://developers.openai.com/api/reference/resources/realtime
"""

import secrets
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import httpx
from pydantic import Field
from pydantic_core import ErrorDetails

from services.sandbox.wire import Clock, Closed, Emulation, Refusal, Route, field_path, read_body, reason

DEFAULT_SECONDS = 600

Voice = Literal["alloy", "ash", "ballad", "coral", "echo", "sage", "shimmer", "verse", "marin", "cedar"]


class ExpiresAfter(Closed):
    """How long the secret may start sessions."""

    anchor: Literal["created_at"] = "created_at"
    seconds: int = Field(DEFAULT_SECONDS, ge=10, le=7200)


class AudioFormat(Closed):
    """An object since the general release; the old strings are refused."""

    type: Literal["audio/pcm", "audio/pcmu", "audio/pcma"]
    rate: Literal[24000] | None = None


class Transcription(Closed):
    """What writes the user's words down."""

    model: str | None = None
    language: str | None = None
    languages: list[str] | None = None
    keywords: list[str] | None = None
    prompt: str | None = None
    delay: str | None = None


class NoiseReduction(Closed):
    """What is filtered out of the microphone."""

    type: Literal["near_field", "far_field"]


class ServerVad(Closed):
    """Turns told by silence."""

    type: Literal["server_vad"]
    threshold: float = 0.5
    prefix_padding_ms: int = 300
    silence_duration_ms: int = 500
    idle_timeout_ms: int | None = Field(None, ge=5000, le=30000)
    create_response: bool = True
    interrupt_response: bool = True


class SemanticVad(Closed):
    """Turns told by what was said."""

    type: Literal["semantic_vad"]
    eagerness: Literal["low", "medium", "high", "auto"] = "auto"
    create_response: bool = True
    interrupt_response: bool = True


class AudioInput(Closed):
    """From the microphone."""

    format: AudioFormat | None = None
    transcription: Transcription | None = None
    noise_reduction: NoiseReduction | None = None
    turn_detection: Annotated[ServerVad | SemanticVad, Field(discriminator="type")] | None = None


class CustomVoice(Closed):
    """A voice of the account's own."""

    id: str


class AudioOutput(Closed):
    """To the loudspeaker."""

    format: AudioFormat | None = None
    voice: Voice | CustomVoice = "alloy"
    speed: float = Field(1.0, ge=0.25, le=1.5)


class Audio(Closed):
    """Both ways."""

    input: AudioInput = AudioInput()
    output: AudioOutput = AudioOutput()


class Reasoning(Closed):
    """How much a reasoning model thinks."""

    effort: Literal["minimal", "low", "medium", "high", "xhigh"] = "low"


class Session(Closed):
    """https://developers.openai.com/api/reference/resources/realtime/subresources/client_secrets"""

    type: Literal["realtime"]
    model: str = "gpt-realtime"
    instructions: str = ""
    output_modalities: list[Literal["audio", "text"]] = Field(["audio"], min_length=1, max_length=1)
    audio: Audio = Audio()
    include: list[Literal["item.input_audio_transcription.logprobs"]] | None = None
    tracing: Literal["auto"] | dict[str, Any] | None = None
    tools: list[dict[str, Any]] = Field(default_factory=list)
    tool_choice: str | dict[str, Any] = "auto"
    parallel_tool_calls: bool | None = None
    reasoning: Reasoning | None = None
    max_output_tokens: Annotated[int, Field(ge=1, le=4096)] | Literal["inf"] = "inf"
    truncation: Literal["auto", "disabled"] | dict[str, Any] = "auto"


class ClientSecretRequest(Closed):
    """The body of `POST /realtime/client_secrets`. The model stands inside the session, never beside it."""

    expires_after: ExpiresAfter = ExpiresAfter()
    session: Session


class OpenAI(Emulation):
    """Mints client secrets."""

    def __init__(self, now: Clock) -> None:
        self._now = now
        self.routes = (Route("POST", "/realtime/client_secrets", self._create_client_secret),)

    def without_key(self) -> Refusal:
        return _refusal(401, "Missing bearer authentication in header")

    def unknown_call(self, request: httpx.Request) -> Refusal:
        return _refusal(404, f"Invalid URL ({request.method} {request.url.path})")

    def _create_client_secret(self, request: httpx.Request) -> httpx.Response:
        body = read_body(ClientSecretRequest, request, _invalid_body)
        answer = {
            "value": f"ek_sandbox_{secrets.token_hex(16)}",
            "expires_at": int(self._now()) + body.expires_after.seconds,
            "session": _session_document(body.session),
        }
        return httpx.Response(200, json=answer, headers={"x-request-id": f"req_{secrets.token_hex(16)}"})


def _session_document(session: Session) -> dict[str, Any]:
    """The session as it is echoed, with the defaults that there are. Its own `expires_at` is 0, as documented."""
    identity = {"id": f"sess_{secrets.token_hex(10)}", "object": "realtime.session", "expires_at": 0}
    return session.model_dump(exclude_none=True) | identity


_CODES: Mapping[str, str] = {
    "missing": "missing_required_parameter",
    "extra_forbidden": "unknown_parameter",
    "greater_than_equal": "below_min_value",
    "less_than_equal": "above_max_value",
    "literal_error": "invalid_value",
}


def _invalid_body(errors: Sequence[ErrorDetails]) -> Refusal:
    first = errors[0]
    if first["type"] == "json_invalid":
        return _refusal(400, "We could not parse the JSON body of your request.")
    code = _CODES.get(first["type"], "invalid_type")
    path = field_path(first)
    message = f"Unknown parameter: '{path}'." if code == "unknown_parameter" else f"'{path}': {reason(first)}."
    return _refusal(400, message, param=path, code=code)


def _refusal(status: int, message: str, *, param: str | None = None, code: str | None = None) -> Refusal:
    error = {"message": message, "type": "invalid_request_error", "param": param, "code": code}
    return Refusal(status, {"error": error})
