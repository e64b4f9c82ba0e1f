"""Published keys, mocked at the wire: fetched on demand, cached, refreshed, kept while the issuer is down."""

import asyncio
import logging

import httpx
import pytest
import respx
from hypothesis import given
from hypothesis import strategies as st

from config import Settings
from services.access.auth import Authenticator
from services.access.jwks import FETCH_EVERY_SECONDS, FRESH_SECONDS, RETRY_SECONDS, _read_keys
from services.errors import ProviderUnavailable, Unauthorized
from tests.services.access import issuer
from tests.services.access.issuer import PRIVATE, bearer, key_set, public_jwk, signed
from tests.support.clock import ManualTimer

pytestmark = pytest.mark.anyio


@pytest.fixture
def clock() -> ManualTimer:
    return ManualTimer(1000.0)


@pytest.fixture(autouse=True)
def wire():
    with respx.mock(using="httpx", assert_all_called=False) as router:
        yield router.get(issuer.URL).mock(return_value=httpx.Response(200, json=key_set()))


@pytest.fixture
async def authenticator(clock):
    settings = Settings(_env_file=None, **issuer.JWKS)
    async with Authenticator(settings, clock=clock) as opened:
        yield opened


def is_down(wire) -> None:
    wire.mock(return_value=httpx.Response(404))


async def is_refused(authenticator, credential: str) -> bool:
    try:
        await authenticator.identify(bearer(credential))
    except Unauthorized:
        return True
    return False


async def test_keys_are_not_fetched_before_a_token_needs_them(authenticator, wire):
    with pytest.raises(Unauthorized):
        await authenticator.identify(bearer("no-token-at-all"))

    assert wire.call_count == 0


@pytest.mark.parametrize("path", ["", "/", "/keys", "/keys/", "/keys?tenant=a%20b&x=1", "/keys/?p=policy"])
async def test_the_url_is_fetched_as_it_is_written(path, wire):
    async with Authenticator(
        Settings(_env_file=None, **issuer.JWKS | {"auth_jwks_url": f"https://keys.test{path}"})
    ) as (authenticator):
        with respx.mock(using="httpx") as router:
            fetched = router.get(url__startswith="https://keys.test").respond(json=key_set())
            await authenticator.identify(bearer(signed("RS256")))

    assert fetched.calls.last.request.url.raw_path.decode() == (path or "/")


async def test_keys_are_fetched_once_and_kept(authenticator, wire):
    for algorithm in [*PRIVATE, *PRIVATE]:
        await authenticator.identify(bearer(signed(algorithm)))

    assert wire.call_count == 1


async def test_the_fetch_sends_no_credentials(authenticator, wire):
    await authenticator.identify(bearer(signed("ES256")))

    assert "authorization" not in wire.calls.last.request.headers


async def test_simultaneous_callers_share_one_fetch(authenticator, wire):
    callers = await asyncio.gather(*(authenticator.identify(bearer(signed("RS256"))) for _ in range(20)))

    assert len(set(callers)) == 1
    assert wire.call_count == 1


async def test_a_cancelled_caller_does_not_cancel_the_shared_fetch(authenticator, wire):
    first = asyncio.create_task(authenticator.identify(bearer(signed("RS256"))))
    second = asyncio.create_task(authenticator.identify(bearer(signed("RS256"))))
    await asyncio.sleep(0)
    first.cancel()

    assert await second
    assert wire.call_count == 1


async def test_a_new_key_is_fetched_after_a_minute_and_not_before(authenticator, wire, clock):
    await authenticator.identify(bearer(signed("RS256")))
    wire.mock(return_value=httpx.Response(200, json=key_set(public_jwk("RS256", issuer.OTHER_RSA, kid="new"))))
    token = bearer(signed("RS256", key=issuer.OTHER_RSA, kid="new"))

    clock.now += FETCH_EVERY_SECONDS - 1
    with pytest.raises(Unauthorized):
        await authenticator.identify(token)
    assert wire.call_count == 1

    clock.now += 1
    assert await authenticator.identify(token)
    assert wire.call_count == 2


async def test_a_withdrawn_key_is_refused_after_the_next_fetch(authenticator, wire, clock):
    await authenticator.identify(bearer(signed("RS256")))
    wire.mock(return_value=httpx.Response(200, json=key_set(public_jwk("ES256", PRIVATE["ES256"]))))

    clock.now += FRESH_SECONDS
    await authenticator.identify(bearer(signed("RS256")))

    async with asyncio.timeout(10):
        while not await is_refused(authenticator, signed("RS256")):
            await asyncio.sleep(0)
    assert not await is_refused(authenticator, signed("ES256"))


async def test_an_aged_key_is_used_while_the_next_fetch_runs(authenticator, wire, clock):
    await authenticator.identify(bearer(signed("RS256")))
    asked, answer = asyncio.Event(), asyncio.Event()

    async def late(_request: httpx.Request) -> httpx.Response:
        asked.set()
        await answer.wait()
        return httpx.Response(200, json=key_set())

    wire.mock(side_effect=late)
    clock.now += FRESH_SECONDS

    assert await authenticator.identify(bearer(signed("RS256")))
    await asked.wait()
    assert await authenticator.identify(bearer(signed("RS256")))
    answer.set()


