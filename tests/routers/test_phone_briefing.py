"""Phone calls that brief the interviewer, over HTTP, with Vapi mocked at the wire."""

import json

import httpx
import pytest

from config import UnusableSetting
from tests.routers.voice_calls import CALL_ID, CALLS, NUMBER, QUEUED, call_up
from tests.support.interviews import open_briefed_room, open_room, sample, sent_to
from tests.support.problems import assert_problem

pytestmark = pytest.mark.usefixtures("daily")


def test_a_call_is_accepted_with_its_location(client, vapi):
    name = open_briefed_room(client)

    answer = call_up(client, name)

    assert answer.status_code == 202
    assert answer.json() == {"call_id": CALL_ID, "status": "queued", "warnings": []}
    assert answer.headers["location"] == f"/api/rooms/{name}/briefing/call/{CALL_ID}"


def test_the_interviewer_is_phoned_and_briefed_from_the_stored_briefing(client, vapi, vendors):
    call_up(client, open_briefed_room(client))

    [body] = sent_to(vendors, CALLS)
    briefing = body["assistantOverrides"]["variableValues"]["briefing"]
    assert body["customer"] == {"number": NUMBER, "name": "Ada"}
    assert all(text in briefing for text in ("Grace Hopper", "A-0 linker", "shipped a compiler", "Mentoring"))
    assert "Grace Hopper" not in json.dumps(body["assistant"])


def test_a_resume_is_spoken_without_links_and_markup(client, vapi, vendors):
    resume = "See [me](https://evil.example/x) {{ customer.number }} {% if x %} <break time='9s'/> www.evil.example"

    call_up(client, open_briefed_room(client, resume_summary=resume))

    [body] = sent_to(vendors, CALLS)
    briefing = body["assistantOverrides"]["variableValues"]["briefing"]
    assert "evil.example" not in briefing
    assert not set("{}<>") & set(briefing)


def test_a_configured_assistant_is_used(start, vapi, vendors):
    client = start(vapi_assistant_id="assistant-1")

    call_up(client, open_briefed_room(client))

    [body] = sent_to(vendors, CALLS)
    assert body["assistantId"] == "assistant-1"
    assert "A-0 linker" in body["assistantOverrides"]["variableValues"]["briefing"]


@pytest.mark.parametrize("number", ["4155550100", "+1 415 555 0100", "", "+1415555010", "+19005550123"])
def test_an_invalid_number_is_refused_before_dialling(client, vapi, number):
    answer = call_up(client, open_briefed_room(client), number)

    assert_problem(answer, 422, "invalid_input")
    assert answer.json()["errors"][0]["field"] == "phone_number"
    assert not vapi.called


@pytest.mark.parametrize("region", ["UK", "XX", "EU"])
def test_an_unknown_region_in_the_settings_ends_the_start(start, region):
    with pytest.raises(UnusableSetting, match=f"^VAPI_ALLOWED_COUNTRIES: no country .* has the code {region};"):
        start(vapi_allowed_countries=f"US,{region}")


def test_a_country_that_is_not_allowed_is_refused_with_the_name_of_the_setting(client, vapi):
    answer = call_up(client, open_briefed_room(client), "+442071838750")

    assert answer.status_code == 422
    assert "VAPI_ALLOWED_COUNTRIES" in answer.json()["detail"]
    assert not vapi.called


def test_the_setting_allows_other_countries(start, vapi):
    client = start(vapi_allowed_countries="GB")

    assert call_up(client, open_briefed_room(client), "+442071838750").status_code == 202


def test_a_room_without_briefing_places_no_call(client, vapi):
    answer = call_up(client, open_room(client))

    assert_problem(answer, 404, "briefing_not_found")
    assert not vapi.called


def test_an_ended_room_places_no_call(client, vapi, clock):
    name = open_briefed_room(client)
    clock.advance(hours=3)

    assert_problem(call_up(client, name), 410, "room_expired")
    assert not vapi.called


@pytest.mark.parametrize(
    ("setting", "variable"), [("vapi_api_key", "VAPI_API_KEY"), ("vapi_phone_number_id", "VAPI_PHONE_NUMBER_ID")]
)
def test_a_missing_setting_is_named(start, vapi, setting, variable):
    client = start(**{setting: None})

    answer = call_up(client, open_briefed_room(client))

    assert_problem(answer, 503, "provider_not_configured")
    assert variable in answer.json()["detail"]
    assert not vapi.called


