"""Methods of addresses: HEAD, and the list of those that exist."""

import pytest

from tests.support.interviews import open_room


@pytest.mark.parametrize(
    "path", ["/health", "/health/ready", "/docs", "/openapi.json", "/api/rooms/{name}", "/nowhere"]
)
def test_head_gets_the_status_and_headers_of_get_without_a_body(sandbox, path):
    path = path.format(name=open_room(sandbox))
    changing = {"x-request-id", "ratelimit"}

    head, get = sandbox.head(path), sandbox.get(path)

    assert head.status_code == get.status_code
    assert head.content == b""
    assert {name: value for name, value in head.headers.items() if name not in changing} == {
        name: value for name, value in get.headers.items() if name not in changing
    }


def test_a_405_lists_every_method_of_the_address(client):
    assert client.patch("/api/rooms/some-room").headers["allow"] == "DELETE, GET, HEAD"
    assert client.put("/api/rooms/some-room/briefing").headers["allow"] == "GET, HEAD, POST"
    assert client.get("/api/rooms/some-room/join").headers["allow"] == "POST"
    assert client.delete("/api/rooms").headers["allow"] == "GET, HEAD, POST"
