"""Protection of callers and the service: headers, hosts, settings, secrets."""

import json
import logging
import re
import subprocess
import sys
from base64 import b64encode
from hashlib import sha256
from typing import get_args

import httpx
import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr, ValidationError

import main
from config import Settings
from tests.support.api_server import ROOT, api_server, own_environment
from tests.support.interviews import BRIEFING, open_room
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


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
def test_documentation_pages_allow_their_own_scripts_only(client, path):
    answer = client.get(path)

    policy = dict(part.split(" ", 1) for part in answer.headers["content-security-policy"].split("; "))
    inline = re.findall(r"<script>(.*?)</script>", answer.text, re.DOTALL)
    hashes = {f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'" for text in inline}
    assert set(policy["script-src"].split()) == {"'self'"} | hashes
    assert policy["default-src"] == "'none'"
    assert policy["connect-src"] == "'self'"
    assert "http" not in answer.headers["content-security-policy"]


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
def test_documentation_pages_load_files_of_this_server_that_exist(client, path):
    page = client.get(path).text

    files = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert files
    for file in files:
        assert file.startswith("/docs/assets/")
        assert client.get(file).status_code == 200


def test_files_of_the_documentation_are_revalidated_not_loaded_again(client):
    first = client.get("/docs/assets/swagger-ui.css")
    again = client.get("/docs/assets/swagger-ui.css", headers={"If-None-Match": first.headers["etag"]})

    assert first.headers["cache-control"] == "no-cache"
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("path", ["/docs/assets/nowhere.js", "/docs/assets/../core.py", "/docs/assets/..%2fcore.py"])
def test_no_other_file_of_the_package_is_served(client, path):
    assert client.get(path).status_code == 404


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


def test_without_documentation_the_root_is_404(start):
    assert start(docs_enabled=False).get("/").status_code == 404


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


@pytest.mark.parametrize("hosts", ["https://api.example.org", "api.example.org:8000", "*example.org", "a b", "api.*"])
def test_an_invalid_host_name_in_trusted_hosts_is_refused(settings, hosts):
    with pytest.raises(ValidationError, match="host name without scheme and port"):
        settings(trusted_hosts=hosts)


@pytest.mark.parametrize("setting", ["vapi_phone_number_id", "vapi_assistant_id", "openai_realtime_model"])
def test_settings_are_trimmed_and_blank_ones_are_unset(settings, setting):
    default = Settings.model_fields[setting].default

    assert getattr(settings(**{setting: " a-name \r\n"}), setting) == "a-name"
    assert getattr(settings(**{setting: " \r\n"}), setting) == default


@pytest.fixture
def env_file(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    return tmp_path / ".env"


@pytest.mark.usefixtures("own_logging")
@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b'SANDBOX=true\nAPI_KEYS="web:abcdefghijklmnop\n', ".env: line 2 cannot be read"),
        (b"API_KEYS:web:abcdefghijklmnop\n", ".env: line 1 cannot be read"),
        (b"API_KEYS=web:abcdefghijklmnop\nexport API_KEYS\n", ".env: line 2 cannot be read"),
        ("SANDBOX=true\n".encode("utf-16"), ".env is not in UTF-8"),
        ("SANDBOX=true\n".encode("utf-16-le"), ".env is not in UTF-8"),
        ("# clé\nSANDBOX=true\n".encode("latin-1"), ".env is not in UTF-8"),
    ],
    ids=["quote", "colon", "no value", "UTF-16", "UTF-16 without a mark", "Latin-1"],
)
def test_an_unreadable_env_file_ends_the_start(env_file, capsys, content, reason):
    env_file.write_bytes(content)

    with pytest.raises(SystemExit):
        main.start()

    assert capsys.readouterr().err.startswith(reason)


@pytest.mark.usefixtures("own_logging")
def test_an_env_file_may_have_crlf_a_byte_order_mark_and_other_names(env_file, capsys):
    env_file.write_bytes(
        b'\xef\xbb\xbfexport LOG_LEVEL="WARNING"\r\n# x\r\nNEXT_PUBLIC_DAILY_API_KEY=1\r\nexport PATH\r\nAPI_KEY=x\r\n'
    )

    main.start()

    assert logging.getLogger("services").level == logging.WARNING
    said = capsys.readouterr().err
    assert "API_KEY is not a setting; did you mean API_KEYS?" in said
    assert "NEXT_PUBLIC" not in said


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


@pytest.fixture
def own_logging():
    """Restores the logging that the start configures."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


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
