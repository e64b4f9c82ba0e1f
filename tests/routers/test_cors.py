"""CORS: which pages may read responses, and what is logged about refused ones."""

import logging

import pytest

from tests.support.problems import PAGE

ELSEWHERE = "https://elsewhere.example"
PREFLIGHT = {"access-control-request-method": "POST", "access-control-request-headers": "content-type"}


def refusals(caplog):
    return [record.getMessage() for record in caplog.records if "CORS_ORIGINS" in record.getMessage()]


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_a_preflight_of_each_method_passes(client, method):
    headers = {"origin": PAGE, "access-control-request-method": method}

    assert client.options("/api/rooms", headers=headers).status_code == 200


def test_private_network_preflight_of_an_allowed_origin_passes(start):
    client = start(cors_origins="https://app.example.com")
    headers = PREFLIGHT | {"origin": "https://app.example.com", "access-control-request-private-network": "true"}

    answer = client.options("/api/rooms", headers=headers)

    assert answer.status_code == 200
    assert answer.headers["access-control-allow-private-network"] == "true"


def test_a_private_network_preflight_of_another_origin_is_refused(client):
    headers = PREFLIGHT | {"origin": ELSEWHERE, "access-control-request-private-network": "true"}

    answer = client.options("/api/rooms", headers=headers)

    assert answer.status_code == 403
    assert "access-control-allow-origin" not in answer.headers
    assert "access-control-allow-private-network" not in answer.headers


def test_a_refused_preflight_says_whether_the_origin_or_the_method_is_the_reason(client):
    origin = client.options("/api/rooms", headers=PREFLIGHT | {"origin": ELSEWHERE}).json()
    method = client.options("/api/rooms", headers={"origin": PAGE, "access-control-request-method": "PATCH"}).json()

    assert "see CORS_ORIGINS" in origin["detail"]
    assert "method or header" in method["detail"]


@pytest.mark.parametrize(
    "origin", ["http://localhost:5173", "http://127.0.0.1:8080", "http://[::1]:3000", "http://localhost"]
)
def test_the_sandbox_allows_pages_on_any_local_port(sandbox, client, origin):
    headers = PREFLIGHT | {"origin": origin}

    assert sandbox.options("/api/rooms", headers=headers).status_code == 200
    assert sandbox.get("/health", headers=headers).headers["access-control-allow-origin"] == origin
    assert client.options("/api/rooms", headers=headers).status_code == 403


@pytest.mark.parametrize(
    "origin", ["http://localhost.evil.example", "http://evil.example", "https://localhost:1@evil.example"]
)
def test_the_sandbox_allows_no_other_pages(sandbox, origin):
    assert sandbox.options("/api/rooms", headers=PREFLIGHT | {"origin": origin}).status_code == 403


def test_a_partial_sandbox_allows_only_the_configured_origins(start):
    client = start(sandbox="daily,vapi")

    answer = client.options("/api/rooms", headers=PREFLIGHT | {"origin": "http://localhost:5173"})

    assert answer.status_code == 403


def test_a_refused_origin_is_logged_once_with_the_setting(client, caplog):
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            client.options("/api/rooms", headers=PREFLIGHT | {"origin": ELSEWHERE})
            client.get("/health", headers={"origin": ELSEWHERE})

    assert refusals(caplog) == [
        f"a page at '{ELSEWHERE}' may not read the responses: its origin is not in CORS_ORIGINS"
    ]


def test_made_up_origins_do_not_flood_the_log(client, caplog):
    with caplog.at_level(logging.WARNING):
        for number in range(300):
            client.get("/health", headers={"origin": f"https://{'x' * 1000}{number}"})
        for number in range(300):
            client.get("/health", headers={"origin": f"https://{number}.example"})

    logged = refusals(caplog)
    assert 0 < len(logged) <= 100
    assert all(len(line) < 400 for line in logged)


@pytest.mark.parametrize("origin", [PAGE, "http://testserver"])
def test_allowed_pages_and_pages_of_this_server_are_not_logged(client, caplog, origin):
    with caplog.at_level(logging.WARNING):
        client.get("/health", headers={"origin": origin})

    assert refusals(caplog) == []
