"""Secrets and personal data: in no response, no message and no line of the log."""

import json
import re
import subprocess
import sys
from typing import get_args

import httpx
import pytest
from pydantic import SecretStr

import main
from config import Settings
from tests.support.api_server import ROOT, api_server, own_environment
from tests.support.interviews import BRIEFING
from tests.support.ports import free_port

CANARY = "canary"
SECRETS = {
    "daily_api_key": "canary-daily-0123456789",
    "daily_webhook_secret": "canarydailyhooks",
    "openrouter_api_key": "canary-openrouter-0123456789",
    "openai_api_key": "canary-openai-0123456789",
    "vapi_api_key": "canary-vapi-0123456789",
    "database_url": "postgresql://rooms:canary-database@127.0.0.1:1/rooms",
    "api_keys": "page:canary-api-key-0123456789",
    "auth_jwt_secret": "canary-jwt-secret-of-thirty-two-bytes-at-least",
    "rate_limit_storage_url": "redis://:canary-redis@127.0.0.1:1/0",
}


def is_secret(field):
    return SecretStr in {field.annotation, *get_args(field.annotation)} or "SecretStr" in str(field.annotation)


def test_every_secret_setting_is_a_secret_type():
    hidden = {name for name, field in Settings.model_fields.items() if is_secret(field)}

    assert hidden == set(SECRETS)
    assert hidden >= {name for name in Settings.model_fields if re.search(r"_(key|keys|secret|password)$", name)}


def test_printed_settings_show_no_secret(settings):
    made = settings(**SECRETS)

    shown = [repr(made), str(made), str(made.model_dump()), made.model_dump_json(), str(vars(made))]

    assert not any(CANARY in text for text in shown)


def test_public_responses_show_no_secret(start):
    client = start(**SECRETS | {"database_url": None})

    for path in ("/openapi.json", "/docs", "/health", "/health/ready"):
        assert CANARY not in client.get(path).text


UNUSABLE = [
    ("DAILY_API_KEY", "canary with spaces"),
    ("OPENROUTER_API_KEY", "canary-\u00e9"),
    ("OPENAI_API_KEY", "canary\x01"),
    ("VAPI_API_KEY", "canary \u2026"),
    ("DATABASE_URL", "mysql://rooms:canary@127.0.0.1/rooms"),
    ("DATABASE_URL", "canary"),
    ("VAPI_BASE_URL", "https://user:canary@api.example"),
    ("OPENAI_BASE_URL", "https://canary@api.example"),
    ("DAILY_API_URL", "https://:canary@api.example"),
    ("VAPI_BASE_URL", "http://api..example"),
    ("VAPI_BASE_URL", f"http://{'a' * 70}.example"),
    ("VAPI_BASE_URL", "http://api.example:99999"),
    ("VAPI_BASE_URL", "http://api.example:port"),
    ("DATABASE_URL", "postgresql://rooms:canary@127.0.0.1:port/rooms"),
    ("DATABASE_URL", "postgresql://rooms:canary@[::1/rooms"),
    ("DATABASE_URL", "postgresql://rooms:p@canary:5432:1/rooms"),
    ("API_KEYS", "page:canary"),
    ("API_KEYS", "canary-without-a-name-0123456789"),
    ("API_KEYS", "page:canary with spaces in the key"),
    ("API_KEYS", "page:sha256:canary"),
    ("API_KEYS", "page:canary-0123456789,page:canary-9876543210"),
    ("AUTH_JWT_SECRET", "canary"),
    ("AUTH_JWT_SECRET", "-----BEGIN PUBLIC KEY-----\ncanary\n-----END PUBLIC KEY-----"),
    ("RATE_LIMIT_STORAGE_URL", "memcached://:canary@127.0.0.1"),
    ("RATE_LIMIT_STORAGE_URL", "redis://:canary@127.0.0.1:port/0"),
    ("RATE_LIMIT_STORAGE_URL", "redis://:canary@127.0.0.1/0?socket_timeout=canary"),
]


