"""Rate limits: headers, what counts, and one limit shared by several processes."""

import asyncio
import re
from collections import Counter

import httpx
import pytest
from fastapi import APIRouter
from fastapi.testclient import TestClient

from main import create_app
from routers.access import AccessCheckedRoute, CallerRequest
from services.fair_threads import caller_of_work
from tests.routers.callers import INVALID_CREDENTIALS, NO_CREDENTIALS, OTHER_CALLER, OWNER, TWO_KEYS
from tests.support.api_server import api_server
from tests.support.interviews import DAILY, mock_daily, open_briefed_room
from tests.support.problems import PAGE
from tests.support.servers import Server
from tests.support.waiting import wait_until

ROOM = {"interviewer_name": "Ada"}

COSTLY = {
    "chat": ("/api/rooms/{name}/chat", {"message": "What should I ask?"}),
    "debrief": ("/api/rooms/{name}/debrief", {"notes": "She knows compilers."}),
    "plan": ("/api/rooms/{name}/plan", {"minutes": 30}),
    "realtime token": ("/api/rooms/{name}/realtime/token", {}),
    "realtime session": ("/api/realtime/session", {"candidate_name": "Grace"}),
    "phone call": ("/api/rooms/{name}/briefing/call", {"phone_number": "+14155550100"}),
}
EVERY_COSTLY_CALL = pytest.mark.parametrize("call", COSTLY)
TEXT = ["chat", "debrief", "plan"]
STREAMED = pytest.mark.parametrize("call", TEXT)


def ask(client, call, name, **headers):
    path, body = COSTLY[call]
    return client.post(path.format(name=name), json=body, headers=headers)


def remaining(answer):
    """The remaining calls of each window, by its name."""
    return {name: int(left) for name, left in re.findall(r'"([\w-]+)";r=(\d+);t=\d+', answer.headers["ratelimit"])}


def assert_refused(answer):
    assert answer.status_code == 429, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "rate_limited"
    assert 0 < int(answer.headers["retry-after"]) <= 60
    assert "ratelimit" in answer.headers
    assert "ratelimit-policy" in answer.headers


def test_every_response_has_rate_limit_headers(start):
    client = start(sandbox=True, rate_limit_default="10/minute")

    answers = [client.post("/api/rooms", json=ROOM) for _ in range(2)]

    assert [remaining(answer) for answer in answers] == [{"default": 9}, {"default": 8}]
    assert answers[0].headers["ratelimit-policy"] == '"default";q=10;w=60'


REFUSED = {
    "no credentials": ("POST", "/api/rooms", b"{}", NO_CREDENTIALS, 401),
    "wrong key": ("POST", "/api/rooms", b"{}", {"Authorization": INVALID_CREDENTIALS["wrong key"]}, 401),
    "unknown room": ("GET", "/api/rooms/unknown-room", b"", OWNER, 404),
    "bad name": ("GET", "/api/rooms/bad.name", b"", OWNER, 422),
    "bad field": ("POST", "/api/rooms", b"{}", OWNER, 422),
    "bad JSON": ("POST", "/api/rooms", b"{not json", OWNER, 422),
    "bad type": ("POST", "/api/rooms", b"a=b", OWNER | {"Content-Type": "text/plain"}, 415),
}


@pytest.mark.parametrize("case", REFUSED)
def test_requests_that_end_in_an_error_count(start, case):
    client = start(sandbox=True, rate_limit_default="10/minute", api_keys=TWO_KEYS)
    method, path, content, headers, status = REFUSED[case]

    answer = client.request(method, path, content=content, headers={"Content-Type": "application/json"} | headers)

    assert answer.status_code == status
    assert remaining(answer) == {"default": 9}


