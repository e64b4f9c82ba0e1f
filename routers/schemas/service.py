"""Problems, health and readiness."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema

from config import Provider, ProviderState
from services.readiness import DependencyState
from services.text.fields import ResponseModel


class FieldProblem(BaseModel):
    """One invalid field of the request."""

    field: str
    message: str


class Problem(BaseModel):
    """An error as a problem document (RFC 9457). `detail` is one sentence that a person can act on."""

    model_config = ConfigDict(
        use_attribute_docstrings=True,
        json_schema_extra={
            "example": {
                "type": "urn:interview-room-api:problem:room_expired",
                "title": "Room expired",
                "status": 410,
                "detail": "This room has ended; open a new one to go on.",
                "code": "room_expired",
                "request_id": "5f0c1f1f2c9a4d0e8f6b7a3d2c1b0a99",
            }
        },
    )

    type: Annotated[str, Field(json_schema_extra={"format": "uri"})]
    title: str
    status: int
    detail: str
    """One sentence that a person can act on."""
    code: str
    """What went wrong, for programs. Later versions may add codes."""
    request_id: str
    errors: list[FieldProblem] | SkipJsonSchema[None] = None
    """Invalid fields of the request."""


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
