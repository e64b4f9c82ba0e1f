"""Access control: every route with every kind of credentials."""

import json
import logging
from typing import Literal, NamedTuple

import pytest
from fastapi.routing import iter_route_contexts
from fastapi.testclient import TestClient

from config import Settings
from main import create_app
from tests.routers.callers import (
    AUDIENCE,
    INVALID_CREDENTIALS,
    NO_CREDENTIALS,
    OTHER_CALLER,
    OWNER,
    OWNER_KEY,
    OWNERS,
    TWO_KEYS,
    issuing,
)
from tests.services.access.issuer import ISSUER, SECRET
from tests.support.interviews import BRIEFING

Rule = Literal["unauthenticated", "link", "caller", "owner"]
"""unauthenticated: credentials are ignored. link: anyone with the room's link. caller: any authenticated caller. owner:
the caller that opened the room; for any other caller it is a 404.
"""


class Route(NamedTuple):
    rule: Rule
    success: int = 200
    body: object = None
    success_without_access_settings: int | None = None
    """Where it is another one."""


LINE = {"id": "line-1", "speaker": "Ada", "text": "Hello."}
PLANNED = {"focus_area": "Compilers", "text": "What did you build?", "kind": "behaviour"}
RATED = {"competency": "Compilers", "rating": 4}
DECIDED = {"decision": "advance", "reasons": "She knows compilers."}

RULES = {
    "POST /api/rooms": Route("caller", 201, {"interviewer_name": "Ada"}),
    "GET /api/rooms": Route("caller", success_without_access_settings=403),
    "GET /api/rooms/{name}": Route("link"),
    "POST /api/rooms/{name}/join": Route("link", 200, {"participant_name": "G", "participant_type": "candidate"}),
    "DELETE /api/rooms/{name}": Route("owner"),
    "POST /api/rooms/{name}/briefing": Route("owner", 200, BRIEFING),
    "GET /api/rooms/{name}/briefing": Route("owner"),
    "POST /api/rooms/{name}/chat": Route("owner", 200, {"message": "What should I ask?"}),
    "GET /api/rooms/{name}/chat": Route("owner"),
    "POST /api/rooms/{name}/debrief": Route("owner", 200, {"notes": "She knows compilers."}),
    "GET /api/rooms/{name}/debrief": Route("owner"),
    "PUT /api/rooms/{name}/transcript": Route("owner", 200, {"transcript": "Ada: Hello."}),
    "GET /api/rooms/{name}/transcript": Route("owner"),
    "DELETE /api/rooms/{name}/transcript": Route("owner", 204),
    "POST /api/rooms/{name}/transcript/segments": Route("owner", 200, {"segments": [LINE]}),
    # 409: the room was opened without transcription
    "POST /api/rooms/{name}/transcript/fetch": Route("owner", 409),
    "POST /api/rooms/{name}/plan": Route("owner", 200, {"minutes": 30}),
    "PUT /api/rooms/{name}/plan": Route("owner", 200, {"questions": [PLANNED]}),
    "GET /api/rooms/{name}/plan": Route("owner"),
    "PUT /api/rooms/{name}/ratings/{rater}": Route("owner", 200, {"ratings": [RATED]}),
    "GET /api/rooms/{name}/ratings": Route("owner"),
    "PUT /api/rooms/{name}/decision": Route("owner", 200, DECIDED),
    "GET /api/rooms/{name}/decision": Route("owner"),
    "POST /api/rooms/{name}/realtime/token": Route("owner", 201, {}),
    "POST /api/rooms/{name}/briefing/call": Route("owner", 202, {"phone_number": "+14155550100"}),
    "GET /api/rooms/{name}/briefing/call/{call_id}": Route("owner"),
    "POST /api/realtime/session": Route("caller", 200, {"candidate_name": "Grace"}),
    # 401: the signature is missing, whatever the credentials
    "POST /api/webhooks/daily": Route("unauthenticated", 401, {"test": "test"}),
    "GET /health": Route("unauthenticated"),
    "GET /health/ready": Route("unauthenticated"),
    "GET /": Route("unauthenticated"),
    "GET /docs": Route("unauthenticated"),
    "GET /redoc": Route("unauthenticated"),
    "GET /openapi.json": Route("unauthenticated"),
}

