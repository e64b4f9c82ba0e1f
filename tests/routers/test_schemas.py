"""What clients send: null where the document allows it."""

from typing import Any

import pytest
from pydantic import BaseModel

from routers import schemas
from routers.schemas import HistoryMessage, Sent, TranscriptTurn

REQUIRED: dict[type[BaseModel], dict[str, Any]] = {
    HistoryMessage: {"role": "user", "content": "Hello."},
    TranscriptTurn: {"speaker": "Candidate", "text": "Hello."},
    schemas.RoomRequest: {"interviewer_name": "Ada"},
    schemas.JoinRequest: {"participant_name": "Grace", "participant_type": "candidate"},
    schemas.BriefingRequest: {"candidate_name": "Grace"},
    schemas.ChatRequest: {"message": "Hello."},
    schemas.DebriefRequest: {},
    schemas.RealtimeTokenRequest: {},
    schemas.RealtimeSessionRequest: {"candidate_name": "Grace"},
    schemas.PhoneCallRequest: {"phone_number": "+14155550100"},
}


def nullable_fields():
    for model in REQUIRED:
        for name, schema in model.model_json_schema()["properties"].items():
            if {"type": "null"} in schema.get("anyOf", []):
                yield pytest.param(model, name, id=f"{model.__name__}.{name}")


def test_every_request_is_looked_at():
    requests = {kind for kind in vars(schemas).values() if isinstance(kind, type) and issubclass(kind, Sent)}

    assert {kind for kind in requests if not kind.__name__.startswith("_")} - {Sent} == set(REQUIRED)


@pytest.mark.parametrize(("model", "field"), [*nullable_fields()])
def test_null_is_as_good_as_nothing(model, field):
    assert model.model_validate(REQUIRED[model] | {field: None}) == model.model_validate(REQUIRED[model])
