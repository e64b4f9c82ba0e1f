"""JSON web tokens: whether one proves who is calling. https://www.rfc-editor.org/rfc/rfc8725"""

from collections.abc import Mapping
from hashlib import sha256
from json import dumps
from typing import Any, TypeAlias

import jwt
from jwt import PyJWK
from jwt.algorithms import HMACAlgorithm

from config import UnusableSetting
from services.access.jwks import ALGORITHMS, Jwks
from services.errors import Unauthorized

LEEWAY_SECONDS = 30
"""How far the issuer's clock may be from ours."""
SHORTEST_SECRET = 32
"""Bytes: as long as the hash (RFC 7518, 3.2)."""
LONGEST_ID = 255

_SYMMETRIC = "HS256"
NOT_ACCEPTED = "Your key or token was not accepted; check that it is whole and meant for this service."

Header: TypeAlias = Mapping[str, Any]


def read_header(credential: str) -> Header | None:
    """What a credential says about itself where it is a token; None where it is none. Proves nothing."""
    if credential.count(".") != 2 or not credential.isascii():
        return None
    try:
        return jwt.get_unverified_header(credential)
    except jwt.InvalidTokenError:
        return None


def read_secret(text: str) -> bytes:
    """The secret of HS256 tokens. Raises UnusableSetting."""
    secret = text.encode()
    if len(secret) < SHORTEST_SECRET:
        raise UnusableSetting(f"AUTH_JWT_SECRET is shorter than {SHORTEST_SECRET} bytes.")
    try:
        return HMACAlgorithm(HMACAlgorithm.SHA256).prepare_key(secret)
    except jwt.InvalidKeyError:
        raise UnusableSetting(
            "AUTH_JWT_SECRET is a public or private key; give AUTH_JWKS_URL for tokens signed with one."
        ) from None


class Tokens:
    """Which tokens are believed: signed with the secret or a published key, for this audience, by this issuer."""

    def __init__(self, secret: bytes | None, jwks: Jwks | None, audience: str | None, issuer: str | None) -> None:
        self._secret = secret
        self._jwks = jwks
        self._audience = audience
        self._issuer = issuer

    async def identify(self, token: str, header: Header) -> str:
        """Id of whoever the token was issued to. Raises Unauthorized, or ProviderUnavailable without any key."""
        if header.get("alg") == _SYMMETRIC:
            return caller_id(self._claims(token, self._secret, _SYMMETRIC))
        key = await self._published_key(header)
        return caller_id(self._claims(token, key, key.algorithm_name if key else ""))

    async def _published_key(self, header: Header) -> PyJWK | None:
        """The key that the token names. Tokens that no published key can have signed cause no fetch."""
        kid = header.get("kid")
        if self._jwks is None or not isinstance(kid, str) or header.get("alg") not in ALGORITHMS:
            return None
        return await self._jwks.find(kid)

    def _claims(self, token: str, key: bytes | PyJWK | None, algorithm: str) -> Mapping[str, Any]:
        """What a token says once the key has proved it. The algorithm is the key's, whatever the token asks for."""
        if key is None:
            raise Unauthorized(NOT_ACCEPTED)
        try:
            return jwt.decode(
                token,
                key,
                algorithms=[algorithm],
                audience=self._audience,
                issuer=self._issuer,
                leeway=LEEWAY_SECONDS,
                # Supabase's tokens carry an audience, and PyJWT refuses one that nobody asked for
                options={"require": ["exp", "sub"], "verify_aud": self._audience is not None},
            )
        except jwt.PyJWTError as error:
            raise Unauthorized(_reason(error)) from error


def caller_id(claims: Mapping[str, Any]) -> str:
    """`jwt:<issuer>|<subject>`, or a hash of both where that would be too long, ambiguous or unprintable."""
    issuer, subject = claims.get("iss", ""), claims["sub"]
    if not isinstance(issuer, str) or not isinstance(subject, str) or not subject:
        raise Unauthorized(NOT_ACCEPTED)
    readable = f"jwt:{issuer}|{subject}"
    if len(readable) <= LONGEST_ID and "|" not in issuer and readable.isprintable():
        return readable
    return f"jwt:sha256:{sha256(dumps([issuer, subject]).encode()).hexdigest()}"


def _reason(error: jwt.PyJWTError) -> str:
    """A sentence for whoever holds the token. All but the last are reached after its signature was proved."""
    match error:
        case jwt.ExpiredSignatureError():
            return "Your token has expired; sign in again."
        case jwt.ImmatureSignatureError():
            return "Your token is not valid yet; check the clock of whoever issued it."
        case jwt.MissingRequiredClaimError(claim="exp" | "sub"):
            return "Your token must say who it was issued to (sub) and until when it holds (exp)."
        case jwt.InvalidAudienceError() | jwt.InvalidIssuerError() | jwt.MissingRequiredClaimError():
            return "Your token was issued for another service or by somebody else; sign in here."
        case _:
            return NOT_ACCEPTED
