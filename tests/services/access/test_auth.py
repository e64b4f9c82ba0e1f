"""Every kind of credentials. Tokens are made with PyJWT; the key set is mocked at the wire."""

import base64
import hmac
import json
import time
from hashlib import sha256
from typing import Any

import httpx
import jwt
import pytest
import respx
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from config import Settings, UnusableSetting
from services.access.auth import Authenticator, Caller
from services.access.tokens import MAX_ID_CHARACTERS, caller_id
from services.errors import Unauthorized
from tests.services.access import issuer
from tests.services.access.issuer import bearer, claims, signed

pytestmark = pytest.mark.anyio

KEY = "0123456789abcdef"
ID = "jwt:https://project.supabase.co/auth/v1|11111111-2222-4333-8444-555555555555"


def configured(**values: Any) -> Settings:
    return Settings(_env_file=None, **values)


@pytest.fixture(autouse=True)
def published():
    with respx.mock(using="httpx", assert_all_called=False) as wire:
        yield wire.get(issuer.URL).mock(return_value=httpx.Response(200, json=issuer.key_set()))


@pytest.fixture
async def everything():
    """An authenticator with API keys, a secret and a key set."""
    chosen = configured(api_keys=f"web:{KEY}", auth_jwt_secret=issuer.SECRET, **issuer.JWKS)
    async with Authenticator(chosen) as authenticator:
        yield authenticator


@pytest.fixture
async def by_key_set():
    async with Authenticator(configured(**issuer.JWKS)) as authenticator:
        yield authenticator


@pytest.fixture
def by_secret() -> Authenticator:
    return Authenticator(configured(auth_jwt_secret=issuer.SECRET))


def unsecured(algorithm: str) -> str:
    """A token with this algorithm in its header and an empty signature."""
    parts = [json.dumps(part).encode() for part in ({"alg": algorithm, "typ": "JWT", "kid": "RS256"}, claims())]
    return ".".join([*(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts), ""])


def signed_with_public_key() -> str:
    """The classic confusion: HMAC with the text of an RSA public key (PyJWT refuses to make one)."""
    token = unsecured("HS256").rstrip(".")
    signature = hmac.digest(issuer.public_pem(issuer.RSA), token.encode(), "sha256")
    return f"{token}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


async def test_a_request_without_credentials_has_no_caller(everything):
    assert await everything.identify(None) is None


async def test_credentials_are_ignored_without_access_settings():
    authenticator = Authenticator(configured())

    assert not authenticator.is_required
    assert await authenticator.identify(bearer("whatever")) is None


@pytest.mark.parametrize("setting", [{"api_keys": f"web:{KEY}"}, {"auth_jwt_secret": issuer.SECRET}, issuer.JWKS])
def test_any_access_setting_requires_authentication(setting):
    assert Authenticator(configured(**setting)).is_required


@pytest.mark.parametrize("header", [f"Bearer {KEY}", f"bearer {KEY}", f"BEARER   {KEY} "])
async def test_an_api_key_identifies_its_caller(everything, header: str):
    assert await everything.identify(header) == Caller("key:web")


async def test_an_api_key_with_two_dots_is_no_token():
    key = "first.second.third-part"
    authenticator = Authenticator(configured(api_keys=f"web:{key}", auth_jwt_secret=issuer.SECRET))

    assert await authenticator.identify(bearer(key)) == Caller("key:web")


async def test_a_token_can_be_an_api_key_where_no_tokens_are_set():
    token = signed()
    authenticator = Authenticator(configured(api_keys=f"web:{token}"))

    assert await authenticator.identify(bearer(token)) == Caller("key:web")


