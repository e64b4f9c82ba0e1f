"""Liveness and readiness."""

from collections.abc import Awaitable
from typing import Literal

from fastapi import APIRouter, Response

from config import SERVICE, VERSION
from routers.dependencies import ServicesDep
from routers.schemas.service import Health, Readiness
from services.errors import ServiceError
from services.lifespan import Services

router = APIRouter(tags=["service"])


@router.get("/health", operation_id="health")
async def health(services: ServicesDep) -> Health:
    """The process is running. Nothing else is checked."""
    return Health(status="healthy", service=SERVICE, version=VERSION, sandbox=services.settings.sandbox)


@router.get(
    "/health/ready",
    operation_id="ready",
    responses={503: {"model": Readiness, "description": "A dependency is unavailable"}},
)
async def ready(services: ServicesDep, response: Response) -> Readiness:
    """Whether calls can be served, with the state of each dependency and provider. No provider is called."""
    dependencies = {
        "storage": await _state(services.storage.ping()),
        "rate_limit_storage": await _state(services.limiter.ping()),
    }
    is_ready = dependencies["storage"] == "ok"
    response.status_code = 200 if is_ready else 503
    return Readiness(
        status="ready" if is_ready else "not_ready", dependencies=dependencies, providers=_providers(services)
    )


async def _state(answer: Awaitable[None]) -> Literal["ok", "unavailable"]:
    try:
        await answer
    except ServiceError:
        return "unavailable"
    return "ok"


def _providers(services: Services) -> dict[str, Literal["configured", "not_configured", "emulated"]]:
    configured = {
        "daily": services.daily.is_configured,
        "openrouter": services.llm.is_configured,
        "openai": services.openai.is_configured,
        "vapi": services.vapi.is_configured,
    }
    if services.settings.sandbox:
        return dict.fromkeys(configured, "emulated")
    return {name: "configured" if is_set else "not_configured" for name, is_set in configured.items()}