async def test_known_keys_work_while_the_issuer_is_down(authenticator, wire, clock, caplog):
    await authenticator.identify(bearer(signed("RS256")))
    is_down(wire)

    clock.now += FRESH_SECONDS
    with caplog.at_level(logging.WARNING, "services.access.jwks"):
        assert await authenticator.identify(bearer(signed("RS256")))
        async with asyncio.timeout(10):
            while "AUTH_JWKS_URL" not in caplog.text:
                await asyncio.sleep(0)

    assert await authenticator.identify(bearer(signed("RS256")))
    assert [record.getMessage() for record in caplog.records if record.name == "services.access.jwks"] == [
        "the keys of AUTH_JWKS_URL cannot be fetched: it has no key set, check it"
    ]


async def test_an_unknown_key_is_a_401_while_others_are_known(authenticator, wire, clock):
    await authenticator.identify(bearer(signed("RS256")))
    is_down(wire)

    clock.now += FETCH_EVERY_SECONDS
    with pytest.raises(Unauthorized):
        await authenticator.identify(bearer(signed("RS256", kid="unheard-of")))


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(404),
        httpx.Response(401),
        httpx.Response(200, text="<html>"),
        httpx.Response(200, json=[]),
        httpx.Response(200, json={"keys": "none"}),
    ],
)
async def test_keys_that_were_never_fetched_are_a_503(authenticator, wire, answer):
    wire.mock(return_value=answer)

    with pytest.raises(ProviderUnavailable) as raised:
        await authenticator.identify(bearer(signed("RS256")))

    assert raised.value.retry_after == RETRY_SECONDS


async def test_a_failed_first_fetch_is_repeated_soon(authenticator, wire, clock):
    is_down(wire)
    for _ in range(2):
        with pytest.raises(ProviderUnavailable):
            await authenticator.identify(bearer(signed("RS256")))
    assert wire.call_count == 1
    wire.mock(return_value=httpx.Response(200, json=key_set()))

    clock.now += RETRY_SECONDS
    assert await authenticator.identify(bearer(signed("RS256")))


async def test_an_empty_key_set_is_a_valid_response(authenticator, wire):
    wire.mock(return_value=httpx.Response(200, json={"keys": []}))

    with pytest.raises(Unauthorized):
        await authenticator.identify(bearer(signed("RS256")))


USELESS = {
    "no kid": {key: value for key, value in public_jwk("RS256", issuer.RSA).items() if key != "kid"},
    "a kid that is no text": public_jwk("RS256", issuer.RSA, kid=7),
    "for encryption": public_jwk("RS256", issuer.RSA, use="enc"),
    "another algorithm": public_jwk("RS256", issuer.RSA, alg="RS512"),
    "an algorithm of another kind": public_jwk("RS256", issuer.RSA, alg="HS256"),
    "symmetric": {"kty": "oct", "kid": "oct", "alg": "HS256", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3I"},
    "contains private key material": public_jwk("RS256", issuer.RSA, d="AQAB"),
    "not to verify with": public_jwk("RS256", issuer.RSA) | {"key_ops": ["encrypt"]},
    "cut short": {"kty": "RSA", "kid": "a", "n": "AQAB"},
    "a weak one": {"kty": "RSA", "kid": "a", "n": "AQABAQABAQABAQABAQABAQABAQABAQABAQABAQABAQAB", "e": "AQAB"},
    "on another curve": public_jwk("ES256", PRIVATE["ES256"], crv="P-384"),
    "of no kind": {"kid": "a"},
    "of a kind that is no text": {"kty": ["RSA"], "kid": "a"},
    "no object": "RS256",
}


@pytest.mark.parametrize("kind", USELESS)
def test_an_unusable_key_is_skipped(kind: str):
    assert list(_read_keys(key_set(USELESS[kind], public_jwk("EdDSA", PRIVATE["EdDSA"])))) == ["EdDSA"]


def test_a_key_without_a_use_is_accepted():
    bare = {key: value for key, value in public_jwk("ES256", PRIVATE["ES256"]).items() if key in "kty crv x y kid"}

    assert _read_keys(key_set(bare))["ES256"].algorithm_name == "ES256"


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(["AQAB", "sig", "verify"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@given(
    st.lists(
        st.fixed_dictionaries(
            {"kid": st.text(max_size=3), "kty": st.sampled_from(["RSA", "EC", "OKP", "oct"])},
            optional=dict.fromkeys(("n", "e", "x", "y", "alg", "use", "key_ops", "oth"), anything)
            | {"crv": st.sampled_from(["P-256", "Ed25519", "Ed448", "X25519"])},
        )
    )
)
def test_any_key_set_can_be_read(keys):
    _read_keys({"keys": keys})
