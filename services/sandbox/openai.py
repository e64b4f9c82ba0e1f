"""OpenAI Realtime, emulated: client secrets that open nothing.

Requests and responses are OpenAI's (https://developers.openai.com/api/reference/resources/realtime). Only the
parameters that this service sends are known; any other is refused, as OpenAI refuses a parameter that it does not know.
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
    """Lifetime of the secret."""

    anchor: Literal["created_at"] = "created_at"
    seconds: int = Field(DEFAULT_SECONDS, ge=10, le=7200)


class Transcription(Closed):
    """The model that transcribes the user."""

    model: str | None = None


class NoiseReduction(Closed):
    """The filter for the microphone."""

    type: Literal["near_field", "far_field"]


class TurnDetection(Closed):
    """Detection of the end of a turn."""

    type: Literal["semantic_vad"]
    eagerness: Literal["low", "medium", "high", "auto"] = "auto"


class AudioInput(Closed):
    """The user's audio."""

    transcription: Transcription | None = None
    noise_reduction: NoiseReduction | None = None
    turn_detection: TurnDetection | None = None


class CustomVoice(Closed):
    """A voice of the account's own."""

    id: str


class AudioOutput(Closed):
    """The model's audio."""

    voice: Voice | CustomVoice = "alloy"


class Audio(Closed):
    """Audio in both directions."""

    input: AudioInput = AudioInput()
    output: AudioOutput = AudioOutput()


class Session(Closed):
    """https://developers.openai.com/api/reference/resources/realtime/subresources/client_secrets"""

    type: Literal["realtime"]
    model: str = "gpt-realtime"
    instructions: str = ""
    output_modalities: list[Literal["audio", "text"]] = Field(["audio"], min_length=1, max_length=1)
    max_output_tokens: Annotated[int, Field(ge=1, le=4096)] | Literal["inf"] = "inf"
    audio: Audio = Audio()


class ClientSecretRequest(Closed):
    """The body of `POST /realtime/client_secrets`. The model belongs to the session."""

    expires_after: ExpiresAfter = ExpiresAfter()
    session: Session


class OpenAI(Emulation):
    """Issues client secrets."""

    def __init__(self, now: Clock) -> None:
        self._now = now
        self.routes = (Route("POST", "/realtime/client_secrets", self._create_client_secret),)

    def without_key(self) -> Refusal:
        return _refusal(401, "Missing bearer authentication in header")

    def unknown_call(self, request: httpx.Request) -> Refusal:
        return _refusal(404, f"Invalid URL ({request.method} {request.url.path})")

    def _create_client_secret(self, request: httpx.Request) -> httpx.Response:
        body = read_body(ClientSecretRequest, request, _invalid_body)
        content = {
            "value": f"ek_sandbox_{secrets.token_hex(16)}",
            "expires_at": int(self._now()) + body.expires_after.seconds,
            "session": _session_document(body.session),
        }
        return httpx.Response(200, json=content, headers={"x-request-id": f"req_{secrets.token_hex(16)}"})


def _session_document(session: Session) -> dict[str, Any]:
    """The session as OpenAI echoes it, defaults included. Its own `expires_at` is 0, as in the documented example."""
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
