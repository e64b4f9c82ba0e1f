"""Addresses in responses behind a proxy that strips a prefix."""

import pytest
from fastapi.testclient import TestClient

import main


@pytest.fixture(params=["/interviews", "/interviews/"])
def behind_prefix(request, settings):
    """A client behind a proxy that strips /interviews, with uvicorn's `--root-path`."""
    with TestClient(main.create_app(settings(sandbox=True)), root_path=request.param) as client:
        yield client


def test_documentation_pages_respect_the_root_path(behind_prefix):
    page = behind_prefix.get("/docs").text

    assert "url: '/interviews/openapi.json'" in page
    assert 'src="/interviews/docs/assets/swagger-ui-bundle.js"' in page
    assert behind_prefix.get("/", follow_redirects=False).headers["location"] == "/interviews/docs"


def test_location_and_allow_respect_the_root_path(behind_prefix):
    opened = behind_prefix.post("/api/rooms", json={"interviewer_name": "Ada"}, headers={"Idempotency-Key": "k"})
    replayed = behind_prefix.post("/api/rooms", json={"interviewer_name": "Ada"}, headers={"Idempotency-Key": "k"})

    assert opened.headers["location"] == f"/interviews/api/rooms/{opened.json()['room_name']}"
    assert replayed.headers["location"] == opened.headers["location"]
    assert behind_prefix.patch("/api/rooms/some-room").headers["allow"] == "DELETE, GET, HEAD"
