"""Requests to Daily for transcribed rooms, over HTTP with Daily mocked at the wire."""

import pytest
from pydantic import ValidationError

from tests.support.interviews import DAILY, mock_daily, open_room, sent_to


@pytest.fixture(autouse=True)
def daily(vendors):
    mock_daily(vendors)


def join(client, name, kind):
    body = {"participant_name": "Grace", "participant_type": kind}
    assert client.post(f"/api/rooms/{name}/join", json=body).status_code == 200


def token_properties(vendors):
    return [body["properties"] for body in sent_to(vendors, f"{DAILY}/meeting-tokens")]


def test_transcribed_room_stores_transcripts_and_starts_with_its_interviewer(start, vendors):
    client = start(daily_transcription=True)

    name = open_room(client)
    join(client, name, "candidate")
    join(client, name, "interviewer")

    [room] = sent_to(vendors, f"{DAILY}/rooms")
    assert room["properties"]["enable_transcription_storage"] is True
    assert [token.get("auto_start_transcription") for token in token_properties(vendors)] == [True, None, True]


def test_nothing_is_transcribed_by_default(client, vendors):
    join(client, open_room(client), "interviewer")

    [room] = sent_to(vendors, f"{DAILY}/rooms")
    assert "enable_transcription_storage" not in room["properties"]
    assert not any("auto_start_transcription" in token for token in token_properties(vendors))


def test_no_two_tokens_share_a_user_id(client, vendors):
    name = open_room(client)
    for _ in range(3):
        join(client, name, "candidate")

    ids = [token["user_id"] for token in token_properties(vendors)]
    assert len(set(ids)) == 4
    assert all(0 < len(user_id) <= 36 for user_id in ids)


@pytest.mark.parametrize("secret", ["not base64!", "abc", "===="])
def test_webhook_secret_that_is_no_base64_is_refused(settings, secret):
    with pytest.raises(ValidationError, match="must be base64") as caught:
        settings(daily_webhook_secret=secret)

    assert secret not in str(caught.value)
