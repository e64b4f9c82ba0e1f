"""Who may do what: every route of the app, asked by everybody."""

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
    NOBODY,
    OWNER,
    OWNER_KEY,
    OWNERS,
    PRETENDERS,
    STRANGER,
    STRANGER_KEY,
    issuing,
)
from tests.services.access.issuer import SECRET
from tests.support.interviews import BRIEFING

Rule = Literal["everybody", "link", "caller", "owner"]
"""everybody: credentials are not looked at. link: anyone with the room's link. caller: whoever has shown who they
are. owner: who opened the room; for any other caller it is not there.
"""


class Route(NamedTuple):
    rule: Rule
    success: int = 200
    body: object = None


RULES = {
    "POST /api/rooms": Route("caller", 201, {"interviewer_name": "Ada"}),
    "GET /api/rooms/{name}": Route("link"),
    "POST /api/rooms/{name}/join": Route("link", 200, {"participant_name": "G", "participant_type": "candidate"}),
    "DELETE /api/rooms/{name}": Route("owner"),
    "POST /api/rooms/{name}/briefing": Route("owner", 200, BRIEFING),
    "GET /api/rooms/{name}/briefing": Route("owner"),
    "POST /api/rooms/{name}/chat": Route("owner", 200, {"message": "What should I ask?"}),
    "GET /api/rooms/{name}/chat": Route("owner"),
    "POST /api/rooms/{name}/debrief": Route("owner", 200, {"notes": "She knows compilers."}),
    "GET /api/rooms/{name}/debrief": Route("owner"),
    "POST /api/rooms/{name}/realtime/token": Route("owner", 201, {}),
    "POST /api/rooms/{name}/briefing/call": Route("owner", 202, {"phone_number": "+14155550100"}),
    "GET /api/rooms/{name}/briefing/call/{call_id}": Route("owner"),
    "POST /api/realtime/session": Route("caller", 200, {"candidate_name": "Grace"}),
    "GET /health": Route("everybody"),
    "GET /health/ready": Route("everybody"),
    "GET /docs": Route("everybody"),
    "GET /redoc": Route("everybody"),
    "GET /openapi.json": Route("everybody"),
}

ANSWER_TO_NOBODY = {"everybody": None, "link": None, "caller": 401, "owner": 401}
ANSWER_TO_PRETENDERS = {"everybody": None, "link": 401, "caller": 401, "owner": 401}
ANSWER_TO_STRANGERS = {"everybody": None, "link": None, "caller": None, "owner": 404}
"""None stands for the route's own success."""

SECURITY = {
    "everybody": set(),
    "link": {"{}", '{"bearer": []}'},
    "caller": {'{"bearer": []}'},
    "owner": {'{"bearer": []}'},
}

EVERY_ROUTE = pytest.mark.parametrize("route", RULES)
OWNED_ROUTES = pytest.mark.parametrize(
    "route", [name for name, route in RULES.items() if route.rule == "owner" and not name.startswith("DELETE")]
)
"""Deleting again is no error, so deleting an unknown room is none either."""


@pytest.fixture(scope="module")
def guarded():
    """The app in the sandbox, with keys and tokens."""
    with pytest.MonkeyPatch.context() as environment, issuing() as url:
        for name in Settings.model_fields:
            environment.delenv(name.upper(), raising=False)
        settings = Settings(
            _env_file=None,
            sandbox=True,
            api_keys=f"owner:{OWNER_KEY},stranger:{STRANGER_KEY}",
            auth_jwks_url=url,
            auth_jwt_secret=SECRET,
            auth_jwt_audience=AUDIENCE,
            rate_limit_default="100000/minute",
            rate_limit_llm="100000/minute",
        )
        with TestClient(create_app(settings)) as client:
            yield client


class StoredRoom(NamedTuple):
    """A room with everything in it that can be asked for."""

    name: str
    call_id: str

    def path(self, route: str) -> str:
        return route.partition(" ")[2].replace("{name}", self.name).replace("{call_id}", self.call_id)


