import httpx
import pytest

from services.sandbox import vapi
from tests.services.sandbox.conftest import START, Connect, client_of
from tests.support.clock import ManualTimer

pytestmark = pytest.mark.anyio

CALL = {
    "assistantId": "5b0a4a08-133c-4146-9315-0984f8c6be80",
    "assistantOverrides": {"variableValues": {"briefing": "Hello"}, "maxDurationSeconds": 900},
    "phoneNumberId": "42b4b25d-031e-4786-857f-63b346c9580f",
    "customer": {"number": "+14155550100", "name": "Ada"},
    "name": "briefing iv-1",
}


@pytest.fixture
async def client(connect: Connect):
    async with connect("vapi") as client:
        yield client


async def place(client: httpx.AsyncClient, **changes: object) -> httpx.Response:
    return await client.post("/call", json=CALL | changes)


async def test_new_call_is_queued(client):
    response = await place(client)

    call = response.json()
    assert response.status_code == 201
    assert (call["status"], call["type"]) == ("queued", "outboundPhoneCall")
    assert call["createdAt"] == "2026-11-23T10:00:00.000Z"
    assert call["customer"] == CALL["customer"]


@pytest.mark.parametrize(
    ("seconds", "status"), [(0, "queued"), (2, "ringing"), (5, "in-progress"), (19, "in-progress"), (20, "ended")]
)
async def test_state_of_a_call_follows_the_clock(client, clock: ManualTimer, seconds: float, status: str):
    call_id = (await place(client)).json()["id"]
    clock.now = START + seconds

    call = (await client.get(f"/call/{call_id}")).json()

    assert call["status"] == status


async def test_ended_call_has_times_and_a_reason(client, clock: ManualTimer):
    call_id = (await place(client)).json()["id"]
    clock.now = START + 3600

    call = (await client.get(f"/call/{call_id}")).json()

    assert call["startedAt"] == "2026-11-23T10:00:05.000Z"
    assert call["endedAt"] == "2026-11-23T10:00:20.000Z"
    assert call["endedReason"] == "customer-ended-call"


@pytest.mark.parametrize("number", ["4155550100", "+0155550100", "+1 415 555 0100", "+1415555010012345"])
async def test_number_that_is_not_e164_is_refused_with_a_list(client, number: str):
    response = await place(client, customer={"number": number})

    assert response.status_code == 400
    assert response.json() == {"message": [vapi.NOT_E164], "error": "Bad Request", "statusCode": 400}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"assistant": {"tools": []}}, ["assistant.property tools should not exist"]),
        ({"briefing": "Hello"}, ["property briefing should not exist"]),
        ({"phone_number_id": "x"}, ["property phone_number_id should not exist"]),
        ({"phoneNumberId": None}, vapi.NO_NUMBER_TO_CALL_FROM),
        ({"assistantId": None}, vapi.NO_ASSISTANT),
        ({"customer": {"name": "Ada"}}, [vapi.NOT_E164]),
    ],
)
async def test_invalid_call_is_refused_with_a_message(client, changes: dict[str, object], message: object):
    response = await place(client, **changes)

    assert response.status_code == 400
    assert response.json()["message"] == message


@pytest.mark.parametrize("place_of_name", ["name", "customer"])
async def test_name_longer_than_forty_characters_is_refused(client, place_of_name: str):
    long = "x" * 41
    value = long if place_of_name == "name" else CALL["customer"] | {"name": long}

    response = await place(client, **{place_of_name: value})

    assert response.status_code == 400


@pytest.mark.parametrize("seconds", [9, 43201])
async def test_duration_out_of_range_is_refused(client, seconds: int):
    response = await place(client, assistantOverrides={"maxDurationSeconds": seconds})

    assert response.status_code == 400


async def test_unknown_call_is_not_found(client):
    assert (await client.get("/call/none")).status_code == 404


async def test_request_without_a_key_is_unauthorized(client):
    response = await client.post("/call", json=CALL, headers={"Authorization": ""})

    assert response.json() == {"message": vapi.WRONG_KEY, "error": "Unauthorized", "statusCode": 401}


async def test_oldest_calls_are_dropped_above_the_capacity(clock: ManualTimer):
    client = client_of("vapi", httpx.MockTransport(vapi.Vapi(clock, capacity=2).answer))
    ids = [(await place(client)).json()["id"] for _ in range(3)]

    statuses = [(await client.get(f"/call/{call_id}")).status_code for call_id in ids]

    assert statuses == [404, 200, 200]