def test_a_room_places_three_calls_an_hour(client, vapi):
    name = open_briefed_room(client)
    other = open_briefed_room(client)

    answers = [call_up(client, name) for _ in range(4)]

    assert [answer.status_code for answer in answers] == [202, 202, 202, 429]
    assert int(answers[-1].headers["retry-after"]) > 60
    assert vapi.call_count == 3
    assert call_up(client, other).status_code == 202


def test_a_call_counts_for_an_hour(client, vapi, clock):
    name = open_briefed_room(client)
    for _ in range(3):
        call_up(client, name)
        clock.advance(minutes=10)

    refused = call_up(client, name)
    clock.advance(seconds=int(refused.headers["retry-after"]))

    assert refused.headers["retry-after"] == str(30 * 60)
    assert [call_up(client, name).status_code for _ in range(2)] == [202, 429]


@pytest.mark.parametrize("calls", [1, 2])
def test_calls_count_across_a_restart(start, vapi, tmp_path, calls):
    url = f"sqlite:///{tmp_path}/rooms.db"
    first = start(database_url=url)
    name = open_briefed_room(first)
    for _ in range(calls):
        call_up(first, name)

    answers = [call_up(start(database_url=url), name) for _ in range(3)]

    assert [answer.status_code for answer in answers].count(202) == 3 - calls
    assert vapi.call_count == 3


@pytest.mark.parametrize(
    "answer",
    [
        httpx.ConnectError("down"),
        httpx.Response(400, json=sample("vapi/error_400_not_e164.json")),
        httpx.Response(400, json=sample("vapi/error_400_no_number_to_call_from.json")),
        httpx.Response(401, json=sample("vapi/error_401_invalid_key.json")),
        httpx.Response(429, json=sample("vapi/error_429_rate_limit.json")),
    ],
    ids=["unreached", "number", "refused", "key", "limit"],
)
def test_a_call_that_was_certainly_not_placed_does_not_count(client, vendors, answer):
    dialled = vendors.post(CALLS).mock(side_effect=[answer] * 4 + [httpx.Response(201, json=QUEUED)] * 3)
    name = open_briefed_room(client)

    statuses = [call_up(client, name).status_code for _ in range(8)]

    assert statuses[4:] == [202, 202, 202, 429]
    assert dialled.call_count == 7


def test_a_call_that_may_have_been_placed_counts(client, vendors):
    vendors.post(CALLS).respond(500)
    name = open_briefed_room(client)

    assert [call_up(client, name).status_code for _ in range(4)] == [502, 502, 502, 429]


def test_a_refused_number_does_not_count(client, vapi):
    name = open_briefed_room(client)

    for _ in range(5):
        call_up(client, name, "+442071838750")

    assert call_up(client, name).status_code == 202


def test_the_same_key_dials_once(client, vapi):
    name = open_briefed_room(client)

    first, second = (call_up(client, name, **{"Idempotency-Key": "once"}) for _ in range(2))

    assert second.json() == first.json()
    assert second.headers["idempotency-replayed"] == "true"
    assert second.headers["location"] == first.headers["location"]
    assert vapi.call_count == 1


def test_the_same_key_for_another_number_is_refused(client, vapi):
    name = open_briefed_room(client)
    call_up(client, name, **{"Idempotency-Key": "once"})

    answer = call_up(client, name, "+14165550123", **{"Idempotency-Key": "once"})

    assert_problem(answer, 422, "idempotency_key_reused")
    assert vapi.call_count == 1


UNCERTAIN = pytest.mark.parametrize(
    ("answer", "status"),
    [
        (httpx.Response(500, json=sample("vapi/error_500_server.json")), 502),
        (httpx.Response(503), 502),
        (httpx.Response(504), 504),
        (httpx.Response(201, text="not JSON"), 502),
    ],
    ids=["500", "503", "504", "no JSON"],
)


@UNCERTAIN
def test_an_uncertain_failure_says_that_the_phone_may_ring(client, vendors, answer, status):
    route = vendors.post(CALLS).mock(return_value=answer)

    failed = call_up(client, open_briefed_room(client))

    assert failed.status_code == status
    assert "the phone may still ring, so check before you try again." in failed.json()["detail"]
    assert route.call_count == 1