@pytest.mark.parametrize("algorithm", ["HS256", "RS256", "ES256", "EdDSA"])
async def test_a_token_of_each_algorithm_identifies_its_subject(everything, algorithm: str):
    assert await everything.identify(bearer(signed(algorithm))) == Caller(ID)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        KEY,
        f"Basic {KEY}",
        f"Token {KEY}",
        "Bearer wrong-but-long-enough",
        f"Bearer {KEY},{KEY}",
    ],
)
async def test_malformed_credentials_are_refused(everything, header: str):
    with pytest.raises(Unauthorized):
        await everything.identify(header)


@given(st.text())
@hypothesis_settings(max_examples=200)
def test_any_header_gives_a_caller_or_a_refusal(header: str):
    authenticator = Authenticator(configured(api_keys=f"web:{KEY}", auth_jwt_secret=issuer.SECRET))

    for credential in (header, f"Bearer {header}", f"Bearer {signed()[:-1]}{header}"):
        step = authenticator.identify(credential)
        with pytest.raises((Unauthorized, StopIteration)):
            step.send(None)


FORGED = {
    "none": lambda: unsecured("none"),
    "None": lambda: unsecured("None"),
    "unsigned HS256": lambda: unsecured("HS256"),
    "unsigned RS256": lambda: unsecured("RS256"),
    "another secret": lambda: signed(key="another-secret-of-at-least-32-bytes!!"),
    "HS256 with a public key": signed_with_public_key,
    "another RSA key": lambda: signed("RS256", key=issuer.OTHER_RSA),
    "ES256 under an RSA key's id": lambda: signed("ES256", kid="RS256"),
    "RS256 under an EC key's id": lambda: signed("RS256", kid="ES256"),
    "HS512": lambda: jwt.encode(claims(), issuer.SECRET * 2, algorithm="HS512"),
    "RS512": lambda: jwt.encode(claims(), issuer.RSA, algorithm="RS512", headers={"kid": "RS256"}),
    "PS256": lambda: jwt.encode(claims(), issuer.RSA, algorithm="PS256", headers={"kid": "RS256"}),
    "no kid": lambda: jwt.encode(claims(), issuer.RSA, algorithm="RS256"),
    "unknown kid": lambda: signed("RS256", kid="unheard-of"),
    "cut short": lambda: signed("RS256")[:-8],
    "other claims": lambda: ".".join(
        [signed("RS256").split(".")[0], signed("RS256", sub="root").split(".")[1], signed("RS256").split(".")[2]]
    ),
}


@pytest.mark.parametrize("kind", FORGED)
async def test_a_forged_token_is_refused_without_a_hint(everything, kind: str):
    with pytest.raises(Unauthorized, match="Your key or token was not accepted"):
        await everything.identify(bearer(FORGED[kind]()))


async def test_hs256_with_a_public_key_is_refused_where_only_the_key_set_is_trusted(by_key_set):
    with pytest.raises(Unauthorized, match="not accepted"):
        await by_key_set.identify(bearer(signed_with_public_key()))


async def test_published_keys_are_ignored_where_only_the_secret_is_trusted(by_secret):
    with pytest.raises(Unauthorized, match="not accepted"):
        await by_secret.identify(bearer(signed("RS256")))


NOW = int(time.time())


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"exp": NOW - 3600}, "has expired"),
        ({"exp": None}, "until when"),
        ({"sub": None}, "who it was issued to"),
        ({"nbf": NOW + 3600}, "not valid yet"),
        ({"iat": NOW + 3600}, "not valid yet"),
        ({"exp": "soon"}, "not accepted"),
        ({"exp": float("inf")}, "not accepted"),
        ({"exp": [NOW + 3600]}, "not accepted"),
        ({"sub": 42}, "not accepted"),
        ({"sub": ["a"]}, "not accepted"),
        ({"sub": ""}, "not accepted"),
        ({"sub": False}, "not accepted"),
    ],
)
async def test_a_token_with_missing_or_invalid_claims_is_refused_with_the_reason(by_secret, changes, reason: str):
    with pytest.raises(Unauthorized, match=reason):
        await by_secret.identify(bearer(signed(**changes)))


