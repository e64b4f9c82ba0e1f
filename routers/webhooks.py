"""Webhooks: events that providers send to this service."""

from typing import Any

from fastapi import APIRouter, Request
from starlette.datastructures import Headers

from routers.access import check_rate_limit, client_address
from routers.bodies import SMALL_BODY_BYTES, read_in_time
from routers.dependencies import ServicesDep
from routers.problems import BODY, problem_responses
from routers.schemas.service import WebhookReceipt
from services.errors import Unauthorized
from services.interview.daily_events import read_event
from services.lifespan import Services
from services.upstream.webhook_signature import verify_webhook

router = APIRouter(prefix="/api/webhooks", tags=["webhooks"])

_SIGNATURE = "X-Webhook-Signature"
_TIMESTAMP = "X-Webhook-Timestamp"
_EVENT: dict[str, Any] = {
    "parameters": [
        {"name": name, "in": "header", "required": True, "description": description, "schema": {"type": "string"}}
        for name, description in (
            (_SIGNATURE, "Base64 of the HMAC-SHA256 of the timestamp, a full stop and the body."),
            (_TIMESTAMP, "Unix time; at most five minutes from this server's."),
        )
    ],
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {"type": "object"},
                "example": {
                    "version": "1.0.0",
                    "type": "transcript.ready-to-download",
                    "payload": {"id": "0cb313e1-211f-4be0-833d-8c7305b19902", "room_name": "interview-3f9c1c2ab1de"},
                },
            }
        },
    },
}


@router.post(
    "/daily",
    operation_id="receive_daily_event",
    max_body_size=SMALL_BODY_BYTES,
    responses=problem_responses(*BODY, 401, 429),
    openapi_extra=_EVENT,
)
async def receive_daily_event(request: Request, services: ServicesDep) -> WebhookReceipt:
    """Receive an event from Daily, signed with DAILY_WEBHOOK_SECRET. A finished transcript is pulled soon after.

    Every signed event is a 200, also unknown and repeated ones. Only refused calls count against the rate limit, so
    others who share Daily's way to this server can't keep its events out.
    """
    body = await read_in_time(request.body(), services.settings.body_timeout_seconds)
    if reason := _refusal(services, request.headers, body):
        await check_rate_limit(request, services, client_address(request))
        raise Unauthorized("The signature of this webhook is missing, wrong or too old.", reason=reason)
    if ready := read_event(body):
        services.transcript_pulls.announce(ready.room_name, ready.transcript_id)
    return WebhookReceipt()


def _refusal(services: Services, headers: Headers, body: bytes) -> str | None:
    """Why the event is refused, for the log; None for one that Daily signed."""
    secret = services.settings.daily_webhook_secret
    if secret is None:
        return "an event came to /api/webhooks/daily, and DAILY_WEBHOOK_SECRET is empty"
    signature, timestamp = headers.get(_SIGNATURE, ""), headers.get(_TIMESTAMP, "")
    if not verify_webhook(secret.get_secret_value(), timestamp, body, signature, services.clock()):
        return "the signature of a Daily event is not that of DAILY_WEBHOOK_SECRET, or too old"
    return None
