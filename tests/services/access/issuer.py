"""A token issuer for tests: its private keys, the key set it publishes, the tokens it signs."""

import json
import time
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import get_default_algorithms

SECRET = "a-secret-of-at-least-thirty-two-bytes!"
URL = "https://issuer.test/auth/v1/.well-known/jwks.json"
ISSUER = "https://project.supabase.co/auth/v1"
JWKS = {"auth_jwks_url": URL, "auth_jwt_issuer": ISSUER, "auth_jwt_audience": "authenticated"}
"""Settings for tokens that are signed with a published key."""

RSA = rsa.generate_private_key(65537, 2048)
OTHER_RSA = rsa.generate_private_key(65537, 2048)
PRIVATE: dict[str, Any] = {
    "RS256": RSA,
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate(),
}


def public_jwk(algorithm: str, key: Any, **members: Any) -> dict[str, Any]:
    text = get_default_algorithms()[algorithm].to_jwk(key.public_key())
    return {**json.loads(text), "kid": algorithm, "use": "sig", "alg": algorithm, **members} | {"key_ops": ["verify"]}


def key_set(*keys: dict[str, Any]) -> dict[str, Any]:
    return {"keys": list(keys or (public_jwk(algorithm, key) for algorithm, key in PRIVATE.items()))}


def public_pem(key: Any) -> bytes:
    pem: bytes = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return pem


def claims(**changes: Any) -> dict[str, Any]:
    """What a fresh token of Supabase Auth says; a change to None leaves the claim out."""
    now = int(time.time())
    said = {
        "iss": ISSUER,
        "sub": "11111111-2222-4333-8444-555555555555",
        "aud": "authenticated",
        "iat": now,
        "exp": now + 3600,
        "role": "authenticated",
    }
    return {name: value for name, value in (said | changes).items() if value is not None}


def signed(algorithm: str = "HS256", *, key: Any = None, kid: str | None = None, **changes: Any) -> str:
    """A token. HS256 is signed with SECRET, the others with the key of their kind."""
    key = key or (SECRET if algorithm == "HS256" else PRIVATE[algorithm])
    headers = {"kid": kid or algorithm}
    return jwt.encode(claims(**changes), key, algorithm=algorithm, headers=headers)


def bearer(credential: str) -> str:
    return f"Bearer {credential}"