@pytest.mark.parametrize("token_issuer", [42, ["a"]])
async def test_an_issuer_that_is_no_string_is_refused(by_secret, token_issuer):
    token = jwt.api_jws.encode(json.dumps(claims() | {"iss": token_issuer}).encode(), issuer.SECRET, "HS256")

    with pytest.raises(Unauthorized, match="not accepted"):
        await by_secret.identify(bearer(token))


async def test_clocks_may_differ_by_some_seconds(by_secret):
    just_over = signed(exp=int(time.time()) - 5, iat=int(time.time()) + 5)

    assert await by_secret.identify(bearer(just_over)) == Caller(ID)


async def test_the_anonymous_key_of_supabase_is_refused(by_secret):
    anonymous = signed(iss="supabase", role="anon", sub=None, aud=None, exp=int(time.time()) + 10**8)

    with pytest.raises(Unauthorized, match="who it was issued to"):
        await by_secret.identify(bearer(anonymous))


@pytest.mark.parametrize(("setting", "claim"), [("auth_jwt_audience", "aud"), ("auth_jwt_issuer", "iss")])
class TestAudienceAndIssuer:
    def of(self, setting: str) -> Authenticator:
        return Authenticator(configured(auth_jwt_secret=issuer.SECRET, **{setting: "ours"}))

    async def test_the_expected_value_is_accepted(self, setting, claim):
        assert await self.of(setting).identify(bearer(signed(**{claim: "ours"})))

    @pytest.mark.parametrize("value", ["another-service", "", None])
    async def test_another_value_is_refused(self, setting, claim, value):
        with pytest.raises(Unauthorized, match="for another service or by another issuer"):
            await self.of(setting).identify(bearer(signed(**{claim: value})))


async def test_one_matching_audience_of_several_is_enough():
    authenticator = Authenticator(configured(auth_jwt_secret=issuer.SECRET, auth_jwt_audience="ours"))

    assert await authenticator.identify(bearer(signed(aud=["another-service", "ours"])))


async def test_an_asterisk_as_audience_accepts_any_token_of_the_issuer():
    async with Authenticator(configured(**issuer.JWKS | {"auth_jwt_audience": "*"})) as authenticator:
        assert await authenticator.identify(bearer(signed("RS256", aud="another-service")))
        assert await authenticator.identify(bearer(signed("RS256", aud=None)))
        with pytest.raises(Unauthorized):
            await authenticator.identify(bearer(signed("RS256", iss="https://another-issuer.test")))


REASONS = {
    "the token's issuer (iss) is 'https://another.test\\n', AUTH_JWT_ISSUER is "
    "'https://project.supabase.co/auth/v1'": lambda: signed("RS256", iss="https://another.test\n"),
    "the token's audience (aud) is 'another', AUTH_JWT_AUDIENCE is 'authenticated'": lambda: signed(
        "RS256", aud="another"
    ),
    "the token's algorithm is 'RS512', accepted are HS256, RS256, ES256, EdDSA": FORGED["RS512"],
    "the token's key (kid) is 'unheard-of', the keys at AUTH_JWKS_URL are 'RS256', 'ES256', 'EdDSA'": FORGED[
        "unknown kid"
    ],
    "the token is signed with HS256, and AUTH_JWT_SECRET is empty": signed,
    "the token does not name its key (kid)": FORGED["no kid"],
    "the token's signature does not match its key": lambda: signed("RS256", key=issuer.OTHER_RSA),
    "the token's exp is 1, and the time is": lambda: signed("RS256", exp=1, iat=None),
    "the token has no sub": lambda: signed("RS256", sub=None),
    "the credential is no JWT, and not in API_KEYS": lambda: "unknown-key",
}


