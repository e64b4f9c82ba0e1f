"""Request models take null for every optional field."""

from typing import Any

import pytest
from pydantic import BaseModel

from routers.schemas import chat, debrief, rooms, voice
from routers.schemas.chat import HistoryMessage
from routers.schemas.transcript import TranscriptTurn, WithTranscript
from services import briefing
from services.text.fields import RequestModel

REQUIRED: dict[type[BaseModel], dict[str, Any]] = {
    HistoryMessage: {"role": "user", "content": "Hello."},
    TranscriptTurn: {"speaker": "Candidate", "text": "Hello."},
    rooms.RoomRequest: {"interviewer_name": "Ada"},
    rooms.JoinRequest: {"participant_name": "Grace", "participant_type": "candidate"},
    briefing.BriefingRequest: {"candidate_name": "Grace"},
    chat.ChatRequest: {"message": "Hello."},
    debrief.DebriefRequest: {},
    voice.RealtimeTokenRequest: {},
    voice.RealtimeSessionRequest: {"candidate_name": "Grace"},
    voice.PhoneCallRequest: {"phone_number": "+14155550100"},
}


def nullable_fields():
    for model in REQUIRED:
        for name, schema in model.model_json_schema()["properties"].items():
            if {"type": "null"} in schema.get("anyOf", []):
                yield pytest.param(model, name, id=f"{model.__name__}.{name}")


def test_every_request_model_is_covered():
    kinds = [kind for module in (briefing, chat, debrief, rooms, voice) for kind in vars(module).values()]
    requests = {kind for kind in kinds if isinstance(kind, type) and issubclass(kind, RequestModel)}

    assert requests - {RequestModel, WithTranscript} == set(REQUIRED) - {TranscriptTurn}


@pytest.mark.parametrize(("model", "field"), [*nullable_fields()])
def test_null_means_that_an_optional_field_is_left_out(model, field):
    assert model.model_validate(REQUIRED[model] | {field: None}) == model.model_validate(REQUIRED[model])
