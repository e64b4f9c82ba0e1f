"""What holds for every call: problem documents, request ids, CORS, the body limit, inputs in their bad forms."""

import json
import re

import pytest

from tests.support.interviews import mock_daily, open_room

PAGE = "http://localhost:3000"


def assert_problem(answer, status, code=None):
    """A problem document that the web page can show as it is."""
    problem = answer.json()
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["status"] == status
    assert problem["request_id"] == answer.headers["x-request-id"]
    assert isinstance(problem["detail"], str)
    assert re.match(r"^[A-Z].*[.]$", problem["detail"], re.DOTALL), problem["detail"]
    assert problem["title"]
    assert problem["type"]
    assert code is None or problem["code"] == code
    return problem


@pytest.fixture
def nothing_sent(vendors):
    """No vendor is called."""
    yield
    assert not vendors.calls


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, "not_found"),
        ("GET", "/api/rooms/", 404, "not_found"),
        ("PUT", "/api/rooms/some-room", 405, "method_not_allowed"),
        ("GET", "/api/rooms/bad%20name", 422, "invalid_input"),
        ("GET", "/api/rooms/bad%00name", 422, "invalid_input"),
        ("GET", "/api/rooms/b%C3%A4d", 422, "invalid_input"),
        ("GET", f"/api/rooms/{'a' * 129}", 422, "invalid_input"),
        ("GET", "/api/rooms/..%2e%2e/briefing", 422, "invalid_input"),
        ("DELETE", "/api/rooms/a.b", 422, "invalid_input"),
    ],
)
def test_a_bad_address_is_a_clear_problem(client, nothing_sent, method, path, status, code):
    answer = client.request(method, path)

    assert_problem(answer, status, code)


BAD_ROOMS = {
    "no name": {},
    "empty name": {"interviewer_name": ""},
    "blank name": {"interviewer_name": "   "},
    "long name": {"interviewer_name": "x" * 81},
    "number as name": {"interviewer_name": 7},
    "list as name": {"interviewer_name": ["Ada"]},
    "null as name": {"interviewer_name": None},
    "null byte": {"interviewer_name": "A\x00da"},
    "line break": {"interviewer_name": "A\nda"},
    "too short": {"interviewer_name": "Ada", "expires_in_minutes": 14},
    "too long": {"interviewer_name": "Ada", "expires_in_minutes": 721},
    "not whole": {"interviewer_name": "Ada", "expires_in_minutes": 30.5},
    "not a number": {"interviewer_name": "Ada", "expires_in_minutes": "soon"},
}


@pytest.mark.parametrize("body", BAD_ROOMS.values(), ids=BAD_ROOMS)
def test_a_bad_field_is_named(client, nothing_sent, body):
    answer = client.post("/api/rooms", json=body)

    problem = assert_problem(answer, 422, "invalid_input")
    assert problem["errors"][0]["field"] in {"interviewer_name", "expires_in_minutes"}
    assert problem["errors"][0]["field"] in problem["detail"]
    assert problem["errors"][0]["message"]


BAD_BODIES = {
    "nothing": (b"", "application/json"),
    "not json": (b"{not json", "application/json"),
    "a list": (b"[]", "application/json"),
    "a number": (b"1", "application/json"),
    "null": (b"null", "application/json"),
    "not utf-8": (b'{"interviewer_name": "\xff"}', "application/json"),
    "lone surrogate": (b'{"interviewer_name": "\\ud800"}', "application/json"),
    "deeply nested": (b"[" * 200_000, "application/json"),
    "huge number": (b'{"interviewer_name": "Ada", "expires_in_minutes": ' + b"9" * 5000 + b"}", "application/json"),
    "not a number": (b'{"interviewer_name": "Ada", "expires_in_minutes": NaN}', "application/json"),
}


@pytest.mark.parametrize(("body", "kind"), BAD_BODIES.values(), ids=BAD_BODIES)
def test_a_bad_body_is_a_clear_problem(client, nothing_sent, body, kind):
    answer = client.post("/api/rooms", content=body, headers={"content-type": kind})

    assert_problem(answer, 422, "invalid_input")


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "image/png"]
)
def test_a_body_that_does_not_say_it_is_json_is_refused(client, nothing_sent, kind):
    answer = client.post("/api/rooms", content=b'{"interviewer_name": "Ada"}', headers={"content-type": kind})

    problem = assert_problem(answer, 415, "unsupported_media_type")
    assert "application/json" in problem["detail"]


