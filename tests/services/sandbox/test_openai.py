import httpx
import pytest

from tests.services.sandbox.conftest import START, Connect

pytestmark = pytest.mark.anyio

SESSION = {
    "type": "realtime",
    "model": "gpt-realtime-2.1-mini",
    "instructions": "You are the candidate.",
    "output_modalities": ["audio"],
    "max_output_tokens": 1024,
    "audio": {
        "input": {
            "transcription": {"model": "gpt-transcribe"},
            "noise_reduction": {"type": "near_field"},
            "turn_detection": {"type": "semantic_vad", "eagerness": "auto"},
        },
        "output": {"voice": "marin"},
    },
}


@pytest.fixture
async def client(connect: Connect):
    async with connect("openai") as client:
        yield client


async def mint(client: httpx.AsyncClient, session: object = SESSION, **more: object) -> httpx.Response:
    return await client.post("/realtime/client_secrets", json={"session": session} | more)


def refused(response: httpx.Response) -> tuple[int, str, str]:
    error = response.json()["error"]
    return response.status_code, error["code"], error["param"]


async def test_secret_and_its_expiry_are_top_level_fields(client):
    response = await mint(client, expires_after={"anchor": "created_at", "seconds": 60})

    assert response.status_code == 200
    assert response.json()["value"].startswith("ek_sandbox_")
    assert response.json()["expires_at"] == int(START) + 60


async def test_default_lifetime_is_ten_minutes(client):
    response = await mint(client)

    assert response.json()["expires_at"] == int(START) + 600


async def test_session_is_echoed_with_an_id_and_an_expiry_of_zero(client):
    session = (await mint(client)).json()["session"]

    assert session["id"].startswith("sess_")
    assert (session["object"], session["expires_at"]) == ("realtime.session", 0)
    assert {key: session[key] for key in ("model", "instructions", "output_modalities")} == {
        key: SESSION[key] for key in ("model", "instructions", "output_modalities")
    }


async def test_custom_voice_is_accepted(client):
    response = await mint(client, SESSION | {"audio": {"output": {"voice": {"id": "voice_1234"}}}})

    assert response.json()["session"]["audio"]["output"]["voice"] == {"id": "voice_1234"}


async def test_secrets_are_unique(client):
    assert (await mint(client)).json()["value"] != (await mint(client)).json()["value"]


@pytest.mark.parametrize(
    ("session", "code", "param"),
    [
        (SESSION | {"temperature": 0.8}, "unknown_parameter", "session.temperature"),
        (SESSION | {"voice": "marin"}, "unknown_parameter", "session.voice"),
        (SESSION | {"audio": {"output": {"voice": "onyx"}}}, "invalid_value", "session.audio.output.voice"),
        (
            SESSION | {"audio": {"input": {"transcription": "whisper"}}},
            "invalid_type",
            "session.audio.input.transcription",
        ),
        (SESSION | {"output_modalities": ["audio", "text"]}, "invalid_type", "session.output_modalities"),
        ({"model": "gpt-realtime-2.1"}, "missing_required_parameter", "session.type"),
    ],
)
async def test_invalid_session_is_refused_with_code_and_parameter(client, session: object, code: str, param: str):
    assert refused(await mint(client, session)) == (400, code, param)


@pytest.mark.parametrize("seconds", [9, 7201])
async def test_lifetime_out_of_range_is_refused(client, seconds: int):
    status, _, param = refused(await mint(client, expires_after={"anchor": "created_at", "seconds": seconds}))

    assert (status, param) == (400, "expires_after.seconds")


async def test_model_outside_the_session_is_refused(client):
    assert refused(await mint(client, model="gpt-realtime-2.1")) == (400, "unknown_parameter", "model")


async def test_body_that_is_not_json_is_refused(client):
    response = await client.post("/realtime/client_secrets", content=b"{")

    assert response.status_code == 400
    assert response.json()["error"]["type"] == "invalid_request_error"


async def test_request_without_a_key_is_unauthorized(client):
    response = await client.post("/realtime/client_secrets", json={}, headers={"Authorization": ""})

    assert response.status_code == 401


async def test_beta_interface_does_not_exist(client):
    response = await client.post("/realtime/sessions", json={"model": "gpt-4o-realtime-preview"})

    assert response.status_code == 404
