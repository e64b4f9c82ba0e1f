"""Liveness and readiness."""

from fastapi import APIRouter, Response

from config import SERVICE, VERSION
from routers.dependencies import ServicesDep
from routers.schemas.service import Health, Readiness

router = APIRouter(tags=["service"])


@router.get("/health", operation_id="health")
async def health(services: ServicesDep) -> Health:
    """The process is running. Nothing else is checked."""
    return Health(status="healthy", service=SERVICE, version=VERSION, sandbox=bool(services.settings.sandbox))


@router.get(
    "/health/ready",
    operation_id="ready",
    responses={503: {"model": Readiness, "description": "A dependency is unavailable"}},
)
async def ready(services: ServicesDep, response: Response) -> Readiness:
    """Whether calls can be served, with the state of each dependency and provider. No provider is called."""
    dependencies = await services.readiness.dependencies()
    is_ready = dependencies["storage"] == "ok"
    response.status_code = 200 if is_ready else 503
    return Readiness(
        status="ready" if is_ready else "not_ready",
        dependencies=dependencies,
        providers=services.settings.providers,
    )