def test_a_body_over_the_limit_is_refused_by_its_announced_length(start, nothing_sent):
    client = start(max_body_bytes=2048)

    answer = client.post("/api/rooms", json={"interviewer_name": "x" * 3000}, headers={"origin": PAGE})

    assert_problem(answer, 413, "payload_too_large")
    assert answer.headers["access-control-allow-origin"] == PAGE


@pytest.mark.parametrize("path", ["/api/rooms", "/nowhere"])
def test_a_body_over_the_limit_is_refused_when_its_length_is_not_announced(start, nothing_sent, path):
    client = start(max_body_bytes=2048)

    answer = client.post(path, content=(b"x" * 500 for _ in range(10)), headers={"content-type": "application/json"})

    assert_problem(answer, 413 if path == "/api/rooms" else 404)


def test_a_sane_request_id_is_taken_over_and_any_other_replaced(client):
    ours = client.get("/health").headers["x-request-id"]
    sane = client.get("/health", headers={"x-request-id": "abc-123"}).headers["x-request-id"]
    odd = client.get("/health", headers={"x-request-id": "a b\tc"}).headers["x-request-id"]
    long = client.get("/health", headers={"x-request-id": "a" * 200}).headers["x-request-id"]

    assert sane == "abc-123"
    assert len({ours, odd, long, "a b\tc", "a" * 200}) == 5


def test_the_page_may_read_answers_and_errors_alike(client, vendors):
    mock_daily(vendors)
    headers = {"origin": PAGE}

    answers = [
        client.post("/api/rooms", json={"interviewer_name": "Ada"}, headers=headers),
        client.post("/api/rooms", json={}, headers=headers),
        client.get("/nowhere", headers=headers),
    ]

    for answer in answers:
        assert answer.headers["access-control-allow-origin"] == PAGE
        exposed = {name.strip().lower() for name in answer.headers["access-control-expose-headers"].split(",")}
        assert exposed >= {"x-request-id", "retry-after", "ratelimit", "ratelimit-policy", "location", "x-sandbox"}


def test_another_page_may_not(client):
    answer = client.get("/health", headers={"origin": "https://evil.example"})

    assert "access-control-allow-origin" not in answer.headers


def test_a_page_may_ask_beforehand(client):
    answer = client.options(
        "/api/rooms",
        headers={
            "origin": PAGE,
            "access-control-request-method": "POST",
            "access-control-request-headers": "content-type,authorization,idempotency-key",
        },
    )

    assert answer.status_code == 200
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert "idempotency-key" in answer.headers["access-control-allow-headers"]


def test_a_crash_is_a_problem_that_the_page_can_read_and_tells_nothing(client, vendors, caplog):
    vendors.post("https://api.daily.co/v1/rooms").mock(side_effect=ZeroDivisionError("the secret of it"))

    answer = client.post("/api/rooms", json={"interviewer_name": "Ada"}, headers={"origin": PAGE})

    assert_problem(answer, 500, "internal_error")
    assert answer.headers["access-control-allow-origin"] == PAGE
    assert "secret" not in answer.text
    assert "ZeroDivisionError" in caplog.text


def test_unknown_fields_are_ignored(client, vendors):
    mock_daily(vendors)

    answer = client.post("/api/rooms", json={"interviewer_name": "Ada", "from_a_newer_page": True})

    assert answer.status_code == 201


def test_answers_are_not_kept_by_caches_and_are_not_sniffed(client, vendors):
    mock_daily(vendors)

    answer = client.get(f"/api/rooms/{open_room(client)}")

    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_only_trusted_hosts_are_answered_to_where_they_are_set(start):
    client = start(trusted_hosts=("api.example.org",))

    refused = client.get("/health")
    answered = client.get("/health", headers={"host": "api.example.org:8000"})

    assert_problem(refused, 422)
    assert answered.status_code == 200


def test_health_says_who_it_is(client, sandbox):
    answer = client.get("/health").json()

    assert answer == {"status": "healthy", "service": "interview-room-api", "version": "1.0.0", "sandbox": False}
    assert sandbox.get("/health").json()["sandbox"] is True


def test_readiness_names_each_provider_without_calling_it(start, nothing_sent):
    answer = start(openai_api_key=None).get("/health/ready")

    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ready",
        "dependencies": {"storage": "ok", "rate_limit_storage": "ok"},
        "providers": {
            "daily": "configured",
            "openrouter": "configured",
            "openai": "not_configured",
            "vapi": "configured",
        },
    }


