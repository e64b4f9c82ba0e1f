"""Placing a call at Vapi: the request at the wire, and the call that its response gives."""

import json

import pytest

from services.errors import (
    ProviderNotConfigured,
)
from services.prompts.phone import PHONE_SYSTEM_PROMPT
from services.vapi import PhoneCall, Vapi
from tests.services.vapi.calls import CALL_ID, ENDED, QUEUED, VENDOR_TEXT, call_up, sent_body, settings_with

pytestmark = pytest.mark.anyio


async def test_call_is_placed_with_its_own_assistant(vendor, vapi):
    route = vendor.post("/call").respond(201, json=QUEUED)

    await call_up(vapi)

    body = sent_body(route)
    assert {key: body[key] for key in ("phoneNumberId", "customer", "name", "assistantOverrides")} == {
        "phoneNumberId": "number-1",
        "customer": {"number": "+14155550100", "name": "Ada"},
        "name": "Briefing room-1",
        "assistantOverrides": {"variableValues": {"briefing": "Name: Grace"}, "maxDurationSeconds": 900},
    }
    assert body["assistant"]["voicemailDetection"] == {"provider": "vapi"}
    assert body["assistant"]["endCallPhrases"] == ["goodbye for now"]
    assert body["assistant"]["artifactPlan"]["recordingEnabled"] is False
    assert "assistantId" not in body


async def test_assistant_contains_nothing_of_the_briefing(vendor, vapi):
    route = vendor.post("/call").respond(201, json=QUEUED)

    await call_up(vapi, variables={"briefing": "Name: Grace Hopper"})

    assistant = sent_body(route)["assistant"]
    assert assistant["model"]["messages"][0] == {"role": "system", "content": PHONE_SYSTEM_PROMPT}
    assert "Grace" not in json.dumps(assistant)


async def test_saved_assistant_gets_the_variables_and_the_time_limit(vendor, upstream):
    route = vendor.post("/call").respond(201, json=QUEUED)
    vapi = Vapi(upstream, settings_with(vapi_assistant_id="assistant-1"))

    await call_up(vapi, variables={"briefing": "Name: Grace", "role": "Engineer"})

    body = sent_body(route)
    assert body["assistantId"] == "assistant-1"
    assert body["assistantOverrides"] == {
        "variableValues": {"briefing": "Name: Grace", "role": "Engineer"},
        "maxDurationSeconds": 900,
    }
    assert "assistant" not in body


@pytest.mark.parametrize(
    "text", ["{{ customer.number }}", "{% raw %}{{", "{{{{x}}}}", "%{%}", "{{%{", "{" * 5 + "}" * 5]
)
async def test_values_contain_nothing_that_liquid_would_evaluate(vendor, vapi, text):
    route = vendor.post("/call").respond(201, json=QUEUED)

    await call_up(vapi, variables={"briefing": text}, interviewer_name=text)

    body = sent_body(route)
    said = body["assistantOverrides"]["variableValues"]["briefing"] + body["customer"]["name"]
    assert not set("{}") & set(said)


@pytest.mark.parametrize("assistant_id", [None, "assistant-1"])
async def test_requests_match_the_published_schema(vendor, upstream, published, assistant_id):
    placing = vendor.post("/call").respond(201, json=QUEUED)
    looking_up = vendor.get(f"/call/{CALL_ID}").respond(200, json=ENDED)
    vapi = Vapi(upstream, settings_with(vapi_assistant_id=assistant_id))

    await call_up(vapi)
    await vapi.get_call(CALL_ID)

    published.check(placing.calls.last.request)
    published.check(looking_up.calls.last.request)


async def test_long_names_are_cut_to_forty_characters(vendor, vapi):
    route = vendor.post("/call").respond(201, json=QUEUED)

    await call_up(vapi, interviewer_name="A" * 80, room_name="r" * 128)

    body = sent_body(route)
    assert (len(body["customer"]["name"]), len(body["name"])) == (40, 40)


async def test_response_gives_the_call(vendor, vapi):
    vendor.post("/call").respond(201, json=QUEUED)

    assert await call_up(vapi) == PhoneCall(CALL_ID, "queued")


async def test_missing_status_is_none(vendor, vapi):
    vendor.post("/call").respond(201, json={key: QUEUED[key] for key in ("id", "orgId", "createdAt", "updatedAt")})

    assert await call_up(vapi) == PhoneCall(CALL_ID, None)


@pytest.mark.parametrize(
    "odd",
    [
        {"status": VENDOR_TEXT},
        {"status": ["queued"]},
        {"startedAt": "yesterday"},
        {"endedReason": ""},
        {"webCallUrl": "wss://x"},
    ],
    ids=str,
)
async def test_invalid_optional_field_does_not_lose_the_call(vendor, vapi, odd):
    vendor.post("/call").respond(201, json=QUEUED | odd)

    assert await call_up(vapi) == PhoneCall(CALL_ID, None if "status" in odd else "queued")


@pytest.mark.parametrize(
    ("missing", "named"), [("vapi_api_key", "VAPI_API_KEY"), ("vapi_phone_number_id", "VAPI_PHONE_NUMBER_ID")]
)
async def test_missing_setting_is_named_and_no_call_is_placed(vendor, upstream, missing, named):
    route = vendor.post("/call")

    with pytest.raises(ProviderNotConfigured, match=named):
        await call_up(Vapi(upstream, settings_with(**{missing: None})))

    assert not route.called
