"""Every setting of the service: one frozen class, one docstring a field.

The environment and `.env` are read here and nowhere else. `.env.example` names
exactly these settings; a test compares the two.
"""

import re
from collections.abc import Iterable
from difflib import get_close_matches
from io import StringIO
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple
from urllib.parse import SplitResult, urlsplit

from dotenv.parser import parse_stream
from pydantic import (
    AfterValidator,
    BeforeValidator,
    ByteSize,
    Field,
    SecretStr,
    StringConstraints,
    TypeAdapter,
    ValidationError,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

VERSION = "1.0.0"
SERVICE = "interview-room-api"
ENV_FILE = Path(".env")
"""Of the folder that the service is started in."""

OPENROUTER_HOST = "openrouter.ai"
SANDBOX_KEY = "sandbox"

_HOST_NAME = re.compile(r"\*|(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\]")
_ORIGIN = re.compile(r"^https?://[A-Za-z0-9.\-\[\]:]+$")


def _comma_list(value: Any) -> Any:
    """`a, b` as people write lists in an environment variable."""
    if isinstance(value, str):
        return [item.strip() for item in value.split(",") if item.strip()]
    return value


def _key(value: SecretStr) -> SecretStr:
    """Keys travel in a header, so they are printable ASCII without spaces."""
    text = value.get_secret_value().strip()
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("must be printable ASCII without spaces")
    return SecretStr(text)


def _base_url(value: str) -> str:
    parts = urlsplit(value)
    is_plain = not (parts.query or parts.fragment or "@" in parts.netloc)
    if parts.scheme not in {"http", "https"} or not is_plain or not _has_host(parts):
        raise ValueError("must be an http(s) URL with a host and no password, such as https://api.example.com/v1")
    return value.rstrip("/")


def _has_host(parts: SplitResult) -> bool:
    try:
        return bool((parts.hostname or "").encode("idna")) and parts.port != 0
    except ValueError:
        return False  # dots or lengths that no name has, or no port number


def _origins(values: tuple[str, ...]) -> tuple[str, ...]:
    trimmed = tuple(value.rstrip("/") for value in values)
    for origin in trimmed:
        if origin != "*" and not _ORIGIN.match(origin):
            raise ValueError("each origin is scheme://host[:port], such as http://localhost:3000")
    return trimmed


def _host_names(values: tuple[str, ...]) -> tuple[str, ...]:
    names = tuple(value.lower() for value in values)
    if not all(_HOST_NAME.fullmatch(name) for name in names):
        raise ValueError("each is a host name without scheme and port, such as api.example.com or *.example.com")
    return names


class PhoneBudget(NamedTuple):
    """How many phone calls may be placed; 0 is unlimited."""

    per_day: int = 0
    """By one caller, and to one number."""
    per_hour: int = 0
    """To one number."""


class StorageBudget(NamedTuple):
    """How much of the storage one caller may use; 0 is unlimited."""

    rooms: int = 0
    bytes: int = 0


_PHONE_PART = re.compile(r"(\d{1,9})(?:\s*/\s*(day|hour))?")
_ROOMS_PART = re.compile(r"(\d{1,9})\s*rooms?")
_STORAGE_FORM = "write it as 200 rooms;64 MiB, or 0 for no limit"
_BYTES_PART = re.compile(r"\d{1,12}(\.\d+)?\s*[KMGT]?i?B", re.IGNORECASE)


def _phone_budget(value: Any) -> Any:
    """`20/day;5/hour`; a window that is left out is unlimited."""
    if not isinstance(value, str):
        return value
    parts = [_PHONE_PART.fullmatch(part.strip()) for part in value.split(";")]
    limits = {part[2] or "day": int(part[1]) for part in parts if part}
    if not all(parts) or len(limits) < len(parts):
        raise ValueError("write it as 20/day;5/hour, or 0 for no limit")
    return PhoneBudget(limits.get("day", 0), limits.get("hour", 0))


def _storage_budget(value: Any) -> Any:
    """`200 rooms;64 MiB`; what is left out is unlimited."""
    if not isinstance(value, str):
        return value
    parts = [] if value.strip() == "0" else [_storage_part(part.strip()) for part in value.split(";")]
    if len(dict(parts)) < len(parts):
        raise ValueError(_STORAGE_FORM)
    return StorageBudget(**dict(parts))


def _storage_part(part: str) -> tuple[str, int]:
    if rooms := _ROOMS_PART.fullmatch(part):
        return "rooms", int(rooms[1])
    if not _BYTES_PART.fullmatch(part):
        raise ValueError(_STORAGE_FORM)
    return "bytes", TypeAdapter(ByteSize).validate_python(part)


Key = Annotated[SecretStr, AfterValidator(_key)]
Word = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
BaseUrl = Annotated[str, AfterValidator(_base_url)]
CommaList = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_comma_list)]


