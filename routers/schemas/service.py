"""Problems, health and readiness."""

from typing import Literal

from pydantic import BaseModel

from config import Provider, ProviderState
from services.readiness import DependencyState
from services.text.fields import ResponseModel


class FieldProblem(BaseModel):
    """One invalid field of the request."""

    field: str
    message: str


class Problem(BaseModel):
    """An error as a problem document (RFC 9457). `detail` is one sentence that a person can act on."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str
    errors: list[FieldProblem] | None = None


class Health(ResponseModel):
    """The process is running."""

    status: Literal["healthy"]
    service: str
    version: str
    sandbox: bool


class Readiness(ResponseModel):
    """Whether calls can be served, by dependency and provider."""

    status: Literal["ready", "not_ready"]
    dependencies: dict[str, DependencyState]
    """Without `storage` calls fail; without `rate_limit_storage` each process counts its own calls."""
    providers: dict[Provider, ProviderState]
    """Whether each provider has the settings it needs. No provider is called."""


class WebhookReceipt(ResponseModel):
    """The event was received. What it announces is done later."""

    status: Literal["received"] = "received"