STATUS_WITHOUT_CREDENTIALS = {"unauthenticated": None, "link": None, "caller": 401, "owner": 401}
STATUS_WITH_INVALID_CREDENTIALS = {"unauthenticated": None, "link": 401, "caller": 401, "owner": 401}
STATUS_FOR_OTHER_CALLERS = {"unauthenticated": None, "link": None, "caller": None, "owner": 404}
"""None means the route's own success status."""

SECURITY = {
    "unauthenticated": set(),
    "link": {"{}", '{"bearer": []}'},
    "caller": {'{"bearer": []}'},
    "owner": {'{"bearer": []}'},
}

EVERY_ROUTE = pytest.mark.parametrize("route", RULES)
OWNED_ROUTES = pytest.mark.parametrize(
    "route", [name for name, route in RULES.items() if route.rule == "owner" and not name.startswith("DELETE")]
)
"""Not DELETE: deleting twice is no error, so deleting an unknown room is none either."""


@pytest.fixture(scope="module")
def authenticated():
    """The sandbox with API keys and JWTs."""
    with pytest.MonkeyPatch.context() as environment, issuing() as url:
        for name in Settings.model_fields:
            environment.delenv(name.upper(), raising=False)
        settings = Settings(
            _env_file=None,
            sandbox=True,
            api_keys=TWO_KEYS,
            auth_jwks_url=url,
            auth_jwt_secret=SECRET,
            auth_jwt_audience=AUDIENCE,
            auth_jwt_issuer=ISSUER,
            rate_limit_default="100000/minute",
            rate_limit_llm="100000/minute",
            phone_budget="0",
            storage_budget="0",
        )
        with TestClient(create_app(settings)) as client:
            yield client


class StoredRoom(NamedTuple):
    """A room with one of everything that an interview leaves behind."""

    name: str
    call_id: str

    def path(self, route: str) -> str:
        return (
            route.partition(" ")[2]
            .replace("{name}", self.name)
            .replace("{call_id}", self.call_id)
            .replace("{rater}", "ada")
        )


def hold_interview(client, owner) -> StoredRoom:
    def do(method, path, **body):
        answer = client.request(method, path, json=body, headers=owner)
        assert answer.is_success, answer.text
        return answer.json()

    name = do("POST", "/api/rooms", interviewer_name="Ada")["room_name"]
    do("POST", f"/api/rooms/{name}/briefing", **BRIEFING)
    do("PUT", f"/api/rooms/{name}/plan", questions=[PLANNED])
    do("PUT", f"/api/rooms/{name}/decision", **DECIDED)
    do("POST", f"/api/rooms/{name}/debrief", notes="She knows compilers.")
    do("POST", f"/api/rooms/{name}/transcript/segments", segments=[LINE])
    call = do("POST", f"/api/rooms/{name}/briefing/call", phone_number="+14155550100")
    return StoredRoom(name, call["call_id"])


@pytest.fixture(scope="module")
def interview(authenticated):
    """A room of the owner that refused requests must not change."""
    return hold_interview(authenticated, OWNER)


def ask(client, route, interview, headers):
    method = route.partition(" ")[0]
    body = RULES[route].body
    return client.request(method, interview.path(route), json=body, headers=headers)


def test_every_route_has_a_rule():
    app = create_app(Settings(_env_file=None))

    routes = [
        (method, route.path_format) for route in iter_route_contexts(app.routes) for method in route.methods or ()
    ]
    documented = [(method.upper(), path) for path, calls in app.openapi()["paths"].items() for method in calls]

    assert {f"{method} {path}" for method, path in routes + documented if method != "HEAD"} == set(RULES)


