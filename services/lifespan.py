"""The services behind the handlers: opened in order at start, closed in reverse at the end."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from ipaddress import ip_address
from secrets import token_bytes
from typing import NamedTuple
from urllib.parse import urlsplit

import httpx
from pydantic import SecretStr

from config import LOOPBACK_HOSTS, SANDBOX_KEY, Provider, Settings, UnusableSetting
from services import daily, openai_realtime, vapi
from services.access.auth import Authenticator
from services.access.budgets import Budgets, phone_secret
from services.access.charged_model import ChargedModelClient
from services.access.idempotency import Idempotency
from services.access.limits import Limiter
from services.clock import Clock
from services.daily import Daily
from services.fair_threads import FairThreads
from services.interview.daily_transcripts import DailyTranscripts
from services.interview.phone_numbers import check_regions
from services.interview.transcript_pulls import TranscriptPulls
from services.llm import LLM
from services.openai_realtime import OpenAIRealtime
from services.readiness import Readiness
from services.sandbox import sandbox_transport
from services.shutdown import Shutdown
from services.storage.opening import check_database_url, open_storage
from services.storage.protocol import Storage
from services.storage.retention import run_response_expiry, run_retention
from services.upstream import model_errors
from services.upstream.client import VendorClient
from services.upstream.model_client import ModelClient
from services.upstream.proxies import environment_proxies
from services.upstream.responses import MappedError, VendorResponse
from services.upstream.retry_policy import RETRY_POLICIES
from services.upstream.transport import open_client, open_transport
from services.vapi import Vapi

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Services:
    """The services that handlers use, open for as long as the app runs."""

    settings: Settings
    clock: Clock
    daily: Daily
    llm: LLM
    openai: OpenAIRealtime
    vapi: Vapi
    storage: Storage
    authenticator: Authenticator
    limiter: Limiter
    idempotency: Idempotency
    budgets: Budgets
    daily_transcripts: DailyTranscripts
    transcript_pulls: TranscriptPulls
    readiness: Readiness
    shutdown: Shutdown

    def llm_charged_to(self, payer: str) -> LLM:
        """The language model, with its answers charged to this caller's MODEL_BUDGET."""
        return self.llm.charged(partial(self.budgets.model_tokens, payer))


class VendorConfig(NamedTuple):
    """Configuration of one provider's client: `deadline` in seconds, `max_concurrency` calls in flight at most."""

    name: str
    base_url: str
    key: SecretStr | None
    deadline: float
    max_concurrency: int
    map_error: Callable[[VendorResponse], MappedError]
    keep_alive: bool = True


def vendor_configs(settings: Settings) -> dict[Provider, VendorConfig]:
    """Returns how each provider is called."""
    short, long = settings.upstream_timeout_seconds, settings.llm_timeout_seconds
    return {
        "daily": VendorConfig(
            daily.VENDOR, settings.daily_api_url, settings.daily_api_key, short, 100, daily.map_error
        ),
        "openrouter": VendorConfig(
            model_errors.VENDOR,
            settings.openrouter_base_url,
            settings.openrouter_api_key,
            long,
            1500,
            model_errors.map_error,
        ),
        "openai": VendorConfig(
            "OpenAI", settings.openai_base_url, settings.openai_api_key, short, 100, openai_realtime.map_error
        ),
        # no kept connection: when one turns out to be dead, it is unknown whether the phone rings
        "vapi": VendorConfig(
            vapi.VENDOR, settings.vapi_base_url, settings.vapi_api_key, short, 20, vapi.map_error, keep_alive=False
        ),
    }


def check_settings(settings: Settings) -> None:
    """Raises UnusableSetting: one line that names the setting and shows no secret."""
    Authenticator(settings)
    Limiter(settings)
    check_database_url(settings)
    check_regions(settings.vapi_allowed_countries)
    environment_proxies()


def check_event_loop(settings: Settings, loop: asyncio.AbstractEventLoop) -> None:
    """Raises UnusableSetting for PostgreSQL on Windows' default event loop, where psycopg does not work.

    https://www.psycopg.org/psycopg3/docs/advanced/async.html
    """
    url = settings.database_url.get_secret_value() if settings.database_url else ""
    if url.startswith("postgres") and type(loop).__name__ == "ProactorEventLoop":
        raise UnusableSetting(
            "DATABASE_URL: PostgreSQL needs another event loop on Windows; "
            "start with python scripts/serve.py, or with uvicorn --loop asyncio:SelectorEventLoop."
        )


