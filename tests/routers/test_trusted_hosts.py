"""Host names: which ones the service answers to, with and without authentication."""

import pytest


@pytest.mark.parametrize("host", ["api.example.org", "API.example.org", "api.example.org:8000"])
def test_a_trusted_host_is_answered(start, host):
    client = start(trusted_hosts=("api.example.org",))

    assert client.get("/health", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "api.example.org.evil.example", "", "api.example.org@evil.example"])
def test_any_other_host_is_421_and_in_the_log(start, caplog, host):
    caplog.set_level("INFO")
    client = start(trusted_hosts=("api.example.org",))

    answer = client.get("/health", headers={"Host": host})

    assert answer.status_code == 421
    assert f"the request is for {host!r}, which is not in TRUSTED_HOSTS" in caplog.text
    assert "host name" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("hosts", "host", "status"),
    [
        ("*.example.org", "api.example.org", 200),
        ("*.example.org", "a.b.example.org:8000", 200),
        ("*.example.org", "example.org", 421),
        ("*.example.org", "evilexample.org", 421),
        ("*.example.org", "api.example.org.evil.example", 421),
        ("*.example.org, localhost", "localhost", 200),
        ("API.example.org", "api.example.org", 200),
        ("*", "anything.example", 200),
        ("[::1]", "[::1]:8000", 200),
    ],
)
def test_a_wildcard_trusts_the_names_below_a_domain(start, hosts, host, status):
    client = start(trusted_hosts=hosts)

    assert client.get("/health", headers={"Host": host}).status_code == status


OPEN = {"trusted_hosts": ()}
"""Settings without authentication and with vendor keys."""


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:8000", "app.localhost", "127.0.0.1:8000", "[::1]:8000", "0.0.0.0:8000"]
)
def test_an_open_service_answers_to_loopback_names(start, host):
    assert start(**OPEN).get("/health", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "192.168.1.5:8000", "localhost.evil.example", "127.0.0.1.evil.example"]
)
def test_an_open_service_with_a_real_provider_refuses_other_names_and_names_the_setting(start, host):
    answer = start(**OPEN).get("/health", headers={"Host": host})

    assert answer.status_code == 421
    assert "TRUSTED_HOSTS" in answer.json()["detail"]


@pytest.mark.parametrize(
    "changes",
    [
        {"sandbox": True},
        {"api_keys": "web:a-key-of-some-length"},
        {"trusted_hosts": "api.example.org"},
        dict.fromkeys(["daily_api_key", "openrouter_api_key", "openai_api_key", "vapi_api_key"]),
    ],
    ids=["sandbox", "authentication", "trusted host", "no provider"],
)
def test_other_host_names_are_accepted_without_risk_or_when_trusted(start, changes):
    client = start(**(OPEN | changes))

    assert client.get("/health", headers={"Host": "api.example.org"}).status_code == 200


def test_a_partial_sandbox_with_a_real_provider_answers_to_loopback_names_only(start):
    client = start(**OPEN, sandbox="daily,openai,vapi")

    assert client.get("/health", headers={"Host": "evil.example"}).status_code == 421
