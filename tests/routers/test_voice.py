"""All voice calls: authentication, ownership and the log."""

import logging

import pytest

from tests.routers.voice_calls import CALL_ID, CANDIDATE, NUMBER, call_up, mint
from tests.support.interviews import open_briefed_room
from tests.support.problems import assert_problem

pytestmark = pytest.mark.usefixtures("daily")


@pytest.mark.parametrize("path", ["/api/realtime/session", "/api/rooms/r/realtime/token", "/api/rooms/r/briefing/call"])
def test_voice_calls_without_credentials_reach_no_vendor(start, vendors, path):
    client = start(api_keys="ada:key-of-ada-0123456789")

    answer = client.post(path, json=CANDIDATE | {"phone_number": NUMBER})

    assert_problem(answer, 401, "unauthorized")
    assert not vendors.calls


def test_room_of_another_caller_is_not_found(start, vendors, openai, vapi):
    client = start(api_keys="ada:key-of-ada-0123456789,bob:key-of-bob-0123456789")
    client.headers["Authorization"] = "Bearer key-of-ada-0123456789"
    name = open_briefed_room(client)
    client.headers["Authorization"] = "Bearer key-of-bob-0123456789"

    answers = [mint(client, name), call_up(client, name), client.get(f"/api/rooms/{name}/briefing/call/{CALL_ID}")]

    assert [answer.json()["code"] for answer in answers] == ["room_not_found"] * 3
    assert not openai.called
    assert not vapi.called


def test_log_names_calls_only_by_their_ids(client, vapi, openai, caplog):
    caplog.set_level(logging.DEBUG)
    name = open_briefed_room(client)

    call_up(client, name)
    token = mint(client, name).json()

    assert CALL_ID in caplog.text
    for secret in (NUMBER, "A-0 linker", token["client_secret"], "Grace Hopper"):
        assert secret not in caplog.text
