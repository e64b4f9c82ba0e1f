"""The API's documentation as pages, each with the policy that lets it load what it needs and nothing else.

Their scripts come from a public CDN, so they need a way to the internet; `/openapi.json` does not.
"""

import re
from base64 import b64encode
from hashlib import sha256

from fastapi import APIRouter, Request
from fastapi.openapi.docs import get_redoc_html, get_swagger_ui_html
from fastapi.responses import HTMLResponse

router = APIRouter(include_in_schema=False)

_CDN = "https://cdn.jsdelivr.net/npm"
_FAVICON = "https://fastapi.tiangolo.com"
_BASE = {
    "default-src": "'none'",
    "connect-src": "'self'",
    "frame-ancestors": "'none'",
    "base-uri": "'none'",
    "form-action": "'none'",
}
_SWAGGER = _BASE | {
    "script-src": f"{_CDN}/swagger-ui-dist@5/",
    "style-src": f"{_CDN}/swagger-ui-dist@5/ 'unsafe-inline'",
    "img-src": f"'self' data: {_FAVICON}",
}
_REDOC = _BASE | {
    "script-src": f"{_CDN}/redoc@2/",
    "style-src": "'unsafe-inline'",
    "img-src": f"'self' data: {_FAVICON} https://cdn.redoc.ly",
    "worker-src": "blob:",
}
"""Both libraries set styles on elements, which no hash can name; scripts stand in the page by hash."""

_INLINE_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)


@router.get("/docs")
async def swagger_ui(request: Request) -> HTMLResponse:
    """Try the API out, with a key or a token where one is needed."""
    return _with_policy(get_swagger_ui_html(openapi_url=_document_url(request), title=_title(request)), _SWAGGER)


@router.get("/redoc")
async def redoc(request: Request) -> HTMLResponse:
    """Read the API."""
    page = get_redoc_html(openapi_url=_document_url(request), title=_title(request), with_google_fonts=False)
    return _with_policy(page, _REDOC)


def _document_url(request: Request) -> str:
    return f"{request.scope.get('root_path', '').rstrip('/')}{request.app.openapi_url}"


def _title(request: Request) -> str:
    return f"{request.app.title} - documentation"


def _with_policy(page: HTMLResponse, policy: dict[str, str]) -> HTMLResponse:
    scripts = "".join(f" '{_hash(script)}'" for script in _INLINE_SCRIPT.findall(bytes(page.body).decode()))
    policy = policy | {"script-src": policy["script-src"] + scripts}
    page.headers["Content-Security-Policy"] = "; ".join(f"{name} {sources}" for name, sources in policy.items())
    return page


def _hash(script: str) -> str:
    return f"sha256-{b64encode(sha256(script.encode()).digest()).decode()}"
