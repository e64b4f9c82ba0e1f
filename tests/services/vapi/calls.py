"""A client of Vapi's API, its recorded responses, and calls placed with it."""

import json

import httpx
import respx

from config import Settings
from services.vapi import PhoneCall, Vapi
from tests.support.interviews import SAMPLES

BASE = "https://api.vapi.ai"
KEY = "vapi-private-key"
DATA = SAMPLES / "vapi"
QUEUED = json.loads((DATA / "call_queued.json").read_text())
ENDED = json.loads((DATA / "call_ended.json").read_text())
CALL_ID = QUEUED["id"]
VENDOR_TEXT = "vendor text that quotes +14155550100"
NONCE = "5eed5eed5eed5eed5eed5eed5eed5eed"


def settings_with(**changes: object) -> Settings:
    given = {"vapi_api_key": KEY, "vapi_phone_number_id": "number-1", "vapi_base_url": BASE}
    return Settings(_env_file=None, **given | changes)


def refusal(status: int, message: object = VENDOR_TEXT, **headers: str) -> httpx.Response:
    body = {"message": message, "error": "Some Error", "statusCode": status}
    return httpx.Response(status, json=body, headers={"retry-after": "0"} | headers)


async def call_up(vapi: Vapi, **changes: object) -> PhoneCall:
    asked = {
        "phone_number": "+14155550100",
        "interviewer_name": "Ada",
        "room_name": "room-1",
        "variables": {"briefing": "Name: Grace"},
        "nonce": NONCE,
    }
    return await vapi.place_briefing_call(**asked | changes)


def sent_body(route: respx.Route) -> dict:
    return json.loads(route.calls.last.request.content)
