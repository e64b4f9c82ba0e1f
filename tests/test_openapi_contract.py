"""Calls generated from the OpenAPI document get the responses that it documents."""

import json
from collections import Counter
from pathlib import Path

import schemathesis
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from config import Settings
from main import create_app

ROOT = Path(__file__).parent.parent
KEY = "a-key-of-some-length-0123456789"


def app_in_sandbox():
    return create_app(
        Settings(
            _env_file=None,
            sandbox=True,
            database_url=None,
            api_keys=f"tester:{KEY}",
            rate_limit_default="1000000/minute",
            rate_limit_llm="1000000/minute",
            storage_budget="0",
        )
    )


# 413: generated bodies that break a length limit are often larger than their route takes
REFUSALS = ["400", "401", "403", "404", "405", "409", "413", "415", "422"]
CONFIG = schemathesis.Config.from_dict({"checks": {"negative_data_rejection": {"expected-statuses": REFUSALS}}})

schema = schemathesis.openapi.from_asgi("/openapi.json", app_in_sandbox(), config=CONFIG)

generated = hypothesis_settings(
    max_examples=15, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck)
)


WITH_KEY = {"Authorization": f"Bearer {KEY}"}
MEANING = [schemathesis.checks.positive_data_acceptance]
"""Excluded: a value may match its schema and still be refused, such as a phone number of no country."""
BRIEFING = {"candidate_name": "Grace Hopper", "focus_areas": ["Compilers"]}


def call(method, path, **parts):
    """Make one call of the app under test."""
    return schema[path][method].Case(**parts).call(headers=WITH_KEY)


def open_briefed_room():
    name = call("POST", "/api/rooms", body={"interviewer_name": "Ada"}, media_type="application/json").json()[
        "room_name"
    ]
    place = {"path_parameters": {"name": name}, "media_type": "application/json"}
    call("POST", "/api/rooms/{name}/briefing", body=BRIEFING, **place)
    call("POST", "/api/rooms/{name}/debrief", body={"notes": "She knows compilers."}, **place)
    return name


@schema.parametrize()
@generated
def test_authenticated_calls_conform_to_openapi(case):
    case.call_and_validate(headers=WITH_KEY, excluded_checks=MEANING)


@schema.parametrize()
@generated
def test_unauthenticated_calls_conform_to_openapi(case):
    case.call_and_validate(excluded_checks=MEANING)


@schema.include(path_regex="{name}").parametrize()
@generated
def test_calls_of_a_rooms_owner_conform_to_openapi(case):
    case.path_parameters["name"] = open_briefed_room()

    case.call_and_validate(
        headers=WITH_KEY,
        excluded_checks=[
            *MEANING,
            schemathesis.checks.negative_data_rejection,
        ],  # a generated name was replaced by a valid one
    )


def test_openapi_json_is_up_to_date():
    written = json.loads((ROOT / "openapi.json").read_text())

    assert written == create_app(Settings(_env_file=None)).openapi(), "run `make openapi`"


def test_operation_ids_are_unique():
    document = create_app(Settings(_env_file=None)).openapi()

    ids = Counter(operation["operationId"] for calls in document["paths"].values() for operation in calls.values())

    assert ids
    assert set(ids.values()) == {1}
