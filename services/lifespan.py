"""The services behind the handlers: opened in order at start, closed in reverse at the end."""

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
from services.access.budgets import Budgets, phone_secret
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
    """What handlers work with. Everything stays open for as long as the app runs."""

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
    shutdown: Shutdown


class VendorConfig(NamedTuple):
    """How one provider is called: `deadline` in seconds, `max_concurrency` calls in flight at most."""

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
        # no kept connection: one that turns out dead leaves it unknown whether the phone rings
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


async def open_services(stack: AsyncExitStack, settings: Settings, clock: Clock) -> Services:
    """Open the services; the stack closes them in reverse order.

    Raises UnusableDatabaseUrl when the database cannot be used.
    """
    storage = await stack.enter_async_context(open_storage(settings, clock))
    authenticator = await stack.enter_async_context(Authenticator(settings))
    limiter = await stack.enter_async_context(Limiter(settings))
    clients = {
        provider: await stack.enter_async_context(_vendor_client(provider, config, settings, clock))
        for provider, config in vendor_configs(settings).items()
    }
    retention = None if settings.retention_days is None else timedelta(days=settings.retention_days)
    stack.push_async_callback(_stop, asyncio.create_task(run_retention(storage, clock, retention)))
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
        budgets=Budgets(storage, clock, settings, phone_secret(settings)),
        shutdown=Shutdown(),
    )


def start_warnings(settings: Settings, today: date) -> list[str]:
    """Returns what the operator should know at start, one line each."""
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


def _vendor_client(provider: Provider, config: VendorConfig, settings: Settings, clock: Clock) -> VendorClient:
    """A client with a connection pool of its own, so that a vendor that hangs does not hold up the others."""
    key = SecretStr(SANDBOX_KEY) if settings.sandbox else config.key
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
    if settings.sandbox:
        return sandbox_transport(provider, lambda: clock().timestamp())
    return open_transport(config.max_concurrency, keep_alive=config.keep_alive)


async def _stop(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
