"""Problems, health and readiness."""

from typing import Literal

from pydantic import BaseModel

from services.text.fields import ResponseModel


class FieldProblem(BaseModel):
    """One input that was refused."""

    field: str
    message: str


class Problem(BaseModel):
    """An error, as RFC 9457 has it. `detail` is one sentence that a person can act on."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str
    errors: list[FieldProblem] | None = None


class Health(ResponseModel):
    """The process lives."""

    status: Literal["healthy"]
    service: str
    version: str
    sandbox: bool


class Readiness(ResponseModel):
    """Whether calls can be served, and by what."""

    status: Literal["ready", "not_ready"]
    dependencies: dict[str, Literal["ok", "unavailable"]]
    """Storage and rate-limit storage: without them calls fail or limits are per process."""
    providers: dict[str, Literal["configured", "not_configured", "emulated"]]
    """Whether each provider has what it needs. None is called."""