class UnusableSetting(ValueError):
    """A setting whose text can't mean what it should. The message is one line that names it and shows no secret."""


class Settings(BaseSettings):
    """What the service is told from outside. Times are seconds, sizes are bytes."""

    model_config = SettingsConfigDict(
        env_file=ENV_FILE,
        env_file_encoding="utf-8-sig",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
    )

    daily_api_key: Key | None = None
    """Daily.co API key: video rooms and meeting tokens."""
    openrouter_api_key: Key | None = None
    """OpenRouter API key: chat and debrief. Not needed when OPENROUTER_BASE_URL is a server of your own."""
    openrouter_model: Word = "openai/gpt-4o-mini"
    """The model that is asked, by its name at OpenRouter or at your own server."""
    openrouter_fallback_model: Word | None = None
    """At OpenRouter, the model that is asked when the first one fails. Empty: an alias that follows new releases, but
    none behind a free model. `off`: none."""
    llm_context_tokens: int = Field(128_000, ge=4096, le=10_000_000)
    """Context length of the model in tokens. Set it to what your own server allows: longer interviews are read in
    parts."""
    openai_api_key: Key | None = None
    """OpenAI API key: the voice candidate (Realtime)."""
    vapi_api_key: Key | None = None
    """Vapi private key: the phone briefing."""
    vapi_phone_number_id: Word | None = None
    """Id of the Vapi phone number that calls are placed from."""
    vapi_assistant_id: Word | None = None
    """A saved Vapi assistant; without it each call carries its own."""
    vapi_allowed_countries: CommaList = ("US", "CA")
    """Two-letter regions that may be phoned, comma-separated. Calls cost money and ring phones."""

    daily_api_url: BaseUrl = "https://api.daily.co/v1"
    """Base URL with its version part."""
    openrouter_base_url: BaseUrl = "https://openrouter.ai/api/v1"
    """OpenRouter, or any OpenAI-compatible server; elsewhere the vendor-only fields are left out."""
    openai_base_url: BaseUrl = "https://api.openai.com/v1"
    """Base URL with its version part."""
    vapi_base_url: BaseUrl = "https://api.vapi.ai"
    """Base URL; Vapi has no version part."""

    openai_realtime_model: Word = "gpt-realtime-2.1-mini"
    """The voice candidate's model. One that will be shut down soon is warned about at start."""
    openai_realtime_voice: Word = "marin"
    """The voice candidate's voice."""
    openai_transcription_model: Word = "gpt-transcribe"
    """What writes down the interviewer's words in a voice session."""

    upstream_timeout_seconds: float = Field(15, gt=0, le=600)
    """Deadline of a whole call to Daily, OpenAI or Vapi, retries included."""
    llm_timeout_seconds: float = Field(90, gt=0, le=3600)
    """Deadline of one LLM answer, retries included."""
    llm_idle_timeout_seconds: float = Field(20, gt=0, le=600)
    """Longest silence between two pieces of a streamed answer; a keep-alive comment is silence."""
    llm_first_token_timeout_seconds: float | None = Field(None, gt=0, le=3600)
    """Longest wait for the first piece of a streamed answer. Empty: the whole of LLM_TIMEOUT_SECONDS, since a local
    model reads a long prompt in silence."""
    max_body_bytes: int = Field(8 * 1024 * 1024, ge=1024, le=1024**3)
    """Largest request body that is read."""

    sandbox: bool = False
    """No network: the four vendors are emulated in the process, and every answer says so."""

    database_url: SecretStr | None = None
    """Empty: in memory. `sqlite:///./rooms.db` or `postgresql://…` to keep what is stored."""
    retention_days: float | None = Field(None, gt=0, le=36500)
    """Rooms that ended longer ago than this are erased with everything under them. Empty: until deleted. Without
    a database they go a day after their end anyway."""
    debrief_recommendation: bool = True
    """`off`: a debrief gives evidence and ratings, and its recommendation is always `N/A`."""

    api_keys: SecretStr | None = None
    """Bearer keys as `name:key`, comma-separated; `name:sha256:<hex>` keeps the key itself out of here."""
    auth_jwt_secret: SecretStr | None = None
    """Secret of HS256 tokens (at least 32 bytes)."""
    auth_jwks_url: BaseUrl | None = None
    """Where the public keys of RS256, ES256 or EdDSA tokens are published."""
    auth_jwt_audience: str | None = None
    """`aud` that tokens must carry, when set."""
    auth_jwt_issuer: str | None = None
    """`iss` that tokens must carry, when set."""

    rate_limit_default: str = "300/minute"
    """Calls per caller (per address where there is none). Several windows: `30/minute;500/day`."""
    rate_limit_llm: str = "30/minute"
    """The same for chat, debrief, realtime and phone calls, on top of the default."""
    rate_limit_storage_url: SecretStr = SecretStr("memory://")
    """`redis://…` to share the counters between processes."""

    model_budget: int = Field(5_000_000, ge=0, le=10**15)
    """Model tokens a day for each caller (each address where there is none), counted as the model reports them.
    0: unlimited."""
    phone_budget: Annotated[PhoneBudget, NoDecode, BeforeValidator(_phone_budget)] = PhoneBudget(20, 5)
    """Phone calls: so many a day by each caller and to each number, so many an hour to each number. 0: unlimited."""
    storage_budget: Annotated[StorageBudget, NoDecode, BeforeValidator(_storage_budget)] = StorageBudget(
        200, 64 * 1024**2
    )
    """Rooms and bytes that each caller may keep, the rooms' records included. 0: unlimited."""

    cors_origins: Annotated[CommaList, AfterValidator(_origins)] = (
        "http://localhost:3000",
        "http://127.0.0.1:3000",
    )
    """Web origins that may call the API, comma-separated."""
    trusted_hosts: Annotated[CommaList, AfterValidator(_host_names)] = ()
    """Host names the service answers to, comma-separated; *.example.com is every name below it. Empty: any."""
    docs_enabled: bool = True
    """`off` hides /docs, /redoc and /openapi.json."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """Least severity that is logged."""
    log_format: Literal["text", "json"] = "text"
    """One line of text, or one JSON object, for each event."""

    @property
    def is_openrouter(self) -> bool:
        """Whether the LLM is asked through OpenRouter itself, which knows fields that others refuse."""
        host = urlsplit(self.openrouter_base_url).hostname or ""
        return host == OPENROUTER_HOST or host.endswith(f".{OPENROUTER_HOST}")

    @property
    def is_authenticated(self) -> bool:
        """Whether callers must show who they are."""
        return any((self.api_keys, self.auth_jwt_secret, self.auth_jwks_url))


def load_settings() -> Settings:
    """The settings from the environment and `.env`. Raises UnusableSetting, with a line for each bad one."""
    names_in_env_file()
    try:
        return Settings()
    except ValidationError as error:
        lines = (_settings_line(problem["loc"], problem["msg"]) for problem in error.errors())
        raise UnusableSetting("\n".join(lines)) from None


def names_in_env_file() -> list[str]:
    """What `.env` sets. Raises UnusableSetting for a line that would be passed over: API_KEYS may stand in it."""
    if not ENV_FILE.is_file():
        return []
    try:
        text = ENV_FILE.read_text("utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    except OSError as error:
        raise UnusableSetting(f".env can't be read: {error.strerror}.") from error
    if "\0" in text:
        raise UnusableSetting(".env is not in UTF-8; save it as that.")
    lines = list(parse_stream(StringIO(text)))
    if broken := next((line for line in lines if line.error or (line.value is None and _is_meant(line.key))), None):
        raise UnusableSetting(f".env: what begins in line {broken.original.line} can't be read; check quotes and =.")
    return [line.key for line in lines if line.key and line.value is not None]


def misspelt_names(names: Iterable[str]) -> list[str]:
    """Sentences for the log at start: names that are no settings, and look as if they should be."""
    unknown = [name for name in names if name.upper() not in _names()]
    return [f".env: {name} is no setting; did you mean {match}?" for name in unknown for match in _near(name)]


def _is_meant(key: str | None) -> bool:
    """Whether a line without a value was to set something of ours, whatever stands for its =."""
    return key is not None and (key.upper().startswith(_names()) or bool(_near(key)))


def _near(name: str) -> list[str]:
    return get_close_matches(name.upper(), _names(), n=1, cutoff=0.85)


def _names() -> tuple[str, ...]:
    return tuple(name.upper() for name in Settings.model_fields)


def _settings_line(location: tuple[int | str, ...], message: str) -> str:
    name = str(location[0]).upper() if location else "Settings"
    return f"{name}: {message.removeprefix('Value error, ')}"
