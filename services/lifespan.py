"""Everything that runs the service, opened in order and closed in reverse."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal, NamedTuple

import httpx
from pydantic import SecretStr

from config import SANDBOX_KEY, Settings
from services import daily, openai_realtime, vapi
from services.access.auth import Authenticator
from services.access.idempotency import Idempotency
from services.access.limits import Limiter
from services.clock import Clock
from services.daily import Daily
from services.interview.phone_numbers import check_regions
from services.llm import LLM
from services.openai_realtime import OpenAIRealtime
from services.sandbox import sandbox_transport
from services.shutdown import Shutdown
from services.storage.opening import check_database_url, open_storage
from services.storage.protocol import Storage
from services.storage.retention import run_retention
from services.upstream import model_errors
from services.upstream.client import VendorClient
from services.upstream.proxies import environment_proxies
from services.upstream.responses import MappedError, VendorResponse
from services.upstream.retry_policy import RETRY_POLICIES
from services.upstream.transport import open_client, open_transport
from services.vapi import Vapi

log = logging.getLogger(__name__)

Provider = Literal["daily", "openrouter", "openai", "vapi"]


@dataclass(frozen=True, slots=True)
class Services:
    """What handlers work with, open for as long as the app runs."""

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
    shutdown: Shutdown


class VendorConfig(NamedTuple):
    """How one provider is reached. `max_concurrency` is the most calls in flight at once."""

    base_url: str
    key: SecretStr | None
    deadline: float
    max_concurrency: int
    keep_alive: bool = True


def check_settings(settings: Settings) -> None:
    """Raises UnusableSetting: one line that names the setting and never shows a secret."""
    Authenticator(settings)
    Limiter(settings)
    check_database_url(settings)
    check_regions(settings.vapi_allowed_countries)
    environment_proxies()


async def open_services(stack: AsyncExitStack, settings: Settings, clock: Clock) -> Services:
    """Open what the service works with; the stack closes it again, in reverse.

    Raises UnusableDatabaseUrl when the database can't be used.
    """
    storage = await stack.enter_async_context(open_storage(settings, clock))
    authenticator = await stack.enter_async_context(Authenticator(settings))
    limiter = await stack.enter_async_context(Limiter(settings))
    clients = {
        provider: await stack.enter_async_context(_upstream(provider, settings, clock)) for provider in _ERROR_MAPPERS
    }
    retention = None if settings.retention_days is None else timedelta(days=settings.retention_days)
    keeping = asyncio.create_task(run_retention(storage, clock, retention))
    stack.push_async_callback(_stop, keeping)
    return Services(
        settings=settings,
        clock=clock,
        daily=Daily(clients["daily"], is_configured=settings.sandbox or settings.daily_api_key is not None),
        llm=LLM(clients["openrouter"], settings),
        openai=OpenAIRealtime(clients["openai"], settings),
        vapi=Vapi(clients["vapi"], settings),
        storage=storage,
        authenticator=authenticator,
        limiter=limiter,
        idempotency=Idempotency(storage, clock),
        shutdown=Shutdown(),
    )


def start_warnings(settings: Settings, today: date) -> list[str]:
    """What whoever starts the service should know."""
    warnings = [_SANDBOX_WARNING] if settings.sandbox else []
    if not settings.is_authenticated:
        warnings.append(_OPEN_WARNING)
    if settings.database_url is None:
        warnings.append(_MEMORY_WARNING)
    return [*warnings, *openai_realtime.warnings_about(settings, today)]


_SANDBOX_WARNING = "SANDBOX is on: Daily, OpenRouter, OpenAI and Vapi are emulated in this process, nothing is real"
_OPEN_WARNING = "the API is open: anyone who reaches it may use it; set API_KEYS or AUTH_JWT_SECRET/AUTH_JWKS_URL"
_MEMORY_WARNING = (
    "DATABASE_URL is empty: what is stored is lost on restart and not shared, so run one process (one worker) only"
)

_ERROR_MAPPERS: dict[Provider, tuple[str, Callable[[VendorResponse], MappedError]]] = {
    "daily": (daily.VENDOR, daily.map_error),
    "openrouter": (model_errors.VENDOR, model_errors.map_error),
    "openai": ("OpenAI", openai_realtime.map_error),
    "vapi": (vapi.VENDOR, vapi.map_error),
}


def _upstream(provider: Provider, settings: Settings, clock: Clock) -> VendorClient:
    """A pool of its own for each provider, so that one that hangs starves no other."""
    way = _vendor_configs(settings)[provider]
    vendor, map_error = _ERROR_MAPPERS[provider]
    key = SecretStr(SANDBOX_KEY) if settings.sandbox else way.key
    client = open_client(way.base_url, key, _transport(provider, way, settings, clock))
    return VendorClient(
        vendor,
        client,
        map_error,
        deadline=way.deadline,
        max_concurrency=way.max_concurrency,
        retry_policy=RETRY_POLICIES[provider],
    )


def _vendor_configs(settings: Settings) -> dict[Provider, VendorConfig]:
    short, long = settings.upstream_timeout_seconds, settings.llm_timeout_seconds
    return {
        "daily": VendorConfig(settings.daily_api_url, settings.daily_api_key, short, 100),
        "openrouter": VendorConfig(settings.openrouter_base_url, settings.openrouter_api_key, long, 1500),
        "openai": VendorConfig(settings.openai_base_url, settings.openai_api_key, short, 100),
        # a call that must not be placed twice never goes out on a connection that may be dead
        "vapi": VendorConfig(settings.vapi_base_url, settings.vapi_api_key, short, 20, keep_alive=False),
    }


def _transport(provider: Provider, way: VendorConfig, settings: Settings, clock: Clock) -> httpx.AsyncBaseTransport:
    if settings.sandbox:
        return sandbox_transport(provider, lambda: clock().timestamp())
    return open_transport(way.max_concurrency, keep_alive=way.keep_alive)


async def _stop(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
