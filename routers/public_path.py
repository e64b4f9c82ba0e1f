"""Paths as clients see them."""

from starlette.types import Scope


def public_path(scope: Scope, path: str) -> str:
    """The path with the prefix of `--root-path`, however the slashes of that are written."""
    prefix = scope.get("root_path", "").strip("/")
    return f"/{prefix}{path}" if prefix else path