def hold_interview(client, owner) -> StoredRoom:
    def do(method, path, **body):
        answer = client.request(method, path, json=body, headers=owner)
        assert answer.is_success, answer.text
        return answer.json()

    name = do("POST", "/api/rooms", interviewer_name="Ada")["room_name"]
    do("POST", f"/api/rooms/{name}/briefing", **BRIEFING)
    do("POST", f"/api/rooms/{name}/debrief", notes="She knows compilers.")
    call = do("POST", f"/api/rooms/{name}/briefing/call", phone_number="+14155550100")
    return StoredRoom(name, call["call_id"])


@pytest.fixture(scope="module")
def interview(guarded):
    """The owner's, which nobody who is refused changes."""
    return hold_interview(guarded, OWNER)


def ask(client, route, interview, headers):
    method = route.partition(" ")[0]
    body = RULES[route].body
    return client.request(method, interview.path(route), json=body, headers=headers)


def test_every_route_has_a_rule():
    app = create_app(Settings(_env_file=None))

    routes = [(method, route.path) for route in iter_route_contexts(app.routes) for method in route.methods]
    documented = [(method.upper(), path) for path, calls in app.openapi()["paths"].items() for method in calls]

    assert {f"{method} {path}" for method, path in routes + documented if method != "HEAD"} == set(RULES)


@EVERY_ROUTE
def test_nobody_gets_what_is_public_and_is_told_how_to_show_who_they_are(guarded, interview, route):
    answer = ask(guarded, route, interview, NOBODY)

    assert answer.status_code == (ANSWER_TO_NOBODY[RULES[route].rule] or RULES[route].success)
    if answer.status_code == 401:
        assert answer.json()["code"] == "unauthorized"
        assert answer.headers["www-authenticate"].startswith("Bearer")


@EVERY_ROUTE
@pytest.mark.parametrize("pretender", PRETENDERS)
def test_credentials_that_prove_nothing_open_nothing_not_even_what_is_public(guarded, interview, route, pretender):
    answer = ask(guarded, route, interview, {"Authorization": PRETENDERS[pretender]})

    assert answer.status_code == (ANSWER_TO_PRETENDERS[RULES[route].rule] or RULES[route].success)
    if answer.status_code == 401:
        assert answer.json()["code"] == "unauthorized"
        assert answer.headers["www-authenticate"].startswith("Bearer")


@EVERY_ROUTE
def test_a_stranger_finds_no_room_of_somebody_elses(guarded, interview, route):
    answer = ask(guarded, route, interview, STRANGER)

    assert answer.status_code == (ANSWER_TO_STRANGERS[RULES[route].rule] or RULES[route].success)


@EVERY_ROUTE
@pytest.mark.parametrize("owner", OWNERS)
def test_an_owner_may_do_everything(guarded, route, owner):
    own = hold_interview(guarded, OWNERS[owner])

    answer = ask(guarded, route, own, OWNERS[owner])

    assert answer.status_code == RULES[route].success, answer.text


def without_counts(answer):
    return {name: value for name, value in answer.headers.items() if not name.startswith("ratelimit")}


@OWNED_ROUTES
def test_a_stranger_learns_nothing_that_an_unknown_room_would_not_tell(guarded, interview, route):
    unknown = interview._replace(name="interview-" + "0" * 26)
    headers = STRANGER | {"X-Request-ID": "the-same"}

    theirs = ask(guarded, route, interview, headers)
    nobodys = ask(guarded, route, unknown, headers)

    assert theirs.status_code == 404
    assert theirs.content == nobodys.content
    assert without_counts(theirs) == without_counts(nobodys)


def test_what_a_stranger_may_not_delete_stays(guarded, interview):
    ask(guarded, "DELETE /api/rooms/{name}", interview, STRANGER)

    assert ask(guarded, "GET /api/rooms/{name}/briefing", interview, OWNER).status_code == 200


@pytest.mark.parametrize("pair", [("by key", "by RS256 token"), ("by RS256 token", "by HS256 token")])
def test_one_owner_is_a_stranger_to_another(guarded, pair):
    one, other = (OWNERS[name] for name in pair)

    answer = ask(guarded, "GET /api/rooms/{name}/briefing", hold_interview(guarded, one), other)

    assert answer.status_code == 404


