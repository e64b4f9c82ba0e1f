"""The state of a call at Vapi."""

import json
from datetime import UTC, datetime

import httpx
import pytest

from services.errors import (
    ProviderBadAnswer,
    ProviderNotConfigured,
)
from services.vapi import Vapi
from tests.services.vapi.calls import CALL_ID, DATA, ENDED, QUEUED, refusal, settings_with

pytestmark = pytest.mark.anyio


async def test_state_of_an_ended_call(vendor, vapi):
    vendor.get(f"/call/{CALL_ID}").respond(200, json=ENDED)

    state = await vapi.get_call(CALL_ID)

    assert state.started_at == datetime(2026, 11, 23, 10, 0, 9, tzinfo=UTC)
    assert (state.call_id, state.status, state.ended_reason) == (CALL_ID, "ended", "customer-ended-call")
    assert state.duration_seconds == 282
    assert state.outcome == "The person who was called hung up."


@pytest.mark.parametrize(
    ("sample", "outcome"),
    [
        ("call_ended_unanswered.json", "The call was not answered."),
        ("call_ended_without_credit.json", "Vapi's credit is used up; top it up there."),
    ],
)
async def test_unsuccessful_call_says_why(vendor, vapi, sample, outcome):
    vendor.get(f"/call/{CALL_ID}").respond(200, content=(DATA / sample).read_bytes())

    state = await vapi.get_call(CALL_ID)

    assert (state.outcome, state.duration_seconds) == (outcome, None)


@pytest.mark.parametrize("odd", ["", "yesterday, more or less", ["x"], "2026-11-25T10:00:00"], ids=str)
async def test_invalid_fields_of_a_state_are_none_and_the_rest_is_kept(vendor, vapi, odd):
    side = dict.fromkeys(("startedAt", "endedAt", "endedReason", "webCallUrl"), odd)
    vendor.get(f"/call/{CALL_ID}").respond(200, json=QUEUED | side)

    state = await vapi.get_call(CALL_ID)

    assert (state.status, state.started_at, state.ended_at) == ("queued", None, None)


async def test_state_of_another_call_is_a_bad_answer(vendor, vapi):
    vendor.get("/call/another-call").respond(200, json=QUEUED)

    with pytest.raises(ProviderBadAnswer, match="another call"):
        await vapi.get_call("another-call")


@pytest.mark.parametrize("status", [400, 409, 422])
async def test_refused_look_up_names_no_setting_for_placing_calls(vendor, vapi, status):
    vendor.get(f"/call/{CALL_ID}").mock(return_value=refusal(status))

    with pytest.raises(ProviderBadAnswer, match="refused to give the state"):
        await vapi.get_call(CALL_ID)


async def test_ringing_call_has_no_duration(vendor, vapi):
    vendor.get(f"/call/{CALL_ID}").respond(200, content=(DATA / "call_ringing.json").read_bytes())

    state = await vapi.get_call(CALL_ID)

    assert (state.status, state.duration_seconds, state.outcome) == ("ringing", None, None)


async def test_unknown_status_is_passed_on(vendor, vapi):
    vendor.get(f"/call/{CALL_ID}").respond(200, content=(DATA / "call_of_an_unknown_status.json").read_bytes())

    state = await vapi.get_call(CALL_ID)

    assert (state.status, state.outcome) == ("parked-on-hold", None)


async def test_unknown_reason_is_passed_on_without_an_outcome(vendor, vapi):
    vendor.get(f"/call/{CALL_ID}").respond(
        200, json=ENDED | {"status": "over", "endedReason": "pipeline-error-new.2027"}
    )

    state = await vapi.get_call(CALL_ID)

    assert (state.status, state.ended_reason, state.outcome) == ("over", "pipeline-error-new.2027", None)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"null",
        json.dumps(ENDED | {"id": 7}).encode(),
        json.dumps({"status": "ended"}).encode(),
    ],
)
async def test_malformed_state_is_a_bad_answer(vendor, vapi, content):
    vendor.get(f"/call/{CALL_ID}").respond(200, content=content)

    with pytest.raises(ProviderBadAnswer):
        await vapi.get_call(CALL_ID)


async def test_look_up_is_retried(vendor, vapi):
    vendor.get(f"/call/{CALL_ID}").mock(side_effect=[refusal(503), refusal(503), httpx.Response(200, json=ENDED)])

    state = await vapi.get_call(CALL_ID)

    assert state.status == "ended"


async def test_nothing_is_looked_up_without_a_key(vendor, upstream):
    route = vendor.get(f"/call/{CALL_ID}")

    with pytest.raises(ProviderNotConfigured, match="VAPI_API_KEY"):
        await Vapi(upstream, settings_with(vapi_api_key=None)).get_call(CALL_ID)

    assert not route.called
