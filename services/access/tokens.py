"""JSON Web Tokens: verification and the caller's id. https://www.rfc-editor.org/rfc/rfc8725"""

import time
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
"""Tolerated difference between the issuer's clock and ours."""
MIN_SECRET_BYTES = 32
"""The length of the hash (RFC 7518, 3.2)."""
MAX_ID_CHARACTERS = 255
NOT_ACCEPTED = "Your key or token was not accepted; check that it is complete and meant for this service."

_SYMMETRIC = "HS256"
_MAX_LOGGED_CHARACTERS = 100

Header: TypeAlias = Mapping[str, Any]
Claims: TypeAlias = Mapping[str, Any]


def read_header(credential: str) -> Header | None:
    """Returns the unverified header of a JWT; None for a credential that is no JWT."""
    if credential.count(".") != 2 or not credential.isascii():
        return None
    try:
        return jwt.get_unverified_header(credential)
    except jwt.InvalidTokenError:
        return None


def read_secret(text: str) -> bytes:
    """Returns the secret of HS256 tokens. Raises UnusableSetting."""
    secret = text.encode()
    if len(secret) < MIN_SECRET_BYTES:
        raise UnusableSetting(f"AUTH_JWT_SECRET is shorter than {MIN_SECRET_BYTES} bytes.")
    try:
        return HMACAlgorithm(HMACAlgorithm.SHA256).prepare_key(secret)
    except jwt.InvalidKeyError:
        raise UnusableSetting(
            "AUTH_JWT_SECRET is a public or private key; set AUTH_JWKS_URL for tokens that are signed with one."
        ) from None


class Tokens:
    """Verifies tokens: signed with the secret or a published key, for this audience (None: any), by this issuer."""

    def __init__(self, secret: bytes | None, jwks: Jwks | None, audience: str | None, issuer: str | None) -> None:
        self._secret = secret
        self._jwks = jwks
        self._audience = audience
        self._issuer = issuer

    async def identify(self, token: str, header: Header) -> str:
        """Returns the caller's id. Raises Unauthorized, or ProviderUnavailable while no published key is known."""
        if header.get("alg") == _SYMMETRIC:
            if self._secret is None:
                raise Unauthorized(NOT_ACCEPTED, reason="the token is signed with HS256, and AUTH_JWT_SECRET is empty")
            return caller_id(self._claims(token, self._secret, _SYMMETRIC))
        key = await self._published_key(header)
        return caller_id(self._claims(token, key, key.algorithm_name))

    async def _published_key(self, header: Header) -> PyJWK:
        """The key that the token names. Tokens that no published key can have signed cause no fetch."""
        algorithm, kid = header.get("alg"), header.get("kid")
        if algorithm not in ALGORITHMS:
            accepted = ", ".join((_SYMMETRIC, *ALGORITHMS))
            raise Unauthorized(
                NOT_ACCEPTED, reason=f"the token's algorithm is {_shown(algorithm)}, accepted are {accepted}"
            )
        if self._jwks is None:
            raise Unauthorized(NOT_ACCEPTED, reason=f"the token is signed with {algorithm}, and AUTH_JWKS_URL is empty")
        if not isinstance(kid, str):
            raise Unauthorized(NOT_ACCEPTED, reason="the token does not name its key (kid)")
        key = await self._jwks.find(kid)
        if key is None:
            published = ", ".join(map(_shown, self._jwks.key_ids())) or "none"
            raise Unauthorized(
                NOT_ACCEPTED,
                reason=f"the token's key (kid) is {_shown(kid)}, the keys at AUTH_JWKS_URL are {published}",
            )
        return key

    def _claims(self, token: str, key: bytes | PyJWK, algorithm: str) -> Claims:
        """The verified claims. The algorithm is the key's, whatever the token's header says."""
        try:
            return jwt.decode(
                token,
                key,
                algorithms=[algorithm],
                audience=self._audience,
                issuer=self._issuer,
                leeway=LEEWAY_SECONDS,
                # PyJWT refuses tokens with an audience where none is expected; Supabase's always have one
                options={"require": ["exp", "sub"], "verify_aud": self._audience is not None},
            )
        except jwt.PyJWTError as error:
            raise Unauthorized(_detail(error), reason=self._reason(error, token)) from error

    def _reason(self, error: jwt.PyJWTError, token: str) -> str:
        """Why a token was refused, for the log. Claims are read only once the signature has been verified."""
        match error:
            case jwt.InvalidIssuerError():
                issuer = _unverified(token).get("iss")
                return f"the token's issuer (iss) is {_shown(issuer)}, AUTH_JWT_ISSUER is {_shown(self._issuer)}"
            case jwt.InvalidAudienceError():
                audience = _unverified(token).get("aud")
                return (
                    f"the token's audience (aud) is {_shown(audience)}, AUTH_JWT_AUDIENCE is {_shown(self._audience)}"
                )
            case jwt.MissingRequiredClaimError(claim=claim):
                return f"the token has no {claim}"
            case jwt.ExpiredSignatureError() | jwt.ImmatureSignatureError():
                claims = _unverified(token)
                times = ", ".join(f"{name} is {_shown(claims[name])}" for name in _TIMES if name in claims)
                return f"the token's {times}, and the time is {int(time.time())}"
            case _:
                return _REASONS.get(type(error), f"the token is invalid ({type(error).__name__})")


_TIMES = ("iat", "nbf", "exp")
_REASONS: Mapping[type[jwt.PyJWTError], str] = {
    jwt.InvalidAlgorithmError: "the token's algorithm is not that of its key",
    jwt.InvalidSignatureError: "the token's signature does not match its key",
}


def caller_id(claims: Claims) -> str:
    """Returns `jwt:<issuer>|<subject>`, or a hash of both where that is too long, ambiguous or not printable."""
    issuer, subject = claims.get("iss", ""), claims["sub"]
    if not isinstance(issuer, str) or not isinstance(subject, str) or not subject:
        raise Unauthorized(NOT_ACCEPTED, reason="the token's iss or sub is not a text")
    readable = f"jwt:{issuer}|{subject}"
    if len(readable) <= MAX_ID_CHARACTERS and "|" not in issuer and readable.isprintable():
        return readable
    return f"jwt:sha256:{sha256(dumps([issuer, subject]).encode()).hexdigest()}"


def _unverified(token: str) -> Claims:
    claims: Claims = jwt.decode(token, options={"verify_signature": False})
    return claims


def _shown(value: object) -> str:
    """A value of a token for the log: escaped, and cut after 100 characters."""
    return ascii(value)[:_MAX_LOGGED_CHARACTERS]


def _detail(error: jwt.PyJWTError) -> str:
    """The sentence for the token's holder. All but the last follow a verified signature."""
    match error:
        case jwt.ExpiredSignatureError():
            return "Your token has expired; sign in again."
        case jwt.ImmatureSignatureError():
            return "Your token is not valid yet; check the clock of its issuer."
        case jwt.MissingRequiredClaimError(claim="exp" | "sub"):
            return "Your token must say who it was issued to (sub) and until when it is valid (exp)."
        case jwt.InvalidAudienceError() | jwt.InvalidIssuerError() | jwt.MissingRequiredClaimError():
            return "Your token was issued for another service or by another issuer; sign in here."
        case _:
            return NOT_ACCEPTED
