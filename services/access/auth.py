"""Authentication: identifies the caller by the API key or JWT in `Authorization: Bearer …`."""

from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import httpx
from pydantic import SecretStr

from config import Settings, UnusableSetting
from services.access.api_keys import ApiKeys
from services.access.jwks import Jwks
from services.access.tokens import NOT_ACCEPTED, Tokens, read_header, read_secret
from services.errors import ProviderBadAnswer, Unauthorized
from services.upstream.client import VendorClient
from services.upstream.error_rules import REDIRECTS
from services.upstream.responses import MappedError, VendorResponse, map_status
from services.upstream.retry_policy import RETRY_POLICIES
from services.upstream.transport import open_client, open_transport

FETCH_SECONDS = 5.0
"""Deadline for fetching the published keys, which a caller may have to wait for."""
ANY_AUDIENCE = "*"

_ISSUER = "The token issuer"


def _open_transport() -> httpx.AsyncBaseTransport:
    return open_transport(max_concurrency=2)


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated caller."""

    id: str
    """`key:<name>` or `jwt:<issuer>|<subject>`: stable, printable, at most 255 characters."""


class Authenticator:
    """Identifies callers. The constructor checks the settings, opens nothing, and raises UnusableSetting.

    `transport` makes the connection to AUTH_JWKS_URL; it is called only where that is set.
    """

    def __init__(
        self,
        settings: Settings,
        transport: Callable[[], httpx.AsyncBaseTransport] = _open_transport,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        _check(settings)
        self.is_required = settings.is_authenticated
        """Whether callers need credentials at all."""
        self._keys = ApiKeys.read(settings.api_keys.get_secret_value()) if settings.api_keys else ApiKeys([])
        secret = _secret(settings.auth_jwt_secret)
        self._jwks = _jwks(settings.auth_jwks_url, transport, clock) if settings.auth_jwks_url else None
        has_tokens = secret is not None or self._jwks is not None
        audience = None if settings.auth_jwt_audience == ANY_AUDIENCE else settings.auth_jwt_audience
        self._tokens = Tokens(secret, self._jwks, audience, settings.auth_jwt_issuer) if has_tokens else None

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
        """Returns the caller of an `Authorization` header; None without one, and where no credentials are needed.

        Raises Unauthorized, or ProviderUnavailable where the published keys could never be fetched.
        """
        if authorization is None or not self.is_required:
            return None
        credential = _credential(authorization)
        header = read_header(credential)
        if self._tokens is not None and header is not None:
            return Caller(await self._tokens.identify(credential, header))
        name = self._keys.name_of(credential)
        if name is None:
            raise Unauthorized(NOT_ACCEPTED, reason=_WRONG_KEY if header is None else _UNEXPECTED_JWT)
        return Caller(f"key:{name}")


_WRONG_KEY = "the credential is no JWT, and not in API_KEYS"
_UNEXPECTED_JWT = "the credential is a JWT, and neither AUTH_JWT_SECRET nor AUTH_JWKS_URL is set"


def _check(settings: Settings) -> None:
    rules = {"AUTH_JWT_AUDIENCE": settings.auth_jwt_audience, "AUTH_JWT_ISSUER": settings.auth_jwt_issuer}
    for name, value in rules.items():
        if value and not settings.auth_jwt_secret and not settings.auth_jwks_url:
            # on their own they check nothing: the API would be open although it looks protected
            raise UnusableSetting(f"{name} is set, but neither AUTH_JWT_SECRET nor AUTH_JWKS_URL is.")
        if settings.auth_jwks_url and not value:
            # many services share an issuer, and the tokens of all of them would be accepted
            raise UnusableSetting(f"{name} must be set with AUTH_JWKS_URL{_ANY_HINT[name]}.")


_ANY_HINT = {
    "AUTH_JWT_AUDIENCE": "; * accepts tokens for any audience",
    "AUTH_JWT_ISSUER": ", as the iss of its tokens has it",
}


def _secret(setting: SecretStr | None) -> bytes | None:
    return read_secret(setting.get_secret_value()) if setting else None


def _jwks(url: str, transport: Callable[[], httpx.AsyncBaseTransport], clock: Callable[[], float]) -> Jwks:
    parts = urlsplit(url)
    origin = f"{parts.scheme}://{parts.netloc}"
    upstream = VendorClient(
        _ISSUER,
        open_client(origin, None, transport()),
        _map_error,
        deadline=FETCH_SECONDS,
        max_concurrency=2,
        retry_policy=RETRY_POLICIES["token_issuer"],
    )
    return Jwks(upstream, url.removeprefix(origin), clock)


def _map_error(answer: VendorResponse) -> MappedError:
    if answer.status in _NO_KEYS:
        return MappedError(ProviderBadAnswer("it has no key set, check it"))
    return map_status(_ISSUER, answer, "AUTH_JWKS_URL")


_NO_KEYS = (*REDIRECTS, 400, 404, 405, 410)


def _credential(authorization: str) -> str:
    """The text behind `Bearer`, in any case (RFC 9110, 11.1)."""
    scheme, _, credential = authorization.strip().partition(" ")
    if scheme.lower() != "bearer" or not credential.strip():
        raise Unauthorized(
            "Send your API key or token as `Authorization: Bearer <key>`.",
            reason="the Authorization header is not `Bearer <credential>`",
        )
    return credential.strip()
