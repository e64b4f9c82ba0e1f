"""Pure ASGI middleware, one per feature, and their order."""

from fastapi import FastAPI
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware

from config import Settings
from routers.middleware.cors import LoggingCORSMiddleware
from routers.middleware.crash import CrashMiddleware
from routers.middleware.disconnect import DisconnectAndShutdownMiddleware
from routers.middleware.head import HeadMiddleware
from routers.middleware.refusals import PlainTextRefusalMiddleware
from routers.middleware.request_id import RequestIdAndHeadersMiddleware
from routers.middleware.start_failure import StartFailureMiddleware

__all__ = ["RequestIdAndHeadersMiddleware", "add_middleware"]

METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE")
EXPOSED_HEADERS = (
    "X-Request-ID",
    "Retry-After",
    "RateLimit",
    "RateLimit-Policy",
    "Location",
    "X-Sandbox",
    "Idempotency-Replayed",
)
"""Response headers that a web page on an allowed origin can read."""
PREFLIGHT_SECONDS = 600
"""How long browsers keep the answer to a preflight."""


def add_middleware(app: FastAPI, settings: Settings) -> None:
    """Add the middleware from the innermost to the outermost: a request passes the last one first.

    The order matters. CORS is outside of everything that refuses, so that a web page can read each refusal. The request
    id is outside of everything that writes a problem document, since every one names it.
    """
    app.add_middleware(RequestBodyLimitMiddleware, max_body_size=settings.max_body_bytes)
    if settings.trusted_hosts:
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=settings.trusted_hosts, www_redirect=False)
    app.add_middleware(CrashMiddleware)
    app.add_middleware(DisconnectAndShutdownMiddleware)
    app.add_middleware(
        LoggingCORSMiddleware,
        allow_origins=settings.cors_origins,
        allow_methods=METHODS,
        allow_headers=["*"],
        allow_private_network=True,
        expose_headers=EXPOSED_HEADERS,
        max_age=PREFLIGHT_SECONDS,
    )
    app.add_middleware(PlainTextRefusalMiddleware, untrusted_host=UNTRUSTED_HOST)
    app.add_middleware(HeadMiddleware)
    app.add_middleware(RequestIdAndHeadersMiddleware, headers={"X-Sandbox": "true"} if settings.sandbox else {})
    app.add_middleware(StartFailureMiddleware)


UNTRUSTED_HOST = "This server does not answer to this host name; add it to TRUSTED_HOSTS if it should."
