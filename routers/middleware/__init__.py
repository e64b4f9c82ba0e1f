"""Pure ASGI middleware and their order."""

from fastapi import FastAPI
from starlette.middleware.trustedhost import TrustedHostMiddleware

from config import Settings
from routers.middleware.aborted import AbortedRequestMiddleware
from routers.middleware.cors import LoggingCORSMiddleware
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
"""Seconds for which browsers keep the response to a preflight."""
LOCAL_ORIGIN = r"https?://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?"
"""Origins that the sandbox allows besides CORS_ORIGINS: pages on any port of this machine."""


def add_middleware(app: FastAPI, settings: Settings) -> None:
    """Add the middleware from the innermost to the outermost: a request passes the last one first.

    The order matters. CORS is outside of everything that refuses, so that a web page can read each refusal. The request
    id is outside of everything that writes a problem document, since every one names it.
    """
    if "*" not in settings.allowed_hosts:
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=settings.allowed_hosts, www_redirect=False)
    app.add_middleware(AbortedRequestMiddleware)
    app.add_middleware(
        LoggingCORSMiddleware,
        allow_origins=settings.cors_origins,
        allow_origin_regex=LOCAL_ORIGIN if settings.is_sandbox else None,
        allow_methods=METHODS,
        allow_headers=["*"],
        allow_private_network=True,
        expose_headers=EXPOSED_HEADERS,
        max_age=PREFLIGHT_SECONDS,
    )
    app.add_middleware(PlainTextRefusalMiddleware, untrusted_host=_untrusted_host(settings))
    app.add_middleware(HeadMiddleware)
    app.add_middleware(RequestIdAndHeadersMiddleware, headers=_sandbox_header(settings))
    app.add_middleware(StartFailureMiddleware)


def _untrusted_host(settings: Settings) -> str:
    if settings.trusted_hosts:
        return "This server does not answer to this host name; add it to TRUSTED_HOSTS if it should."
    return (
        "This server has no authentication, so it answers to localhost only; "
        "set API_KEYS, or name the hosts that it should answer to in TRUSTED_HOSTS."
    )


def _sandbox_header(settings: Settings) -> dict[str, str]:
    """`true` when every provider is emulated, else the names of those that are."""
    if not settings.sandbox:
        return {}
    return {"X-Sandbox": "true" if settings.is_sandbox else ",".join(sorted(settings.sandbox))}