async def open_services(stack: AsyncExitStack, settings: Settings, clock: Clock) -> Services:
    """Open the services; the stack closes them in reverse order.

    Raises UnusableSetting when the database cannot be used.
    """
    loop = asyncio.get_running_loop()
    check_event_loop(settings, loop)
    loop.set_default_executor(FairThreads())
    storage = await stack.enter_async_context(open_storage(settings, clock))
    authenticator = await stack.enter_async_context(Authenticator(settings))
    limiter = await stack.enter_async_context(Limiter(settings))
    clients = {
        provider: await stack.enter_async_context(_vendor_client(provider, config, settings, clock))
        for provider, config in vendor_configs(settings).items()
    }
    daily = Daily(clients["daily"], is_configured=settings.providers["daily"] != "not_configured")
    daily_transcripts = DailyTranscripts(daily, storage, clock)
    transcript_pulls = await stack.enter_async_context(TranscriptPulls(daily_transcripts, storage))
    retention = None if settings.retention_days is None else timedelta(days=settings.retention_days)
    for work in (run_retention(storage, clock, retention), run_response_expiry(storage, clock)):
        stack.push_async_callback(_stop, asyncio.create_task(work))
    return Services(
        settings=settings,
        clock=clock,
        daily=daily,
        llm=LLM(ChargedModelClient(ModelClient(clients["openrouter"], settings)), settings, token_bytes()),
        openai=OpenAIRealtime(clients["openai"], settings),
        vapi=Vapi(clients["vapi"], settings),
        storage=storage,
        authenticator=authenticator,
        limiter=limiter,
        idempotency=Idempotency(storage, clock),
        budgets=Budgets(storage, clock, settings, phone_secret(settings)),
        daily_transcripts=daily_transcripts,
        transcript_pulls=transcript_pulls,
        readiness=Readiness(storage, limiter),
        shutdown=Shutdown(),
    )


def provider_report(settings: Settings) -> str:
    """Returns one line that says of each provider whether it is configured, emulated, or which settings it lacks."""
    return "; ".join(f"{provider} {_described(settings, provider)}" for provider in settings.providers)


def start_warnings(settings: Settings, today: date) -> list[str]:
    """Returns what the operator should know at start, one line each."""
    warnings = []
    if settings.sandbox:
        warnings.append(_SANDBOX_WARNING.format(", ".join(sorted(settings.sandbox))))
    if not settings.is_authenticated:
        warnings.append(_open_warning(settings))
    if settings.database_url is None:
        warnings.append(_MEMORY_WARNING)
    warnings += [_PLAIN_HTTP_WARNING.format(name) for name in _plain_http_settings(settings)]
    return [*warnings, *openai_realtime.warnings_about(settings, today)]


_SANDBOX_WARNING = "SANDBOX is on: {} emulated in this process; what comes from there is not real"
_OPEN_WARNING = "the API is open: anyone who reaches it may use it; set API_KEYS or AUTH_JWT_SECRET/AUTH_JWKS_URL"
_LOOPBACK_ONLY = ". Until then it answers to localhost only, or to the host names in TRUSTED_HOSTS"
_MEMORY_WARNING = (
    "DATABASE_URL is empty: what is stored is lost on restart and not shared, so run one process (one worker) only"
)
_PLAIN_HTTP_WARNING = "{} is plain http to another machine: keys and interviews can be read on the way; use https"


def _described(settings: Settings, provider: Provider) -> str:
    missing = settings.missing_settings(provider)
    state = settings.providers[provider]
    return f"missing {', '.join(missing)}" if state == "not_configured" else state


def _open_warning(settings: Settings) -> str:
    is_loopback_only = settings.allowed_hosts == LOOPBACK_HOSTS
    return _OPEN_WARNING + (_LOOPBACK_ONLY if is_loopback_only else "")


def _plain_http_settings(settings: Settings) -> list[str]:
    urls = {
        "DAILY_API_URL": settings.daily_api_url,
        "OPENROUTER_BASE_URL": settings.openrouter_base_url,
        "OPENAI_BASE_URL": settings.openai_base_url,
        "VAPI_BASE_URL": settings.vapi_base_url,
        "AUTH_JWKS_URL": settings.auth_jwks_url or "",
    }
    return [name for name, url in urls.items() if url.startswith("http://") and not _is_local(url)]


def _is_local(url: str) -> bool:
    """Whether the host is this machine or in its own network: a private address, or a name without a public domain."""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_private
    except ValueError:
        return "." not in host or host.endswith(_LOCAL_DOMAINS)


_LOCAL_DOMAINS = (".localhost", ".local", ".internal")
"""Domains of multicast DNS and of container networks."""


def _vendor_client(provider: Provider, config: VendorConfig, settings: Settings, clock: Clock) -> VendorClient:
    """A client with a connection pool of its own, so that a vendor that hangs does not hold up the others."""
    key = SecretStr(SANDBOX_KEY) if provider in settings.sandbox else config.key
    client = open_client(config.base_url, key, _transport(provider, config, settings, clock))
    return VendorClient(
        config.name,
        client,
        config.map_error,
        deadline=config.deadline,
        max_concurrency=config.max_concurrency,
        retry_policy=RETRY_POLICIES[provider],
    )


def _transport(provider: Provider, config: VendorConfig, settings: Settings, clock: Clock) -> httpx.AsyncBaseTransport:
    if provider in settings.sandbox:
        return sandbox_transport(provider, lambda: clock().timestamp())
    return open_transport(config.max_concurrency, keep_alive=config.keep_alive)


async def _stop(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
