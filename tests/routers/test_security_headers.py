"""Security headers of every response."""

import pytest

REQUESTS = [
    ("GET", "/health"),
    ("GET", "/openapi.json"),
    ("GET", "/nowhere"),
    ("POST", "/api/rooms"),
    ("PUT", "/health"),
]


@pytest.mark.parametrize(("method", "path"), REQUESTS)
def test_api_responses_have_the_default_security_headers(client, method, path):
    headers = client.request(method, path).headers

    assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"
    assert "server" not in headers
