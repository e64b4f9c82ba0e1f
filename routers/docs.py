"""Documentation pages of the API, served without requests to other servers.

The viewers come from the package `fastapi-offline`, which pins their versions. Each page has a content security policy
that allows its own scripts and nothing else; Redoc's logo, which would come from elsewhere, stays blocked.
"""

import os
import re
from base64 import b64encode
from hashlib import sha256

from fastapi import APIRouter, Request
from fastapi.openapi.docs import get_redoc_html, get_swagger_ui_html
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from routers.public_path import public_path

router = APIRouter(include_in_schema=False)

ASSETS = "/docs/assets"
_POLICY = {
    "default-src": "'none'",
    "connect-src": "'self'",
    "img-src": "'self' data:",
    "style-src": "'self' 'unsafe-inline'",  # both viewers set styles on elements, which no hash can name
    "worker-src": "blob:",
    "frame-ancestors": "'none'",
    "base-uri": "'none'",
    "form-action": "'none'",
}
_INLINE_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)


class Assets(StaticFiles):
    """The viewers' files. Browsers keep them and ask whether they have changed."""

    def __init__(self) -> None:
        super().__init__(packages=[("fastapi_offline", "static")])

    def file_response(
        self, full_path: str | os.PathLike[str], stat_result: os.stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        response = super().file_response(full_path, stat_result, scope, status_code)
        response.headers["Cache-Control"] = "no-cache"
        return response


@router.get("/")
async def root(request: Request) -> RedirectResponse:
    """Redirect to the documentation."""
    return RedirectResponse(public_path(request.scope, "/docs"))


@router.get("/docs")
async def swagger_ui(request: Request) -> HTMLResponse:
    """Try out the API, with a key or a token where one is needed."""
    page = get_swagger_ui_html(
        openapi_url=public_path(request.scope, request.app.openapi_url),
        title=_title(request),
        swagger_js_url=public_path(request.scope, f"{ASSETS}/swagger-ui-bundle.js"),
        swagger_css_url=public_path(request.scope, f"{ASSETS}/swagger-ui.css"),
        swagger_favicon_url=public_path(request.scope, f"{ASSETS}/favicon.png"),
    )
    return _with_policy(page)


@router.get("/redoc")
async def redoc(request: Request) -> HTMLResponse:
    """Read the API."""
    page = get_redoc_html(
        openapi_url=public_path(request.scope, request.app.openapi_url),
        title=_title(request),
        redoc_js_url=public_path(request.scope, f"{ASSETS}/redoc.standalone.js"),
        redoc_favicon_url=public_path(request.scope, f"{ASSETS}/favicon.png"),
        with_google_fonts=False,
    )
    return _with_policy(page)


def _title(request: Request) -> str:
    return f"{request.app.title} - documentation"


def _with_policy(page: HTMLResponse) -> HTMLResponse:
    hashes = "".join(f" '{_hash(script)}'" for script in _INLINE_SCRIPT.findall(bytes(page.body).decode()))
    policy = _POLICY | {"script-src": f"'self'{hashes}"}
    page.headers["Content-Security-Policy"] = "; ".join(f"{name} {sources}" for name, sources in policy.items())
    return page


def _hash(script: str) -> str:
    return f"sha256-{b64encode(sha256(script.encode()).digest()).decode()}"
