import json

import httpx
import pytest

from services.upstream.sse import SSEDecoder
from tests.services.sandbox.conftest import START, Connect
from tests.services.sandbox.requests import complete, content, messages

pytestmark = pytest.mark.anyio

ASKED = messages(resume="Built a queue in Go.", question="What has she built?")


@pytest.fixture
async def client(connect: Connect):
    async with connect("openrouter") as client:
        yield client


async def stream(client: httpx.AsyncClient) -> tuple[httpx.Response, bytes]:
    body = {"model": "openai/gpt-4o-mini", "messages": ASKED, "stream": True}
    async with client.stream("POST", "/chat/completions", json=body) as response:
        return response, b"".join([chunk async for chunk in response.aiter_raw()])


async def test_completion_has_the_shape_of_openrouter(client):
    response = await complete(client, ASKED)

    completion = response.json()
    assert (completion["object"], completion["created"]) == ("chat.completion", int(START))
    assert completion["choices"][0]["finish_reason"] == "stop"
    assert completion["id"] == response.headers["x-generation-id"]


async def test_requested_model_answers(client):
    assert (await complete(client, ASKED, model="some/model")).json()["model"] == "some/model"


async def test_first_fallback_answers_when_no_model_is_named(client):
    response = await complete(client, ASKED, model=None, models=["first/model", "second/model"])

    assert response.json()["model"] == "first/model"


async def test_usage_is_counted_and_free(client):
    usage = (await complete(client, ASKED)).json()["usage"]

    assert usage["prompt_tokens"] > 0
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    assert usage["cost"] == 0


async def test_same_request_gets_the_same_answer(client):
    first, second = await complete(client, ASKED), await complete(client, ASKED)

    assert first.content == second.content


async def test_answer_is_cut_at_its_cap_and_says_so(client):
    response = await complete(client, ASKED, max_completion_tokens=5)

    assert len(content(response)) == 20
    assert response.json()["choices"][0]["finish_reason"] == "length"


async def test_stream_has_the_same_text_in_pieces(client):
    whole = content(await complete(client, ASKED))

    response, raw = await stream(client)

    chunks = [json.loads(event) for event in SSEDecoder().feed(raw)[:-1]]
    deltas = [choice["delta"]["content"] for chunk in chunks for choice in chunk["choices"]]
    assert response.headers["content-type"] == "text/event-stream"
    assert "".join(deltas) == whole
    assert len(deltas) > 3


async def test_stream_ends_with_the_finish_reason_the_usage_and_done(client):
    _, raw = await stream(client)

    *_, last, usage, done = SSEDecoder().feed(raw)
    assert json.loads(last)["choices"][0]["finish_reason"] == "stop"
    assert json.loads(usage)["choices"] == []
    assert json.loads(usage)["usage"]["cost"] == 0
    assert done == b"[DONE]"


async def test_stream_has_keep_alive_comments(client):
    _, raw = await stream(client)

    assert raw.count(b": OPENROUTER PROCESSING\n\n") == 2


@pytest.mark.parametrize(
    "fields",
    [
        {"messages": []},
        {"messages": [{"role": "owner", "content": "x"}]},
        {"messages": [{"role": "user", "content": None}]},
        {"messages": "hello"},
        {"provider": {"collect": False}},
        {"provider": {"data_collection": "sometimes"}},
        {"session_id": "s" * 257},
        {"max_completion_tokens": 0},
        {"metadata": {str(number): "x" for number in range(17)}},
        {"response_format": {"type": "json_schema", "json_schema": {"name": "a name", "schema": {}}}},
        {"response_format": {"type": "json_schema", "json_schema": {"name": "verdict", "schema": {}}}},
        {"model": None},
    ],
)
async def test_request_that_openrouter_refuses_is_refused(client, fields: dict[str, object]):
    response = await complete(client, ASKED, **fields)

    assert response.status_code == 400
    assert response.json()["error"]["code"] == 400


async def test_body_that_is_not_json_is_refused(client):
    response = await client.post("/chat/completions", content=b"{")

    assert response.json() == {"error": {"code": 400, "message": "Request body is not valid JSON"}}


async def test_unknown_field_is_ignored(client):
    assert (await complete(client, ASKED, shiny=True)).status_code == 200


async def test_request_without_a_key_is_unauthorized(client):
    response = await client.post("/chat/completions", json={}, headers={"Authorization": ""})

    assert response.json() == {"error": {"code": 401, "message": "Missing Authentication header"}}


async def test_unknown_endpoint_is_not_found(client):
    assert (await client.post("/completions", json={})).status_code == 404