def test_everything_in_the_sandbox_says_so(sandbox, client):
    assert sandbox.get("/health").headers["x-sandbox"] == "true"
    assert sandbox.get("/nowhere").headers["x-sandbox"] == "true"
    assert "x-sandbox" not in client.get("/health").headers


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.json"])
def test_the_documentation_can_be_switched_off(start, path):
    assert start().get(path).status_code == 200
    assert start(docs_enabled=False).get(path).status_code == 404


def test_no_key_stands_in_the_settings_representation(settings):
    made = settings(api_keys="page:0123456789abcdef")

    assert "0123456789" not in repr(made)
    assert "0123456789" not in str(made.model_dump())
    assert "0123456789" not in json.dumps(made.model_dump(mode="json"))


TEXTS = {
    "/api/rooms": ({"interviewer_name": "Ada"}, ["interviewer_name", "candidate_name"]),
    "/api/rooms/{name}/join": (
        {"participant_name": "Grace", "participant_type": "candidate"},
        ["participant_name", "participant_type"],
    ),
    "/api/rooms/{name}/briefing": (
        {"candidate_name": "Grace"},
        ["candidate_name", "role", "resume_summary", "notes", "focus_areas"],
    ),
    "/api/rooms/{name}/chat": ({"message": "Hi"}, ["message", "context", "transcript"]),
    "/api/rooms/{name}/debrief": ({}, ["notes", "transcript"]),
    "/api/realtime/session": ({"candidate_name": "Grace"}, ["candidate_name", "role", "resume", "job_description"]),
}


@pytest.mark.parametrize("unusable", ["\\ud800", "half an emoji \\ud83d", "\\u0000"])
@pytest.mark.parametrize(("path", "field"), [(path, field) for path, (_, fields) in TEXTS.items() for field in fields])
def test_no_text_that_can_t_be_written_down_gets_in(sandbox, path, field, unusable):
    name = open_room(sandbox)
    value = f'["{unusable}"]' if field == "focus_areas" else f'"{unusable}"'
    others = {key: value for key, value in TEXTS[path][0].items() if key != field}
    body = json.dumps(others)[:-1] + (", " if others else "") + f'"{field}": {value}}}'

    answer = sandbox.post(path.format(name=name), content=body, headers={"content-type": "application/json"})

    problem = assert_problem(answer, 422, "invalid_input")
    assert field in problem["detail"]


@pytest.mark.parametrize(
    ("path", "body", "sentence"),
    [
        ("/api/rooms", [], "Check body: send a JSON object."),
        (
            "/api/rooms/r/debrief",
            {"transcript": [{"speaker": "candidate", "text": "a" * 600_000}] * 2},
            "Check transcript: its turns may hold 1,000,000 characters together; send less.",
        ),
        ("/api/rooms", {}, "The field interviewer_name is missing."),
        (
            "/api/rooms/a.b/join",
            {"participant_name": "G", "participant_type": "candidate"},
            "Check name: a room's name has 1 to 128 letters, digits, hyphens and underscores.",
        ),
        (
            "/api/realtime/session",
            {"candidate_name": "G", "resume": "x" * 50_001},
            "Check resume: string should have at most 50000 characters.",
        ),
    ],
)
def test_the_sentence_is_one_for_people(client, path, body, sentence):
    assert client.post(path, json=body).json()["detail"] == sentence


def test_of_thousands_of_errors_the_first_are_told(client):
    problem = client.post("/api/rooms/r/debrief", json={"transcript": [{"speaker": 1}] * 1000}).json()

    assert len(problem["errors"]) == 50
    assert "the first 50 of 2000" in problem["detail"]


@pytest.mark.parametrize("name", ["\u200b\u200b", "A\u202eda", "\u2066"])
def test_a_name_that_can_t_be_seen_or_reorders_text_is_refused(client, nothing_sent, name):
    assert_problem(client.post("/api/rooms", json={"interviewer_name": name}), 422)


@pytest.mark.parametrize(("origin", "method"), [("https://evil.example", "POST"), (PAGE, "PUT")])
def test_a_page_that_asks_beforehand_in_vain_gets_a_problem_too(client, origin, method):
    headers = {"origin": origin, "access-control-request-method": method}

    answer = client.options("/api/rooms", headers=headers)

    assert_problem(answer, 403)
