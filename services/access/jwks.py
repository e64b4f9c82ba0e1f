"""The token issuer's public keys (JWKS): https://www.rfc-editor.org/rfc/rfc7517"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from time import monotonic
from types import TracebackType
from typing import Any, Self

from jwt import PyJWK, PyJWTError

from services.errors import ProviderBadAnswer, ProviderUnavailable, ServiceError
from services.upstream.client import VendorClient
from services.upstream.responses import Json

log = logging.getLogger(__name__)

FETCH_EVERY_SECONDS = 60.0
"""Minimum time between two fetches, however many unknown keys tokens name."""
RETRY_SECONDS = 5.0
"""Minimum time between two fetches after a failure, while no key is known."""
FRESH_SECONDS = 600.0
"""Maximum age of the keys: a withdrawn key is refused after the next fetch."""
MAX_KEYS = 100

_ALGORITHMS = {"RSA": "RS256", "EC": "ES256", "OKP": "EdDSA"}
"""The one algorithm that each type of key verifies. Symmetric keys are left out: they cannot be public."""
ALGORITHMS = tuple(_ALGORITHMS.values())


class Jwks:
    """The published keys by id: cached, refreshed in the background, fetched by one task at a time.

    While they cannot be fetched, the known keys remain valid. `path` is that of the key set, with its query.
    """

    def __init__(self, upstream: VendorClient, path: str, clock: Callable[[], float] = monotonic) -> None:
        self._upstream = upstream
        self._path = path
        self._clock = clock
        self._keys: Mapping[str, PyJWK] = {}
        self._stale_at = 0.0
        self._next_fetch = clock()
        self._has_failed = False
        self._fetching: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self._upstream.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._fetching is not None:
            self._fetching.cancel()
            await asyncio.wait([self._fetching])
        await self._upstream.__aexit__(kind, error, trace)

    async def find(self, kid: str) -> PyJWK | None:
        """Returns the key with this id, or None where the issuer publishes none.

        An unknown id waits for a fetch; an aged key is used while a fetch runs in the background. Raises
        ProviderUnavailable while no key could be fetched at all.
        """
        if kid in self._keys:
            if self._clock() >= self._stale_at:
                self._refresh()
            return self._keys[kid]
        if refreshing := self._refresh():
            await asyncio.shield(refreshing)
        if self._has_failed and not self._keys:
            raise ProviderUnavailable(
                "The keys that verify tokens cannot be fetched right now; try again in a moment.",
                retry_after=int(RETRY_SECONDS),
            )
        return self._keys.get(kid)

    def key_ids(self) -> list[str]:
        """Returns the ids of the known keys."""
        return list(self._keys)

    def _refresh(self) -> asyncio.Task[None] | None:
        """The running fetch, or a new one; None where the last fetch is too recent."""
        if self._fetching is None or self._fetching.done():
            if self._clock() < self._next_fetch:
                return None
            self._fetching = asyncio.create_task(self._fetch())
        return self._fetching

    async def _fetch(self) -> None:
        try:
            answer = await self._upstream.call("GET", self._path, repeatable=True)
            self._keys = _read_keys(answer.json_object())
        except ServiceError as error:
            log.warning("the keys of AUTH_JWKS_URL cannot be fetched: %s", error.detail)
            self._has_failed = True
        else:
            self._has_failed = False
            self._stale_at = self._clock() + FRESH_SECONDS
        has_no_key = self._has_failed and not self._keys
        self._next_fetch = self._clock() + (RETRY_SECONDS if has_no_key else FETCH_EVERY_SECONDS)


def _read_keys(document: Json | None) -> Mapping[str, PyJWK]:
    """The keys that can verify a token. Raises ProviderBadAnswer where the document is no key set."""
    published = document.get("keys") if document is not None else None
    if not isinstance(published, list):
        raise ProviderBadAnswer("it has no key set, check it")
    keys = (_read_key(key) for key in published[:MAX_KEYS] if isinstance(key, dict) and _is_for_signatures(key))
    return {key.key_id: key for key in keys if key is not None and key.key_id is not None}


def _is_for_signatures(key: Mapping[str, Any]) -> bool:
    operations = key.get("key_ops", ["verify"])
    return (
        isinstance(key.get("kid"), str)
        and key.get("use", "sig") == "sig"
        and isinstance(operations, list)
        and "verify" in operations
        and "d" not in key  # contains private key material: do not trust it
    )


def _read_key(key: dict[str, Any]) -> PyJWK | None:
    """The key, bound to the one algorithm of its type; None for another type, an invalid or a weak key."""
    kind = key.get("kty")
    algorithm = _ALGORITHMS.get(kind) if isinstance(kind, str) else None
    if algorithm is None or key.get("alg", algorithm) != algorithm:
        return None
    try:
        read = PyJWK(key, algorithm)
        is_weak = read.Algorithm.check_key_length(read.key) is not None
    except PyJWTError:
        return None
    return None if is_weak else read