@pytest.mark.parametrize("reason", REASONS)
async def test_a_refusal_names_the_values_that_were_compared(by_key_set, reason: str):
    credential = REASONS[reason]()

    with pytest.raises(Unauthorized) as refused:
        await by_key_set.identify(bearer(credential))

    assert refused.value.reason.startswith(reason)
    assert refused.value.reason.isprintable()
    assert credential not in refused.value.reason


async def test_a_refusal_names_the_missing_token_settings():
    authenticator = Authenticator(configured(api_keys=f"web:{KEY}"))

    with pytest.raises(Unauthorized) as refused:
        await authenticator.identify(bearer(signed("RS256")))

    assert refused.value.reason == "the credential is a JWT, and neither AUTH_JWT_SECRET nor AUTH_JWKS_URL is set"


async def test_a_refusal_shows_at_most_a_hundred_characters_of_a_value(by_key_set):
    with pytest.raises(Unauthorized) as refused:
        await by_key_set.identify(bearer(signed("RS256", iss="x" * 10_000)))

    assert len(refused.value.reason) < 300


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ({"iss": "a", "sub": "b"}, "jwt:a|b"),
        ({"sub": "b"}, "jwt:|b"),
        ({"iss": "a", "sub": "b|c"}, "jwt:a|b|c"),
    ],
)
def test_a_caller_id_is_issuer_and_subject(said, name: str):
    assert caller_id(said) == name


@given(st.lists(st.tuples(st.text(max_size=300), st.text(min_size=1, max_size=300)), max_size=4, unique=True))
def test_caller_ids_are_distinct_and_fit_the_storage(pairs):
    ids = [caller_id({"iss": iss, "sub": sub}) for iss, sub in pairs]

    assert len(set(ids)) == len(pairs)
    assert all(len(name) <= MAX_ID_CHARACTERS and name.isprintable() for name in ids)


def test_an_issuer_with_the_separator_is_not_mistaken_for_another():
    assert caller_id({"iss": "a|b", "sub": "c"}) != caller_id({"iss": "a", "sub": "b|c"})


@pytest.mark.parametrize(
    ("setting", "variable"),
    [
        ({"api_keys": "web:short"}, "API_KEYS"),
        ({"api_keys": ",,"}, "API_KEYS"),
        ({"auth_jwks_url": issuer.URL}, "AUTH_JWT_AUDIENCE"),
        ({"auth_jwks_url": issuer.URL, "auth_jwt_audience": "authenticated"}, "AUTH_JWT_ISSUER"),
        ({"auth_jwks_url": issuer.URL, "auth_jwt_issuer": issuer.ISSUER}, "AUTH_JWT_AUDIENCE"),
        ({"auth_jwt_secret": "thirty-one-bytes-are-not-enough"}, "AUTH_JWT_SECRET"),
        ({"auth_jwt_secret": issuer.public_pem(issuer.RSA).decode()}, "AUTH_JWT_SECRET"),
        ({"auth_jwt_audience": "authenticated"}, "AUTH_JWT_AUDIENCE"),
        ({"auth_jwt_issuer": "https://issuer.test"}, "AUTH_JWT_ISSUER"),
        ({"auth_jwt_issuer": "https://issuer.test", "api_keys": f"web:{KEY}"}, "AUTH_JWT_ISSUER"),
    ],
)
def test_unusable_access_settings_are_refused_by_name_without_their_value(setting, variable: str):
    with pytest.raises(UnusableSetting, match=variable) as refused:
        Authenticator(configured(**setting))

    assert "\n" not in str(refused.value)
    assert all(str(value) not in str(refused.value) for value in setting.values() if str(value).strip())


def test_the_representation_shows_no_key_or_secret():
    authenticator = Authenticator(configured(api_keys=f"web:{KEY}", auth_jwt_secret=issuer.SECRET))

    shown = repr(authenticator) + repr(vars(authenticator))

    assert KEY not in shown
    assert issuer.SECRET not in shown
    assert sha256(KEY.encode()).hexdigest() not in shown
