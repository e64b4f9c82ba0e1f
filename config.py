"""Every setting of the service: one frozen class with a docstring under each field.

Nothing else reads `.env` or the environment, except for variables of the server (`services/workers.py`) and of proxies
(`services/upstream/proxies.py`). `.env.example` names exactly these settings; a test compares them.
"""

from collections.abc import Iterable
from difflib import get_close_matches
from functools import cached_property
from io import StringIO
from pathlib import Path
from typing import Annotated, Any, Literal, get_args
from urllib.parse import urlsplit

from dotenv.parser import parse_stream
from pydantic import BeforeValidator, Field, SecretStr, TypeAdapter, ValidationError, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from setting_types import (
    Base64Secret,
    BaseUrl,
    CountryCodes,
    HostNames,
    Key,
    Origins,
    PhoneBudget,
    PhoneBudgetText,
    StorageBudget,
    StorageBudgetText,
    Url,
    Word,
    comma_list,
    lower,
    upper,
)

VERSION = "1.0.0"
SERVICE = "interview-room-api"
ENV_FILE = Path(".env")
"""Relative to the working directory."""

OPENROUTER_HOST = "openrouter.ai"
SANDBOX_KEY = "sandbox"
"""API key that is sent to emulated vendors."""

Provider = Literal["daily", "openrouter", "openai", "vapi"]
ProviderState = Literal["configured", "not_configured", "emulated"]
LogLevel = Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(upper)]
LogFormat = Annotated[Literal["text", "json"], BeforeValidator(lower)]
PROVIDERS: tuple[Provider, ...] = get_args(Provider)
_REQUIRED_BY: dict[Provider, tuple[str, ...]] = {
    "daily": ("daily_api_key",),
    "openrouter": ("openrouter_api_key",),
    "openai": ("openai_api_key",),
    "vapi": ("vapi_api_key", "vapi_phone_number_id"),
}
"""Required settings of each provider."""

LOOPBACK_HOSTS = ("localhost", "*.localhost", "127.0.0.1", "[::1]", "0.0.0.0")  # noqa: S104 (a name, not an address)
"""Host headers of requests to this machine itself. uvicorn prints 0.0.0.0 as an address to open."""


def _emulated(value: Any) -> Any:
    """The providers that SANDBOX names: all for `true`, none for `false`."""
    try:
        return PROVIDERS if TypeAdapter(bool).validate_python(value) else ()
    except ValidationError:
        names = comma_list(value.lower()) if isinstance(value, str) else value
    if not set(names) <= set(PROVIDERS):
        raise ValueError(f"must be true, false, or a comma-separated list of {', '.join(PROVIDERS)}")
    return names


START_FAILED = 3
"""Exit code of a failed start. It is uvicorn's own; a worker that exits with any other is restarted for ever."""


class UnusableSetting(ValueError):
    """A setting has an invalid value. The message is one line that names the setting and shows no secret."""


