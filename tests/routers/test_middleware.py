"""Middleware on its own, for cases that no route of the service can cause."""

import asyncio
from types import SimpleNamespace

import pytest
from fastapi.testclient import TestClient
from starlette.responses import PlainTextResponse, Response

from routers.middleware.aborted import AbortedRequestMiddleware
from routers.middleware.disconnect import WATCH_AFTER_SECONDS
from routers.middleware.refusals import PlainTextRefusalMiddleware
from routers.middleware.request_id import RequestIdAndHeadersMiddleware
from services.shutdown import Shutdown


def client_of(response):
    """A client of an app that only gives this response, inside of the two middleware."""
    translated = PlainTextRefusalMiddleware(response, untrusted_host="Unknown host.")
    return TestClient(RequestIdAndHeadersMiddleware(translated, headers={"X-Sandbox": "true"}))


@pytest.mark.parametrize(("status", "code"), [(404, "not_found"), (413, "payload_too_large"), (503, "http_error")])
def test_unknown_plain_text_refusal_is_the_problem_of_its_status(status, code):
    refusal = PlainTextResponse("Refused by a middleware", status, {"Retry-After": "7"})

    answer = client_of(refusal).get("/")

    assert (answer.status_code, answer.json()["status"], answer.json()["code"]) == (status, status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["retry-after"] == "7"
    assert answer.json()["request_id"] == answer.headers["x-request-id"]
    assert "Refused by a middleware" not in answer.text


@pytest.mark.parametrize(
    "response",
    [
        PlainTextResponse("A transcript"),
        Response(b'{"detail": "Ours."}', 404, media_type="application/problem+json"),
        Response(status_code=304),
    ],
    ids=["success", "problem", "without a body"],
)
def test_other_responses_pass_unchanged(response):
    answer = client_of(response).get("/")

    assert (answer.status_code, answer.content) == (response.status_code, response.body)
    assert answer.headers.get("content-type") == response.headers.get("content-type")


def test_a_header_of_the_response_is_kept_and_the_missing_ones_are_added():
    answer = client_of(Response(headers={"Cache-Control": "no-cache"})).get("/")

    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-sandbox"] == "true"


@pytest.mark.anyio
async def test_a_client_that_leaves_while_it_is_told_of_a_crash_is_no_error(caplog):
    async def crash(_scope, _receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
        await asyncio.sleep(2 * WATCH_AFTER_SECONDS)
        raise RuntimeError("boom")

    async def leave():
        await asyncio.sleep(4 * WATCH_AFTER_SECONDS)
        return {"type": "http.disconnect"}

    async def send(message):
        if message["type"] == "http.response.body":
            await asyncio.Event().wait()  # the client reads nothing

    state = {"services": SimpleNamespace(shutdown=Shutdown()), "request_id": "-"}
    scope = {"type": "http", "method": "GET", "path": "/", "state": state}
    async with asyncio.timeout(60):
        await asyncio.create_task(AbortedRequestMiddleware(crash)(scope, leave, send))

    assert "unexpected failure" in caplog.text