def test_vendor_failures_and_crashes_count(start, vendors):
    client = start(rate_limit_default="10/minute")
    vendors.post(f"{DAILY}/rooms").mock(side_effect=[httpx.Response(401, json={}), ZeroDivisionError])

    answers = [client.post("/api/rooms", json=ROOM) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [503, 500]
    assert [remaining(answer) for answer in answers] == [{"default": 9}, {"default": 8}]


@STREAMED
def test_streams_have_rate_limit_headers(start, call):
    client = start(sandbox=True, rate_limit_llm="5/minute", rate_limit_default="10/minute")
    name = open_briefed_room(client)

    answer = ask(client, call, name, accept="text/event-stream")

    assert answer.headers["content-type"].startswith("text/event-stream")
    assert remaining(answer) == {"llm": 4, "default": 7}


@STREAMED
def test_a_stream_over_the_limit_is_a_plain_problem(start, call):
    client = start(sandbox=True, rate_limit_llm="1/minute")
    name = open_briefed_room(client)
    ask(client, call, name)

    assert_refused(ask(client, call, name, accept="text/event-stream"))


def test_a_429_has_cors_headers(start):
    client = start(sandbox=True, rate_limit_default="1/minute")
    client.post("/api/rooms", json=ROOM)

    answer = client.post("/api/rooms", json=ROOM, headers={"Origin": PAGE})

    assert_refused(answer)
    assert answer.headers["access-control-allow-origin"] == PAGE
    exposed = {name.strip().lower() for name in answer.headers["access-control-expose-headers"].split(",")}
    assert exposed >= {"retry-after", "ratelimit", "ratelimit-policy"}


def test_several_windows_are_listed_and_the_tightest_applies(start):
    client = start(sandbox=True, rate_limit_default="2/minute;50/day")

    answers = [client.post("/api/rooms", json=ROOM) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [201, 201, 429]
    assert answers[0].headers["ratelimit-policy"] == '"default-minute";q=2;w=60, "default-day";q=50;w=86400'
    assert remaining(answers[1]) == {"default-minute": 0, "default-day": 48}


@EVERY_COSTLY_CALL
def test_calls_that_cost_money_have_their_own_limit(start, call):
    client = start(sandbox=True, rate_limit_llm="1/minute")
    name = open_briefed_room(client)
    allowed = ask(client, call, name)

    refused = ask(client, call, name)

    assert allowed.is_success, allowed.text
    assert_refused(refused)
    assert client.get(f"/api/rooms/{name}/briefing").status_code == 200


@EVERY_COSTLY_CALL
def test_calls_that_cost_money_share_one_limit_for_text_and_one_for_voice(start, call):
    client = start(sandbox=True, rate_limit_llm="1/minute")
    name = open_briefed_room(client)
    ask(client, "chat" if call in TEXT else "realtime session", name)

    assert_refused(ask(client, call, name))


def test_voice_calls_that_are_repeated_without_end_leave_chat_debriefs_and_plans_their_share(start):
    client = start(sandbox=True, rate_limit_llm="5/minute", rate_limit_default="20/minute")
    name = open_briefed_room(client)
    for _ in range(30):
        ask(client, "realtime token", name)
        ask(client, "phone call", name)

    assert [ask(client, call, name).status_code for call in TEXT] == [200, 200, 200]


@EVERY_COSTLY_CALL
def test_a_call_over_the_limit_reaches_no_vendor(start, vendors, call):
    mock_daily(vendors)
    client = start(rate_limit_llm="1/minute")
    name = open_briefed_room(client)
    client.post("/api/rooms/invalid.name/chat", json={"message": "This one is counted."})
    client.post("/api/rooms/invalid.name/realtime/token")
    calls_before = len(vendors.calls)

    answer = ask(client, call, name)

    assert_refused(answer)
    assert len(vendors.calls) == calls_before


def test_room_above_the_limit_is_not_created(start, vendors):
    mock_daily(vendors)
    client = start(rate_limit_default="1/minute")
    client.post("/api/rooms", json=ROOM)
    calls_before = len(vendors.calls)

    assert_refused(client.post("/api/rooms", json=ROOM))
    assert len(vendors.calls) == calls_before > 0


def test_callers_at_one_address_have_separate_limits(start):
    client = start(sandbox=True, rate_limit_default="1/minute", api_keys=TWO_KEYS)
    client.post("/api/rooms", json=ROOM, headers=OWNER)

    assert_refused(client.post("/api/rooms", json=ROOM, headers=OWNER))
    assert client.post("/api/rooms", json=ROOM, headers=OTHER_CALLER).status_code == 201


def test_guessing_keys_is_limited_by_address_and_does_not_lock_out_the_owner(start):
    client = start(sandbox=True, rate_limit_default="3/minute", api_keys=TWO_KEYS)

    guesses = [
        client.post("/api/rooms", json=ROOM, headers={"Authorization": f"Bearer a-guess-of-a-key-{number:04}"})
        for number in range(5)
    ]

    assert [answer.status_code for answer in guesses] == [401, 401, 401, 429, 429]
    assert client.post("/api/rooms", json=ROOM, headers=OWNER).status_code == 201


def test_health_and_documentation_are_not_limited(start):
    client = start(rate_limit_default="1/minute")

    answers = [client.get(path) for path in ("/health", "/health/ready", "/docs", "/openapi.json") for _ in range(3)]

    assert {answer.status_code for answer in answers} == {200}
    assert not any("ratelimit" in answer.headers for answer in answers)


def look(url, **headers):
    """Ask for an unknown room: 404, or 429 over the limit."""
    return httpx.get(f"{url}/api/rooms/unknown-room", headers=headers, trust_env=False)


def test_a_made_up_forwarded_address_is_ignored_without_a_trusted_proxy(tmp_path):
    flags = ("--forwarded-allow-ips", "192.0.2.1")  # this machine is no proxy
    with api_server(tmp_path, *flags, SANDBOX="true", RATE_LIMIT_DEFAULT="2/hour") as url:
        answers = [look(url, **{"X-Forwarded-For": f"203.0.113.{number}"}) for number in range(4)]

    assert [answer.status_code for answer in answers] == [404, 404, 429, 429]


def test_a_trusted_proxy_separates_clients_by_the_address_it_added(tmp_path):
    with api_server(tmp_path, SANDBOX="true", RATE_LIMIT_DEFAULT="1/hour") as url:
        first = look(url, **{"X-Forwarded-For": "203.0.113.1"})
        second = look(url, **{"X-Forwarded-For": "203.0.113.2"})
        spoofed = look(url, **{"X-Forwarded-For": "198.51.100.9, 203.0.113.1"})

    assert [first.status_code, second.status_code, spoofed.status_code] == [404, 404, 429]


def test_an_ipv6_network_is_one_caller(tmp_path):
    with api_server(tmp_path, SANDBOX="true", RATE_LIMIT_DEFAULT="1/hour") as url:
        first = look(url, **{"X-Forwarded-For": "2001:db8:1:2::1"})
        neighbour = look(url, **{"X-Forwarded-For": "2001:db8:1:2:ffff::9"})
        other = look(url, **{"X-Forwarded-For": "2001:db8:1:3::1"})

    assert [first.status_code, neighbour.status_code, other.status_code] == [404, 429, 404]


@pytest.mark.parametrize("mapped", ["::ffff:203.0.113.1", "::FFFF:203.0.113.1", "::ffff:cb00:7101"])
def test_an_ipv4_address_in_ipv6_form_is_the_same_caller(tmp_path, mapped):
    with api_server(tmp_path, SANDBOX="true", RATE_LIMIT_DEFAULT="1/hour") as url:
        first = look(url, **{"X-Forwarded-For": "203.0.113.1"})
        same = look(url, **{"X-Forwarded-For": mapped})
        other = look(url, **{"X-Forwarded-For": "::ffff:203.0.113.2"})

    assert [first.status_code, same.status_code, other.status_code] == [404, 429, 404]


async def look_often(urls: list[str], times: int) -> Counter[int]:
    limits = httpx.Limits(max_connections=20)
    async with httpx.AsyncClient(trust_env=False, limits=limits, timeout=60) as client:
        calls = [client.get(f"{urls[number % len(urls)]}/api/rooms/unknown-room") for number in range(times)]
        return Counter(answer.status_code for answer in await asyncio.gather(*calls))


def directories(tmp_path, *names):
    for name in names:
        (tmp_path / name).mkdir()
        yield tmp_path / name


@pytest.mark.anyio
async def test_two_processes_share_one_limit_exactly(tmp_path, redis: Server):
    first, second = directories(tmp_path, "first", "second")
    settings = {"SANDBOX": "true", "RATE_LIMIT_DEFAULT": "50/hour", "RATE_LIMIT_STORAGE_URL": redis.url}
    with api_server(first, **settings) as one, api_server(second, **settings) as other:
        answers = await look_often([one, other], 120)

    assert answers == {404: 50, 429: 70}


def rate_limit_storage(url):
    return httpx.get(f"{url}/health/ready", trust_env=False).json()["dependencies"]["rate_limit_storage"]


def test_without_redis_the_service_continues_and_logs_it_once(tmp_path, redis: Server):
    settings = {"SANDBOX": "true", "RATE_LIMIT_DEFAULT": "2/hour", "RATE_LIMIT_STORAGE_URL": redis.url}
    with api_server(tmp_path, **settings) as url:
        before = rate_limit_storage(url)
        redis.kill()

        answers = [look(url).status_code for _ in range(3)]
        wait_until(lambda: rate_limit_storage(url) == "unavailable", "readiness reports the loss")
        after = httpx.get(f"{url}/health/ready", trust_env=False)

    assert before == "ok"
    assert answers == [404, 404, 429]
    assert after.status_code == 200
    assert (tmp_path / "log").read_text().count("rate limits are counted per process") == 1


def test_work_in_threads_counts_for_its_caller(settings):
    router = APIRouter(route_class=AccessCheckedRoute)

    @router.get("/worker")
    async def name_caller(_: CallerRequest) -> str:
        return await asyncio.to_thread(caller_of_work.get)

    app = create_app(settings(api_keys=TWO_KEYS))
    app.include_router(router)
    with TestClient(app) as client:
        callers = [client.get("/worker", headers=headers).json() for headers in (OWNER, OTHER_CALLER, OWNER)]

    assert callers == ["key:owner", "key:other", "key:owner"]


def test_a_handler_that_does_not_name_its_callers_is_refused():
    router = APIRouter(route_class=AccessCheckedRoute)

    async def forgotten() -> str:
        return "for anyone"

    with pytest.raises(TypeError, match="forgotten needs one parameter of type CallerRequest"):
        router.get("/forgotten")(forgotten)