@EVERY_ROUTE
def test_missing_credentials_are_401_wherever_credentials_are_required(authenticated, interview, route):
    answer = ask(authenticated, route, interview, NO_CREDENTIALS)

    assert answer.status_code == (STATUS_WITHOUT_CREDENTIALS[RULES[route].rule] or RULES[route].success)
    if answer.status_code == 401:
        assert answer.json()["code"] == "unauthorized"
        assert answer.headers["www-authenticate"].startswith("Bearer")


@EVERY_ROUTE
@pytest.mark.parametrize("invalid", INVALID_CREDENTIALS)
def test_invalid_credentials_are_401_wherever_credentials_are_read(authenticated, interview, route, invalid):
    answer = ask(authenticated, route, interview, {"Authorization": INVALID_CREDENTIALS[invalid]})

    assert answer.status_code == (STATUS_WITH_INVALID_CREDENTIALS[RULES[route].rule] or RULES[route].success)
    if answer.status_code == 401:
        assert answer.json()["code"] == "unauthorized"
        assert answer.headers["www-authenticate"].startswith("Bearer")


@EVERY_ROUTE
def test_rooms_of_another_caller_are_not_found(authenticated, interview, route):
    answer = ask(authenticated, route, interview, OTHER_CALLER)

    assert answer.status_code == (STATUS_FOR_OTHER_CALLERS[RULES[route].rule] or RULES[route].success)


@EVERY_ROUTE
@pytest.mark.parametrize("owner", OWNERS)
def test_owners_can_use_every_route(authenticated, route, owner):
    own = hold_interview(authenticated, OWNERS[owner])

    answer = ask(authenticated, route, own, OWNERS[owner])

    assert answer.status_code == RULES[route].success, answer.text


def without_counts(answer):
    return {name: value for name, value in answer.headers.items() if not name.startswith("ratelimit")}


@OWNED_ROUTES
def test_another_callers_room_and_an_unknown_room_get_the_same_response(authenticated, interview, route):
    unknown = interview._replace(name="interview-" + "0" * 26)
    headers = OTHER_CALLER | {"X-Request-ID": "the-same"}

    existing_room = ask(authenticated, route, interview, headers)
    unknown_room = ask(authenticated, route, unknown, headers)

    assert existing_room.status_code == 404
    assert existing_room.content == unknown_room.content
    assert without_counts(existing_room) == without_counts(unknown_room)


def test_a_room_that_another_caller_tried_to_delete_is_kept(authenticated, interview):
    ask(authenticated, "DELETE /api/rooms/{name}", interview, OTHER_CALLER)

    assert ask(authenticated, "GET /api/rooms/{name}/briefing", interview, OWNER).status_code == 200


@pytest.mark.parametrize("pair", [("by key", "by RS256 token"), ("by RS256 token", "by HS256 token")])
def test_owners_by_key_and_by_token_do_not_see_each_others_rooms(authenticated, pair):
    one, other = (OWNERS[name] for name in pair)

    answer = ask(authenticated, "GET /api/rooms/{name}/briefing", hold_interview(authenticated, one), other)

    assert answer.status_code == 404


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (NO_CREDENTIALS, 401),
        ({"Authorization": INVALID_CREDENTIALS["wrong key"]}, 401),
        (OTHER_CALLER, 403),
        (OWNER, 200),
    ],
    ids=["no credentials", "wrong key", "other caller", "owner"],
)
def test_only_the_owner_joins_as_interviewer(authenticated, interview, headers, status):
    body = {"participant_name": "Eve", "participant_type": "interviewer"}

    answer = authenticated.post(f"/api/rooms/{interview.name}/join", json=body, headers=headers)

    assert answer.status_code == status
    assert ("token" in answer.json()) == (status == 200)


@EVERY_ROUTE
def test_invalid_credentials_are_401_even_with_an_invalid_body(authenticated, interview, route):
    method = route.partition(" ")[0]
    headers = {"Authorization": INVALID_CREDENTIALS["wrong key"], "Content-Type": "application/json"}

    answer = authenticated.request(method, interview.path(route), content=b"{not json", headers=headers)

    assert answer.status_code == (STATUS_WITH_INVALID_CREDENTIALS[RULES[route].rule] or RULES[route].success)


