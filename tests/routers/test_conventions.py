"""What every call has in common: problem documents, request ids, CORS, the body limit, invalid input."""

import json

import pytest

from tests.support.interviews import mock_daily, open_room
from tests.support.problems import PAGE, assert_problem


@pytest.fixture
def nothing_sent(vendors):
    """Fails the test when a vendor is called."""
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
def test_an_invalid_address_is_a_problem(client, nothing_sent, method, path, status, code):
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
def test_the_problem_names_the_invalid_field(client, nothing_sent, body):
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
    "deeply nested": (b"[" * 60_000, "application/json"),
    "huge number": (b'{"interviewer_name": "Ada", "expires_in_minutes": ' + b"9" * 5000 + b"}", "application/json"),
    "not a number": (b'{"interviewer_name": "Ada", "expires_in_minutes": NaN}', "application/json"),
}


@pytest.mark.parametrize(("body", "kind"), BAD_BODIES.values(), ids=BAD_BODIES)
def test_an_invalid_body_is_a_problem(client, nothing_sent, body, kind):
    answer = client.post("/api/rooms", content=body, headers={"content-type": kind})

    assert_problem(answer, 422, "invalid_input")


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "image/png"]
)
def test_a_body_without_a_json_content_type_is_415(client, nothing_sent, kind):
    answer = client.post("/api/rooms", content=b'{"interviewer_name": "Ada"}', headers={"content-type": kind})

    problem = assert_problem(answer, 415, "unsupported_media_type")
    assert "application/json" in problem["detail"]


def test_a_valid_request_id_is_kept_and_any_other_is_replaced(client):
    ours = client.get("/health").headers["x-request-id"]
    sane = client.get("/health", headers={"x-request-id": "abc-123"}).headers["x-request-id"]
    odd = client.get("/health", headers={"x-request-id": "a b\tc"}).headers["x-request-id"]
    long = client.get("/health", headers={"x-request-id": "a" * 200}).headers["x-request-id"]

    assert sane == "abc-123"
    assert len({ours, odd, long, "a b\tc", "a" * 200}) == 5


def test_responses_and_errors_have_cors_headers(client, vendors):
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


def test_page_of_another_origin_gets_no_cors_headers(client):
    answer = client.get("/health", headers={"origin": "https://evil.example"})

    assert "access-control-allow-origin" not in answer.headers


def test_a_preflight_of_an_allowed_origin_passes(client):
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


def test_an_unhandled_exception_is_a_500_problem_with_cors_headers_and_without_details(client, vendors, caplog):
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


def test_responses_are_neither_cached_nor_sniffed(client, vendors):
    mock_daily(vendors)

    answer = client.get(f"/api/rooms/{open_room(client)}")

    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_an_untrusted_host_is_a_421_problem_with_cors_headers(start):
    client = start(trusted_hosts=("api.example.org",))

    refused = client.get("/health", headers={"origin": PAGE})

    problem = assert_problem(refused, 421, "wrong_host")
    assert "TRUSTED_HOSTS" in problem["detail"]
    assert refused.headers["access-control-allow-origin"] == PAGE


def test_streams_forbid_caching_transforming_and_buffering(sandbox):
    path = f"/api/rooms/{open_room(sandbox)}/chat"

    answer = sandbox.post(path, json={"message": "What should I ask?"}, headers={"accept": "text/event-stream"})

    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["cache-control"] == "no-store, no-transform"
    assert answer.headers["x-accel-buffering"] == "no"


def test_health_names_the_service_and_its_version(client, sandbox):
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


def test_every_response_of_the_sandbox_has_x_sandbox(sandbox, client):
    assert sandbox.get("/health").headers["x-sandbox"] == "true"
    assert sandbox.get("/nowhere").headers["x-sandbox"] == "true"
    assert "x-sandbox" not in client.get("/health").headers


def test_x_sandbox_names_the_emulated_providers_and_the_others_are_called(start):
    client = start(sandbox="vapi,daily,openrouter", openai_base_url="http://127.0.0.1:1")

    opened = client.post("/api/rooms", json={"interviewer_name": "Ada"})
    voice = client.post(f"/api/rooms/{opened.json()['room_name']}/realtime/token")

    assert opened.headers["x-sandbox"] == "daily,openrouter,vapi"
    assert opened.json()["room_url"].startswith("https://sandbox.daily.co/")
    assert_problem(voice, 503, "provider_unavailable")
    assert client.get("/health").json()["sandbox"] is True
    assert client.get("/health/ready").json()["providers"] == {
        "daily": "emulated",
        "openrouter": "emulated",
        "openai": "configured",
        "vapi": "emulated",
    }


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.json"])
def test_docs_enabled_off_hides_the_documentation(start, path):
    assert start().get(path).status_code == 200
    assert start(docs_enabled=False).get(path).status_code == 404


def test_the_representation_of_the_settings_shows_no_key(settings):
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
def test_text_that_cannot_be_stored_is_refused(sandbox, path, field, unusable):
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
        (
            "/api/rooms/r/transcript/segments",
            {"segments": []},
            "Check segments: it has too few items; send at least 1.",
        ),
        (
            "/api/rooms/r/briefing",
            {"candidate_name": "G", "focus_areas": ["area"] * 21},
            "Check focus_areas: it has too many items; send at most 20.",
        ),
        ("/api/rooms/r/transcript/segments", {"segments": "Ada: hello"}, "Check segments: send a list."),
        ("/api/rooms/r/transcript/segments", {"segments": ["Ada: hello"]}, "Check segments.0: send an object."),
    ],
)
def test_the_detail_is_one_sentence(client, path, body, sentence):
    assert client.post(path, json=body).json()["detail"] == sentence


def test_a_pattern_is_described_in_words(client):
    problem = client.get("/api/rooms?starting_after=a%20b").json()

    assert problem["detail"] == "Check starting_after: send the room_name of the last room of the page before."


def test_a_problem_lists_the_first_fifty_errors(client):
    problem = client.post("/api/rooms/r/debrief", json={"transcript": [{"speaker": 1}] * 1000}).json()

    assert len(problem["errors"]) == 50
    assert "the first 50 of 2000" in problem["detail"]


@pytest.mark.parametrize("name", ["\u200b\u200b", "A\u202eda", "\u2066"])
def test_an_invisible_or_reordering_name_is_refused(client, nothing_sent, name):
    assert_problem(client.post("/api/rooms", json={"interviewer_name": name}), 422)


@pytest.mark.parametrize(("origin", "method"), [("https://evil.example", "POST"), (PAGE, "PATCH")])
def test_a_rejected_preflight_is_a_problem_document(client, origin, method):
    headers = {"origin": origin, "access-control-request-method": method}

    answer = client.options("/api/rooms", headers=headers)

    assert_problem(answer, 403)