@pytest.mark.usefixtures("own_logging")
@pytest.mark.parametrize(("name", "value"), UNUSABLE)
def test_an_unusable_secret_ends_the_start_with_one_line_that_names_it(monkeypatch, tmp_path, capsys, name, value):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(name, value)

    with pytest.raises(SystemExit) as ended:
        main.start()

    said = capsys.readouterr()
    assert said.err.startswith(name)
    assert said.err.count("\n") == 1
    assert ended.value.code
    assert CANARY not in said.err + said.out + str(ended.value)


def test_an_unreachable_database_ends_the_start_without_its_password(tmp_path):
    command = [sys.executable, "-m", "uvicorn", "main:app", "--app-dir", str(ROOT), "--port", str(free_port())]
    environment = own_environment(**{name.upper(): value for name, value in SECRETS.items()}, LOG_LEVEL="DEBUG")

    ended = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=False
    )

    assert ended.returncode != 0
    assert "DATABASE_URL: 127.0.0.1:1" in ended.stderr
    assert CANARY not in ended.stdout + ended.stderr


@pytest.mark.parametrize("vendors_are", ["emulated", "unreachable"])
def test_no_secret_or_personal_data_is_logged_even_at_debug(tmp_path, vendors_are):
    nowhere = "http://127.0.0.1:1"
    urls = ["DAILY_API_URL", "OPENROUTER_BASE_URL", "OPENAI_BASE_URL", "VAPI_BASE_URL", "AUTH_JWKS_URL"]
    settings = {name.upper(): value for name, value in SECRETS.items()} | dict.fromkeys(urls, nowhere)
    settings |= {"DATABASE_URL": "sqlite:///./rooms.db", "LOG_LEVEL": "DEBUG", "VAPI_PHONE_NUMBER_ID": "an-id"}
    settings |= {"AUTH_JWT_ISSUER": "https://issuer.test", "AUTH_JWT_AUDIENCE": "interview-rooms"}
    settings |= {"SANDBOX": "true" if vendors_are == "emulated" else "false", "UPSTREAM_TIMEOUT_SECONDS": "3"}

    with api_server(tmp_path, **settings) as url, httpx.Client(base_url=url, trust_env=False, timeout=30) as client:
        answers = [client.get("/health/ready"), *hold_an_interview_of_canaries(client)]

    log = (tmp_path / "log").read_text()
    assert "rate limits are counted per process" in log
    assert CANARY not in log
    if vendors_are == "unreachable":
        assert not any(CANARY in answer.text for answer in answers)


def hold_an_interview_of_canaries(client):
    """An interview in which every field that a caller sends contains the canary."""
    key = {"Authorization": "Bearer canary-api-key-0123456789", "Idempotency-Key": "canary-idempotency"}
    room = {"interviewer_name": "canary"}
    opened = client.post("/api/rooms", json=room, headers=key)
    yield opened
    name = opened.json().get("room_name", "interview-" + "0" * 26)
    for path, body in {
        "/join": {"participant_name": "canary", "participant_type": "candidate"},
        "/briefing": BRIEFING | {"resume_summary": "canary", "notes": "canary"},
        "/chat": {"message": "canary", "context": "canary"},
        "/debrief": {"transcript": "Candidate: canary", "notes": "canary"},
        "/realtime/token": {},
        "/briefing/call": {"phone_number": "+14155550100"},
        "/briefing/call?": {"phone_number": "canary"},
    }.items():
        yield client.post(f"/api/rooms/{name}{path}", json=body, headers=key)
    yield client.post("/api/rooms", json=room, headers={"Authorization": "Bearer canary-wrong"})
    yield client.post("/api/rooms", json=room, headers={"Authorization": "Bearer canary.canary.canary"})
    yield client.post("/api/rooms", content=json.dumps({"canary": "canary"})[:-1], headers=key)
    yield client.delete(f"/api/rooms/{name}", headers=key)