def test_the_detail_of_a_401_tells_expired_tokens_apart_but_not_wrong_keys(authenticated, interview):
    answers = {
        name: ask(authenticated, "POST /api/rooms", interview, {"Authorization": credential}).json()["detail"]
        for name, credential in INVALID_CREDENTIALS.items()
    }

    assert "expired" in answers["expired token"]
    assert "another service" in answers["token for another audience"]
    assert answers["wrong key"] == answers["half a key"] == answers["token with alg none"]
    assert answers["wrong key"] == answers["HS256 signed with the public key"]


def test_a_401_is_logged_with_its_reason_and_without_the_credential(authenticated, interview, caplog):
    with caplog.at_level(logging.INFO):
        for credential in INVALID_CREDENTIALS.values():
            ask(authenticated, "POST /api/rooms", interview, {"Authorization": credential})
        ask(authenticated, "POST /api/rooms", interview, NO_CREDENTIALS)

    logged = [record.getMessage() for record in caplog.records if record.name == "routers.problems"]
    assert len(logged) == len(INVALID_CREDENTIALS) + 1
    assert (
        "unauthorized: the token's audience (aud) is 'another-service', AUTH_JWT_AUDIENCE is 'interview-rooms'"
        in logged
    )
    assert logged[-1] == "unauthorized: the request has no Authorization header"
    secrets = [credential.rpartition(" ")[2] for credential in INVALID_CREDENTIALS.values()]
    assert not any(secret in line for secret in secrets if secret for line in logged)


def test_a_401_has_cors_headers(authenticated):
    answer = authenticated.post("/api/rooms", json={}, headers={"Origin": "http://localhost:3000"})

    assert answer.status_code == 401
    assert answer.headers["access-control-allow-origin"] == "http://localhost:3000"


def test_a_room_found_at_daily_after_a_restart_has_no_owner(start, vendors, clock):
    client = start(api_keys=f"owner:{OWNER_KEY}")
    name = "interview-" + "a" * 26
    room = {"id": "x", "name": name, "url": f"https://team.daily.co/{name}", "created_at": "2026-01-01T00:00:00.000Z"}
    room["config"] = {"exp": int(clock().timestamp()) + 3600}
    vendors.get(f"https://api.daily.co/v1/rooms/{name}").respond(json=room)

    seen = client.get(f"/api/rooms/{name}")
    owned = client.get(f"/api/rooms/{name}/briefing", headers=OWNER)

    assert seen.status_code == 200
    assert owned.status_code == 404


def test_openapi_names_the_scheme_and_the_routes_where_it_is_optional(authenticated):
    document = authenticated.get("/openapi.json").json()

    assert document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    for name, route in RULES.items():
        method, _, path = name.partition(" ")
        operation = document["paths"].get(path, {}).get(method.lower(), {})
        assert {json.dumps(way) for way in operation.get("security", [])} == SECURITY[route.rule], name


@EVERY_ROUTE
def test_without_access_settings_every_route_is_open(sandbox, route):
    answer = ask(sandbox, route, hold_interview(sandbox, NO_CREDENTIALS), NO_CREDENTIALS)

    rule = RULES[route]
    assert answer.status_code == (rule.success_without_access_settings or rule.success), answer.text


def test_credentials_are_ignored_while_authentication_is_off(sandbox):
    answer = sandbox.post(
        "/api/rooms", json={"interviewer_name": "Ada"}, headers={"Authorization": INVALID_CREDENTIALS["wrong key"]}
    )

    assert answer.status_code == 201


def test_a_start_without_authentication_logs_a_warning(start, caplog):
    with caplog.at_level(logging.WARNING):
        start()

    assert "the API is open" in caplog.text
    assert "API_KEYS" in caplog.text


def test_a_start_with_authentication_logs_no_warning(start, caplog):
    with caplog.at_level(logging.WARNING):
        start(api_keys=f"owner:{OWNER_KEY}")

    assert "the API is open" not in caplog.text
