"""The OpenAPI document has what generated clients need, for every route."""

from inspect import getmembers, isclass

import pytest
from fastapi import FastAPI
from jsonschema import Draft202012Validator
from pydantic import BaseModel
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from config import Settings
from main import create_app
from routers import problems
from routers.openapi import add_openapi, complete, streamed
from services import errors
from services.errors import ServiceError


@pytest.fixture(scope="module")
def document():
    return create_app(Settings(_env_file=None)).openapi()


@pytest.fixture(scope="module")
def operations(document):
    return {call["operationId"]: call for calls in document["paths"].values() for call in calls.values()}


def responses(operations):
    return [
        (name, status, response) for name, call in operations.items() for status, response in call["responses"].items()
    ]


def schemas(part):
    """Every JSON object inside a part of the document."""
    if isinstance(part, dict):
        yield part
    for inner in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        yield from schemas(inner)


def validator(document, name):
    resource = DRAFT202012.create_resource(document)
    registry = Registry().with_resource("urn:document", resource)
    return Draft202012Validator({"$ref": f"urn:document#/components/schemas/{name}"}, registry=registry)


def test_every_operation_has_one_tag_that_the_document_describes(document, operations):
    described = {tag["name"] for tag in document["tags"] if tag["description"]}

    assert [name for name, call in operations.items() if len(call["tags"]) != 1] == []
    assert {call["tags"][0] for call in operations.values()} <= described


def test_every_error_is_documented_as_a_problem_and_as_nothing_else(operations):
    others = [
        (name, status)
        for name, status, response in responses(operations)
        if status[0] in "45d" and list(response["content"]) != ["application/problem+json"]
    ]

    assert others == [("ready", "503")]  # the state of each dependency


def test_every_response_has_a_request_id(operations):
    assert [entry for *entry, response in responses(operations) if "X-Request-ID" not in response["headers"]] == []


def test_every_created_resource_has_an_address(operations):
    created = {name: response for name, status, response in responses(operations) if status == "201"}

    assert "create_room" in created
    without = [name for name, response in created.items() if "Location" not in response["headers"]]
    assert without == ["create_realtime_token"]  # a secret has no address


def test_every_response_that_limits_a_caller_says_how_long(operations):
    limited = [response for _, status, response in responses(operations) if status == "429"]

    assert limited
    assert all({"RateLimit", "RateLimit-Policy", "Retry-After"} <= set(response["headers"]) for response in limited)


def test_only_responses_to_idempotent_calls_can_be_replayed(operations):
    replayed = {name for name, _, response in responses(operations) if "Idempotency-Replayed" in response["headers"]}
    keyed = {
        name
        for name, call in operations.items()
        if any(parameter["name"] == "Idempotency-Key" for parameter in call.get("parameters", []))
    }

    assert replayed == keyed
    assert "create_room" in keyed


def test_no_schema_has_a_default_since_generators_make_such_fields_required(document):
    assert [part for part in schemas(document["components"]["schemas"]) if "default" in part] == []


def test_every_array_says_what_it_holds(document):
    arrays = [part for part in schemas(document) if part.get("type") == "array"]

    assert arrays
    assert [array for array in arrays if "items" not in array] == []


def test_every_default_is_in_the_description(document):
    assert (
        document["components"]["schemas"]["RoomRequest"]["properties"]["expires_in_minutes"]["description"]
        == "Default: 120."
    )


def test_every_request_schema_has_a_valid_example(document, operations):
    bodies = [
        call["requestBody"]["content"]["application/json"]["schema"]
        for call in operations.values()
        if "requestBody" in call
    ]
    references = {part["$ref"].rpartition("/")[2] for body in bodies for part in schemas(body) if "$ref" in part}

    assert "RoomRequest" in references
    for name in references:
        for example in document["components"]["schemas"][name]["examples"]:
            validator(document, name).validate(example)


def test_times_have_a_format(document):
    properties = document["components"]["schemas"]["RoomResponse"]["properties"]

    assert properties["expires_at"]["format"] == properties["created_at"]["format"] == "date-time"


def test_codes_of_problems_are_those_of_all_errors(document):
    codes = document["components"]["schemas"]["Problem"]["properties"]["code"]["enum"]

    named = {
        error.code
        for _, error in getmembers(errors, isclass)
        if issubclass(error, ServiceError) and error is not ServiceError
    }
    assert named < set(codes)
    assert {"room_not_found", "http_error", "internal_error", "not_found", "unsupported_media_type"} <= set(codes)


def test_every_error_class_of_the_service_has_a_documented_code(document):
    codes = document["components"]["schemas"]["Problem"]["properties"]["code"]["enum"]

    assert [error for error in subclasses(ServiceError) if error.code not in codes] == []


def subclasses(base):
    for error in base.__subclasses__():
        yield error
        yield from subclasses(error)


def test_a_stream_is_one_of_its_events_by_name(document):
    stream = document["components"]["schemas"]["ChatEvent"]

    assert set(stream["discriminator"]["mapping"]) == {"delta", "done", "error"}
    assert len(stream["oneOf"]) == 3
    validator(document, "ChatEvent").validate({"event": "delta", "data": {"text": "When it broke"}})
    assert not validator(document, "ChatEvent").is_valid({"event": "delta", "data": {}})
    assert not validator(document, "ChatEvent").is_valid({"event": "progress", "data": {"text": ""}})


def test_two_models_of_the_same_name_are_refused():
    class Problem(BaseModel):
        cause: str

    app = FastAPI()

    @app.get("/", tags=["service"])
    def read() -> Problem:
        return Problem(cause="")

    with pytest.raises(ValueError, match="two different schemas are named Problem"):
        complete(app.openapi())


def test_a_new_route_is_completed_without_edits():
    class Answer(BaseModel):
        text: str = "none"
        nothing: tuple[()] = ()

    app = FastAPI()

    @app.get(
        "/new",
        tags=["service", "unheard of"],
        responses=streamed("AnswerEvent", done=Answer) | problems.problem_responses(429),
    )
    def read() -> Answer:
        return Answer()

    add_openapi(app)
    new = app.openapi()

    operation = new["paths"]["/new"]["get"]
    assert operation["tags"] == ["unheard of"]
    assert new["components"]["schemas"]["Answer"]["properties"]["nothing"]["items"] == {}
    assert new["tags"] == [{"name": "unheard of"}]
    assert "RateLimit" in operation["responses"]["200"]["headers"]
    assert {"AnswerEvent", "AnswerEventDone", "AnswerEventError", "Problem"} <= set(new["components"]["schemas"])
