import httpx
import jwt
import pytest

from services.sandbox import daily
from tests.services.sandbox.conftest import KEY, START, Connect, client_of
from tests.support.clock import ManualTimer

pytestmark = pytest.mark.anyio

EXP = int(START) + 3600
PROPERTIES = {"exp": EXP, "eject_at_room_exp": True}


@pytest.fixture
async def client(connect: Connect):
    async with connect("daily") as client:
        yield client


async def open_room(client: httpx.AsyncClient, name: str = "iv-1", **properties: object) -> httpx.Response:
    body = {"name": name, "privacy": "private", "properties": PROPERTIES | properties}
    return await client.post("/rooms", json=body)


def error(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["error"]


async def test_new_room_has_the_fields_of_daily(client):
    response = await open_room(client)

    room = response.json()
    assert response.status_code == 200
    assert (room["name"], room["privacy"], room["api_created"]) == ("iv-1", "private", True)
    assert room["url"] == "https://sandbox.daily.co/iv-1"
    assert room["created_at"] == "2026-11-23T10:00:00.000Z"


async def test_room_can_be_read_again(client):
    opened = await open_room(client)

    found = await client.get("/rooms/iv-1")

    assert found.json() == opened.json()


async def test_config_has_only_what_differs_from_the_defaults(client):
    response = await open_room(client, eject_at_room_exp=False)

    assert response.json()["config"] == {"exp": EXP}


async def test_room_without_a_name_gets_one(client):
    response = await client.post("/rooms", json={})

    assert len(response.json()["name"]) == 20


async def test_existing_name_is_a_bad_request(client):
    await open_room(client)

    again = await open_room(client)

    assert error(again) == (400, "invalid-request-error")
    assert again.json()["info"] == "a room named iv-1 already exists"


async def test_name_of_an_expired_room_is_free_again(client, clock: ManualTimer):
    await open_room(client)
    clock.now = EXP

    again = await open_room(client, exp=EXP + 60)

    assert again.status_code == 200


@pytest.mark.parametrize("name", ["", "a b", "a/b", "ä", "x" * 129])
async def test_invalid_name_is_refused(client, name: str):
    assert error(await open_room(client, name)) == (400, "invalid-request-error")


@pytest.mark.parametrize("exp", [int(START), int(START) - 1, EXP + 0.5, str(EXP), None, True])
async def test_expiry_in_the_past_or_not_an_integer_is_refused(client, exp: object):
    assert error(await open_room(client, exp=exp)) == (400, "invalid-request-error")


async def test_unknown_property_is_named_in_the_refusal(client):
    response = await open_room(client, enable_magic=True)

    assert response.json() == {
        "error": "invalid-request-error",
        "info": "unknown property 'properties.enable_magic'",
    }


async def test_property_at_the_top_level_is_refused(client):
    assert error(await client.post("/rooms", json={"exp": EXP})) == (400, "invalid-request-error")


async def test_body_that_is_not_json_is_refused(client):
    assert error(await client.post("/rooms", content=b"{")) == (400, "json-parsing-error")


async def test_unknown_room_is_not_found(client):
    assert error(await client.get("/rooms/iv-2")) == (404, "not-found")


async def test_expired_room_is_not_found(client, clock: ManualTimer):
    await open_room(client)
    clock.now = EXP

    assert error(await client.get("/rooms/iv-1")) == (404, "not-found")


async def test_deleted_room_is_not_found(client):
    await open_room(client)

    deleted = await client.delete("/rooms/iv-1")

    assert deleted.json() == {"deleted": True, "name": "iv-1"}
    assert error(await client.get("/rooms/iv-1")) == (404, "not-found")
    assert error(await client.delete("/rooms/iv-1")) == (404, "not-found")


async def test_deleting_an_expired_room_is_an_error_that_says_deleted(client, clock: ManualTimer):
    await open_room(client)
    clock.now = EXP

    response = await client.delete("/rooms/iv-1")

    assert error(response) == (404, "not-found")
    assert response.json()["deleted"] is True


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer  ", "Basic abc"])
async def test_request_without_a_key_is_a_bad_request(client, authorization: str):
    response = await client.get("/rooms/iv-1", headers={"Authorization": authorization})

    assert error(response) == (400, "authorization-header-error")


async def test_token_is_signed_with_the_key_and_has_the_short_claims(client):
    properties = {"room_name": "iv-1", "exp": EXP, "is_owner": True, "user_name": "Ädä", "user_id": "u" * 36}

    response = await client.post("/meeting-tokens", json={"properties": properties})

    options = {"verify_exp": False, "verify_iat": False}
    claims = jwt.decode(response.json()["token"], KEY, algorithms=["HS256"], options=options)
    assert claims == {
        "r": "iv-1",
        "exp": EXP,
        "o": True,
        "u": "Ädä",
        "ud": "u" * 36,
        "d": daily.DOMAIN_ID,
        "iat": int(START),
    }


def test_signing_matches_the_published_rules_for_a_short_key():
    claims = {
        "r": "room-0253",
        "d": "25df5057-ef0d-4d97-bde6-0cf287276cbb",
        "iat": 1548722207,
        "exp": 1548725807,
        "o": True,
        "u": "Ada",
        "ud": "u-1",
        "ejt": True,
    }

    token = daily.sign(claims, "test-api-key")

    assert token.rpartition(".")[2] == "GQJFmvnPi7xlZcPFq1d4Lq3W_7ItFFaKm72ZsvygpFQ"


@pytest.mark.parametrize(
    "properties",
    [{"user_id": "u" * 37}, {"exp": int(START)}, {"exp": "soon"}, {"room_name": "a b"}, {"room": "iv-1"}],
)
async def test_invalid_token_properties_are_refused(client, properties: dict[str, object]):
    response = await client.post("/meeting-tokens", json={"properties": properties})

    assert error(response) == (400, "invalid-request-error")


async def test_token_properties_at_the_top_level_are_refused(client):
    assert error(await client.post("/meeting-tokens", json={"room_name": "iv-1"})) == (400, "invalid-request-error")


async def test_expired_rooms_are_dropped_above_the_capacity(clock: ManualTimer):
    client = client_of("daily", httpx.MockTransport(daily.Daily(clock, capacity=2).answer))
    await open_room(client, "iv-1")
    await open_room(client, "iv-2")
    full = await open_room(client, "iv-3")
    clock.now = EXP

    after = await open_room(client, "iv-3", exp=EXP + 60)

    assert error(full) == (429, "rate-limit-error")
    assert after.status_code == 200
    assert error(await client.delete("/rooms/iv-1")) == (404, "not-found")


async def test_two_transports_share_no_rooms(connect: Connect):
    async with connect("daily") as one, connect("daily") as other:
        await open_room(one)

        assert error(await other.get("/rooms/iv-1")) == (404, "not-found")
