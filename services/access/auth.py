"""Who is calling: an API key or a token in `Authorization: Bearer …`, checked against the settings."""

from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from types import TracebackType
from typing import Self

import httpx
from pydantic import SecretStr

from config import Settings
from services.access.api_keys import ApiKeys
from services.access.jwks import Jwks
from services.access.settings import UnusableCredentials
from services.access.tokens import NOT_ACCEPTED, Tokens, read_header, read_secret
from services.errors import Unauthorized
from services.upstream.client import VendorClient
from services.upstream.responses import MappedError, VendorResponse, map_status
from services.upstream.retry_policy import RETRY_POLICIES
from services.upstream.transport import open_client, open_transport

FETCH_SECONDS = 5.0
"""Longest time that a caller waits for published keys."""

_ISSUER = "The token issuer"


def _open_transport() -> httpx.AsyncBaseTransport:
    return open_transport(max_concurrency=2)


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who has shown who they are."""

    id: str
    """`key:<name>` or `jwt:<issuer>|<subject>`: stable, printable, at most 255 characters."""


class Authenticator:
    """Tells callers apart. Making one checks the settings, opens nothing, and raises UnusableCredentials.

    `transport` makes the way to AUTH_JWKS_URL and is called only where that is set.
    """

    def __init__(
        self,
        settings: Settings,
        transport: Callable[[], httpx.AsyncBaseTransport] = _open_transport,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        _check(settings)
        self.is_required = settings.is_authenticated
        """Whether callers must show who they are at all."""
        self._keys = ApiKeys.read(settings.api_keys.get_secret_value()) if settings.api_keys else ApiKeys([])
        secret = _secret(settings.auth_jwt_secret)
        self._jwks = _jwks(settings.auth_jwks_url, transport, clock) if settings.auth_jwks_url else None
        has_tokens = secret is not None or self._jwks is not None
        self._tokens = (
            Tokens(secret, self._jwks, settings.auth_jwt_audience, settings.auth_jwt_issuer) if has_tokens else None
        )

    async def __aenter__(self) -> Self:
        if self._jwks is not None:
            await self._jwks.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._jwks is not None:
            await self._jwks.__aexit__(kind, error, trace)

    async def identify(self, authorization: str | None) -> Caller | None:
        """Whoever the `Authorization` header proves; None without one, and where nobody has to show who they are.

        Raises Unauthorized, or ProviderUnavailable where the keys that a token is
        checked with could never be fetched.
        """
        if authorization is None or not self.is_required:
            return None
        credential = _credential(authorization)
        header = read_header(credential) if self._tokens else None
        if self._tokens is not None and header is not None:
            return Caller(await self._tokens.identify(credential, header))
        name = self._keys.name_of(credential)
        if name is None:
            raise Unauthorized(NOT_ACCEPTED)
        return Caller(f"key:{name}")


def _check(settings: Settings) -> None:
    """A rule for tokens without anything to check them with leaves the door open that somebody meant to lock."""
    rules = {
        "AUTH_JWT_AUDIENCE": settings.auth_jwt_audience,
        "AUTH_JWT_ISSUER": settings.auth_jwt_issuer,
    }
    for name, value in rules.items():
        if value and not settings.auth_jwt_secret and not settings.auth_jwks_url:
            raise UnusableCredentials(f"{name} is set, but neither AUTH_JWT_SECRET nor AUTH_JWKS_URL is.")


def _secret(setting: SecretStr | None) -> bytes | None:
    return read_secret(setting.get_secret_value()) if setting else None


def _jwks(url: str, transport: Callable[[], httpx.AsyncBaseTransport], clock: Callable[[], float]) -> Jwks:
    client = open_client(url, None, transport())
    upstream = VendorClient(
        _ISSUER,
        client,
        _read_failure,
        deadline=FETCH_SECONDS,
        max_concurrency=2,
        retry_policy=RETRY_POLICIES["token_issuer"],
    )
    return Jwks(upstream, clock)


def _read_failure(answer: VendorResponse) -> MappedError:
    return map_status(_ISSUER, answer, "AUTH_JWKS_URL")


def _credential(authorization: str) -> str:
    """What stands behind `Bearer`, whatever the case of that word (RFC 9110, 11.1)."""
    scheme, _, credential = authorization.strip().partition(" ")
    if scheme.lower() != "bearer" or not credential.strip():
        raise Unauthorized("Send your API key or token as `Authorization: Bearer <key>`.")
    return credential.strip()