class Settings(BaseSettings):
    """All settings. Times are in seconds, sizes in bytes. Spaces and line ends around a value do not count."""

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
    """OpenRouter API key: chat, plan and debrief. Not needed when OPENROUTER_BASE_URL is a server of your own."""
    openrouter_model: Word = "openai/gpt-4o-mini"
    """Model name, as OpenRouter or your own server spells it."""
    openrouter_fallback_model: Word | None = None
    """Fallback model at OpenRouter. Empty: an alias that follows new releases, or none if the first model is free.
    `off`: none.
    """
    llm_context_tokens: int = Field(128_000, ge=4096, le=10_000_000)
    """Context length of the model in tokens; set it to that of your own server. Longer interviews are read in parts."""
    openai_api_key: Key | None = None
    """OpenAI API key: the voice candidate (Realtime)."""
    vapi_api_key: Key | None = None
    """Vapi private key: the phone briefing."""
    vapi_phone_number_id: Word | None = None
    """Id of the Vapi phone number that places the calls."""
    vapi_assistant_id: Word | None = None
    """Id of a saved Vapi assistant; without it each call defines its own."""
    vapi_allowed_countries: CountryCodes = ("US", "CA")
    """Countries that may be called, as two-letter codes, comma-separated. Calls cost money."""

    daily_api_url: BaseUrl = "https://api.daily.co/v1"
    """Base URL with its version part."""
    openrouter_base_url: BaseUrl = "https://openrouter.ai/api/v1"
    """Base URL of OpenRouter, or of any OpenAI-compatible server, which is sent no OpenRouter-only fields."""
    openai_base_url: BaseUrl = "https://api.openai.com/v1"
    """Base URL with its version part."""
    vapi_base_url: BaseUrl = "https://api.vapi.ai"
    """Base URL; Vapi has no version part."""

    openai_realtime_model: Word = "gpt-realtime-2.1-mini"
    """Model of the voice candidate. The log warns at start when OpenAI will shut it down soon."""
    openai_realtime_voice: Word = "marin"
    """Voice of the voice candidate."""
    openai_transcription_model: Word = "gpt-transcribe"
    """Model that transcribes the interviewer in a voice session."""

    daily_transcription: bool = False
    """`on`: Daily transcribes the calls in new rooms and stores the transcripts, which costs money."""
    daily_webhook_secret: Base64Secret | None = None
    """Secret of Daily's webhooks, in base64: the `hmac` that the webhook was created with."""

    upstream_timeout_seconds: float = Field(15, gt=0, le=600)
    """Deadline for a call to Daily, OpenAI or Vapi, retries included."""
    llm_timeout_seconds: float = Field(90, gt=0, le=3600)
    """Deadline for one LLM answer, retries included."""
    llm_idle_timeout_seconds: float = Field(20, gt=0, le=600)
    """Maximum gap between chunks of a streamed answer; keep-alive comments do not count."""
    llm_first_token_timeout_seconds: float | None = Field(None, gt=0, le=3600)
    """Maximum wait for the first chunk of a streamed answer. Empty: LLM_TIMEOUT_SECONDS, because a local model sends
    nothing while it reads a long prompt.
    """
    max_body_bytes: int = Field(8 * 1024 * 1024, ge=1024, le=1024**3)
    """Largest request body with a transcript. Other calls have smaller, fixed limits."""
    body_timeout_seconds: float = Field(60, gt=0, le=3600)
    """Deadline for receiving a request body."""

    sandbox: Annotated[frozenset[Provider], NoDecode, BeforeValidator(_emulated)] = frozenset()
    """`true`: Daily, OpenRouter, OpenAI and Vapi are emulated in the process, without network. A list such as
    `daily,vapi`: only those. Responses say so in X-Sandbox."""

    database_url: SecretStr | None = None
    """`sqlite:///./rooms.db` or `postgresql://…`. Empty: in memory, for one process, lost on restart."""
    database_pool_size: int = Field(10, ge=1, le=1000)
    """Connections to PostgreSQL that each process keeps at most."""
    retention_days: float | None = Field(None, gt=0, le=36500)
    """Days after its end until a room is deleted with all its data. Empty: never, or one day without a database."""
    debrief_recommendation: bool = True
    """`off`: debriefs have evidence and ratings, and the recommendation is always `N/A`."""

    human_first: bool = False
    """`on`: debriefs hide the model's ratings, score and recommendation until the request names a `rater` who has
    submitted ratings, and only who has rated decides."""

    api_keys: SecretStr | None = None
    """Bearer keys as `name:key`, comma-separated; `name:sha256:<hex>` stores only the key's hash here."""
    auth_jwt_secret: SecretStr | None = None
    """Secret of HS256 tokens, at least 32 bytes."""
    auth_jwks_url: Url | None = None
    """URL of the public keys (JWKS) of RS256, ES256 or EdDSA tokens. Needs AUTH_JWT_ISSUER and AUTH_JWT_AUDIENCE."""
    auth_jwt_audience: str | None = None
    """Required `aud` of tokens. `*` accepts any audience, and so every token of the issuer."""
    auth_jwt_issuer: str | None = None
    """Required `iss` of tokens, exactly as the issuer writes it."""

    rate_limit_default: str = "300/minute"
    """Maximum calls per caller (per client address without credentials). Several windows: `30/minute;500/day`."""
    rate_limit_llm: str = "30/minute"
    """The same for chat, plans and debriefs together, and again for voice sessions and phone calls together; these
    calls count against RATE_LIMIT_DEFAULT too.
    """
    rate_limit_storage_url: SecretStr = SecretStr("memory://")
    """`redis://…` shares the counters between processes; `memory://` counts in each process."""

    model_budget: int = Field(5_000_000, ge=0, le=10**15)
    """Maximum model tokens per day and caller (per client address without credentials), as the provider counts them; 0
    is unlimited.
    """
    phone_budget: PhoneBudgetText = PhoneBudget(per_day=20, per_hour=5)
    """Maximum phone calls: per day for each caller and each number, per hour for each number. 0: unlimited."""
    storage_budget: StorageBudgetText = StorageBudget(rooms=200, bytes=64 * 1024**2)
    """Maximum stored rooms per caller, and bytes of all their data. 0: unlimited."""

    cors_origins: Origins = (
        "http://localhost:3000",
        "http://127.0.0.1:3000",
    )
    """Origins of web pages that may call the API, comma-separated."""
    trusted_hosts: HostNames = ()
    """Accepted host names, comma-separated; `*.example.com` matches every subdomain. Empty: any host, but only
    localhost while a provider is configured and there is no API_KEYS, AUTH_JWT_SECRET or AUTH_JWKS_URL.
    """
    docs_enabled: bool = True
    """`off` hides /docs, /redoc and /openapi.json."""
    log_level: LogLevel = "INFO"
    """Minimum level that is logged."""
    log_format: LogFormat = "text"
    """One line of text, or one JSON object, for each event."""

    @model_validator(mode="before")
    @classmethod
    def _trim(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Strips white space, which secret stores and Windows line ends add. A blank value counts as not set."""
        trimmed = {name: value.strip() if isinstance(value, str) else value for name, value in values.items()}
        return {name: value for name, value in trimmed.items() if value != ""}

    @cached_property
    def is_openrouter(self) -> bool:
        """Whether the LLM server is OpenRouter itself, which takes fields that other servers refuse."""
        host = urlsplit(self.openrouter_base_url).hostname or ""
        return host == OPENROUTER_HOST or host.endswith(f".{OPENROUTER_HOST}")

    @property
    def is_authenticated(self) -> bool:
        """Whether callers need credentials."""
        return any((self.api_keys, self.auth_jwt_secret, self.auth_jwks_url))

    @property
    def is_sandbox(self) -> bool:
        """Whether every provider is emulated."""
        return len(self.sandbox) == len(PROVIDERS)

    @property
    def has_provider_setting(self) -> bool:
        """Whether a provider is configured, wholly or in part: a key without its other settings counts."""
        required = (name for names in _REQUIRED_BY.values() for name in names)
        return "configured" in self.providers.values() or any(getattr(self, name) is not None for name in required)

    @cached_property
    def providers(self) -> dict[Provider, ProviderState]:
        """Whether each provider is emulated, configured or not configured."""
        return {provider: self._state(provider) for provider in PROVIDERS}

    @property
    def allowed_hosts(self) -> tuple[str, ...]:
        """Accepted Host headers; `*` accepts any.

        A web page can reach a server on its visitor's machine under a host name of its own (DNS rebinding). Without
        authentication it could then read interviews and spend money, so an open service answers to loopback names only.
        """
        is_exposed = not self.is_authenticated and "configured" in self.providers.values()
        return self.trusted_hosts or (LOOPBACK_HOSTS if is_exposed else ("*",))

    def missing_settings(self, provider: Provider) -> list[str]:
        """Returns the variables that the provider needs and that are not set."""
        if provider == "openrouter" and not self.is_openrouter:
            return []  # a server of one's own may need no key
        return [name.upper() for name in _REQUIRED_BY[provider] if getattr(self, name) is None]

    def _state(self, provider: Provider) -> ProviderState:
        if provider in self.sandbox:
            return "emulated"
        return "not_configured" if self.missing_settings(provider) else "configured"


def load_settings() -> Settings:
    """Returns the settings of the environment and `.env`. Raises UnusableSetting, with one line per invalid setting."""
    names_in_env_file()
    try:
        return Settings()
    except ValidationError as error:
        lines = (_settings_line(problem["loc"], problem["msg"]) for problem in error.errors())
        raise UnusableSetting("\n".join(lines)) from None


def names_in_env_file() -> list[str]:
    """Returns the names that `.env` sets.

    Raises UnusableSetting for a line that dotenv would skip: it may have been meant to set API_KEYS.
    """
    if not ENV_FILE.is_file():
        return []
    try:
        text = ENV_FILE.read_text("utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    except OSError as error:
        raise UnusableSetting(f".env cannot be read: {error.strerror}.") from error
    if "\0" in text:
        raise UnusableSetting(".env is not in UTF-8; save it in UTF-8.")
    lines = list(parse_stream(StringIO(text)))
    if broken := next((line for line in lines if line.error or (line.value is None and _is_meant(line.key))), None):
        raise UnusableSetting(f".env: line {broken.original.line} cannot be read; check quotes and =.")
    return [line.key for line in lines if line.key and line.value is not None]


def misspelt_names(names: Iterable[str]) -> list[str]:
    """Returns a sentence for each name that is not a setting but looks like one."""
    unknown = [name for name in names if name.upper() not in _names()]
    near = ((name, " or ".join(_near(name))) for name in unknown)
    return [f".env: {name} is not a setting; did you mean {meant}?" for name, meant in near if meant]


def _is_meant(key: str | None) -> bool:
    """Whether a line without a value was meant to set one of the settings."""
    return key is not None and (key.upper().startswith(_names()) or bool(_near(key)))


def _near(name: str) -> list[str]:
    return get_close_matches(name.upper(), _names(), n=2, cutoff=0.8)


def _names() -> tuple[str, ...]:
    return tuple(name.upper() for name in Settings.model_fields)


def _settings_line(location: tuple[int | str, ...], message: str) -> str:
    name = str(location[0]).upper() if location else "Settings"
    return f"{name}: {message.removeprefix('Value error, ')}"