@UNCERTAIN
def test_a_key_with_an_uncertain_call_never_dials_again(client, vendors, clock, answer, status):
    route = vendors.post(CALLS).mock(side_effect=[answer, httpx.Response(201, json=QUEUED)])
    name = open_briefed_room(client, expires_in_minutes=720)
    assert call_up(client, name, **{"Idempotency-Key": "once"}).status_code == status
    clock.advance(minutes=30)

    again = call_up(client, name, **{"Idempotency-Key": "once"})

    assert_problem(again, 409, "call_uncertain")
    assert route.call_count == 1
    assert call_up(client, name, **{"Idempotency-Key": "twice"}).status_code == 202


@UNCERTAIN
def test_record_of_an_uncertain_call_is_deleted_with_its_room(client, vendors, answer, status):
    vendors.post(CALLS).mock(return_value=answer)
    name = open_briefed_room(client)
    assert call_up(client, name, **{"Idempotency-Key": "once"}).status_code == status

    receipt = client.delete(f"/api/rooms/{name}").json()

    assert receipt["deleted"]["idempotency_keys"] == 1


@UNCERTAIN
def test_a_key_with_an_uncertain_call_is_refused_for_another_number(client, vendors, answer, status):
    route = vendors.post(CALLS).mock(return_value=answer)
    name = open_briefed_room(client)
    call_up(client, name, **{"Idempotency-Key": "once"})

    again = call_up(client, name, "+14165550123", **{"Idempotency-Key": "once"})

    assert_problem(again, 422, "idempotency_key_reused")
    assert route.call_count == 1


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (httpx.Response(400, json=sample("vapi/error_400_not_e164.json")), 422),
        (httpx.Response(400, json=sample("vapi/error_400_no_number_to_call_from.json")), 502),
        (httpx.Response(401, json=sample("vapi/error_401_invalid_key.json")), 503),
        (httpx.Response(429, json=sample("vapi/error_429_rate_limit.json")), 503),
    ],
    ids=["number", "refused", "key", "limit"],
)
def test_a_key_whose_call_was_not_placed_may_dial_again(client, vendors, answer, status):
    vendors.post(CALLS).mock(side_effect=[answer, httpx.Response(201, json=QUEUED)])
    name = open_briefed_room(client)

    first, second = (call_up(client, name, **{"Idempotency-Key": "once"}) for _ in range(2))

    assert (first.status_code, second.status_code) == (status, 202)
    assert "may ring" not in first.json()["detail"]


def test_the_state_of_an_ended_call_is_reported(client, vapi, vendors):
    name = open_briefed_room(client)
    call_up(client, name)
    vendors.get(f"{CALLS}/{CALL_ID}").respond(json=sample("vapi/call_ended.json"))

    answer = client.get(f"/api/rooms/{name}/briefing/call/{CALL_ID}")

    assert answer.status_code == 200
    assert answer.json() == {
        "call_id": CALL_ID,
        "status": "ended",
        "started_at": "2026-11-23T10:00:09Z",
        "ended_at": "2026-11-23T10:04:51Z",
        "duration_seconds": 282,
        "ended_reason": "customer-ended-call",
        "outcome": "The person who was called hung up.",
    }


def test_a_call_that_vapi_no_longer_knows_is_not_found(client, vapi, vendors):
    name = open_briefed_room(client)
    call_up(client, name)
    vendors.get(f"{CALLS}/{CALL_ID}").respond(404, json=sample("vapi/error_404_unknown_call.json"))

    answer = client.get(f"/api/rooms/{name}/briefing/call/{CALL_ID}")

    assert_problem(answer, 404, "call_not_found")
    assert "does not know it" in answer.json()["detail"]


def test_a_call_of_another_room_is_not_found(client, vapi, vendors):
    call_up(client, open_briefed_room(client))
    looked_up = vendors.get(f"{CALLS}/{CALL_ID}").respond(json=sample("vapi/call_ended.json"))

    answer = client.get(f"/api/rooms/{open_room(client)}/briefing/call/{CALL_ID}")

    assert_problem(answer, 404, "call_not_found")
    assert not looked_up.called


@pytest.mark.parametrize("call_id", ["a.b", "a%2e%2e", "x" * 65])
def test_an_invalid_call_id_is_refused(client, vendors, call_id):
    assert_problem(client.get(f"/api/rooms/{open_room(client)}/briefing/call/{call_id}"), 422, "invalid_input")


def test_erasing_a_room_erases_its_calls(client, vapi):
    name = open_briefed_room(client)
    call_up(client, name)

    receipt = client.delete(f"/api/rooms/{name}").json()

    assert receipt["deleted"]["phone_calls"] == 1
    assert ["Vapi keeps its own record" in line for line in receipt["remaining"]] == [True]