@pytest.mark.parametrize(
    ("headers", "status"),
    [(NOBODY, 401), ({"Authorization": PRETENDERS["wrong key"]}, 401), (STRANGER, 403), (OWNER, 200)],
    ids=["nobody", "wrong key", "stranger", "owner"],
)
def test_only_the_owner_enters_as_the_interviewer(guarded, interview, headers, status):
    body = {"participant_name": "Eve", "participant_type": "interviewer"}

    answer = guarded.post(f"/api/rooms/{interview.name}/join", json=body, headers=headers)

    assert answer.status_code == status
    assert ("token" in answer.json()) == (status == 200)


@EVERY_ROUTE
def test_who_is_refused_is_refused_whatever_they_send(guarded, interview, route):
    method = route.partition(" ")[0]
    headers = {"Authorization": PRETENDERS["wrong key"], "Content-Type": "application/json"}

    answer = guarded.request(method, interview.path(route), content=b"{not json", headers=headers)

    assert answer.status_code == (ANSWER_TO_PRETENDERS[RULES[route].rule] or 200)


def test_a_refusal_helps_without_helping_an_attacker(guarded, interview):
    answers = {
        name: ask(guarded, "POST /api/rooms", interview, {"Authorization": credential}).json()["detail"]
        for name, credential in PRETENDERS.items()
    }

    assert "expired" in answers["expired token"]
    assert "another service" in answers["token for another audience"]
    assert answers["wrong key"] == answers["half a key"] == answers["token with alg none"]
    assert answers["wrong key"] == answers["HS256 signed with the public key"]


def test_the_page_can_read_a_refusal(guarded):
    answer = guarded.post("/api/rooms", json={}, headers={"Origin": "http://localhost:3000"})

    assert answer.status_code == 401
    assert answer.headers["access-control-allow-origin"] == "http://localhost:3000"


def test_a_room_that_a_restart_made_us_forget_is_nobodys(start, vendors, clock):
    client = start(api_keys=f"owner:{OWNER_KEY}")
    name = "interview-" + "a" * 26
    room = {"id": "x", "name": name, "url": f"https://team.daily.co/{name}", "created_at": "2026-01-01T00:00:00.000Z"}
    room["config"] = {"exp": int(clock().timestamp()) + 3600}
    vendors.get(f"https://api.daily.co/v1/rooms/{name}").respond(json=room)

    seen = client.get(f"/api/rooms/{name}")
    owned = client.get(f"/api/rooms/{name}/briefing", headers=OWNER)

    assert seen.status_code == 200
    assert owned.status_code == 404


def test_the_document_names_the_scheme_and_what_goes_without(guarded):
    document = guarded.get("/openapi.json").json()

    assert document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    for name, route in RULES.items():
        method, _, path = name.partition(" ")
        operation = document["paths"].get(path, {}).get(method.lower(), {})
        assert {json.dumps(way) for way in operation.get("security", [])} == SECURITY[route.rule], name


@EVERY_ROUTE
def test_without_access_settings_everything_is_open(sandbox, route):
    answer = ask(sandbox, route, hold_interview(sandbox, NOBODY), NOBODY)

    assert answer.status_code == RULES[route].success, answer.text


def test_where_everything_is_open_credentials_are_not_looked_at(sandbox):
    answer = sandbox.post(
        "/api/rooms", json={"interviewer_name": "Ada"}, headers={"Authorization": PRETENDERS["wrong key"]}
    )

    assert answer.status_code == 201


def test_an_open_api_warns_loudly_at_start(start, caplog):
    with caplog.at_level(logging.WARNING):
        start()

    assert "the API is open" in caplog.text
    assert "API_KEYS" in caplog.text


def test_a_closed_one_does_not(start, caplog):
    with caplog.at_level(logging.WARNING):
        start(api_keys=f"owner:{OWNER_KEY}")

    assert "the API is open" not in caplog.text
