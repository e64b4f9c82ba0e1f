"""Kinds of callers: without credentials, with invalid ones, another key's owner, and the room's owner.

Tokens are signed by `tests.services.access.issuer`; `issuing()` publishes its key set on loopback.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from tests.services.access.issuer import OTHER_RSA, RSA, bearer, claims, key_set, public_pem, signed
from tests.support.http_server import http_server

OWNER_KEY = "the-owner's-key-0123456789"
OTHER_KEY = "another-caller's-key-0123456789"
TWO_KEYS = f"owner:{OWNER_KEY},other:{OTHER_KEY}"
AUDIENCE = "interview-rooms"

OWNER = {"Authorization": bearer(OWNER_KEY)}
OTHER_CALLER = {"Authorization": bearer(OTHER_KEY)}


def encoded(part: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


def handmade(secret: bytes, **header: str) -> str:
    """A token that libraries refuse to sign: without an algorithm, or with a public key as the secret."""
    signing_input = f"{encoded(header | {'typ': 'JWT'})}.{encoded(claims(aud=AUDIENCE))}"
    signature = hmac.new(secret, signing_input.encode(), hashlib.sha256).digest() if secret else b""
    return f"{signing_input}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


NO_CREDENTIALS: dict[str, str] = {}
INVALID_CREDENTIALS = {
    "wrong key": bearer("no-key-of-this-server-0123"),
    "half a key": bearer(OWNER_KEY[:-1]),
    "no bearer": f"Basic {base64.b64encode(f'owner:{OWNER_KEY}'.encode()).decode()}",
    "empty bearer": "Bearer ",
    "expired token": bearer(signed("RS256", aud=AUDIENCE, exp=1)),
    "token for another audience": bearer(signed("RS256", aud="another-service")),
    "token by another issuer's key": bearer(signed("RS256", key=OTHER_RSA, aud=AUDIENCE)),
    "token with alg none": bearer(handmade(b"", alg="none")),
    "HS256 signed with the public key": bearer(handmade(public_pem(RSA), alg="HS256", kid="RS256")),
}
OWNERS = {
    "by key": OWNER,
    "by RS256 token": {"Authorization": bearer(signed("RS256", aud=AUDIENCE, sub="owner"))},
    "by HS256 token": {"Authorization": bearer(signed("HS256", aud=AUDIENCE, sub="another-owner"))},
}


@contextmanager
def issuing() -> Iterator[str]:
    """The URL of the key set."""
    with http_server(lambda _: httpx.Response(200, json=key_set())) as url:
        yield f"{url}/jwks.json"
