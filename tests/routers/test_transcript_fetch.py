"""Fetching a room's transcript from Daily over HTTP, with Daily mocked at the wire."""

import sqlite3
from datetime import datetime, timedelta

import pytest

from tests.routers.daily_transcripts import INTERVIEW, ROOM_ID, item, mock_transcripts, webvtt
from tests.support.interviews import DAILY, open_room, sample
from tests.support.problems import assert_problem

pytestmark = pytest.mark.usefixtures("daily")


def fetch(client, name):
    return client.post(f"/api/rooms/{name}/transcript/fetch")


def get(client, name):
    return client.get(f"/api/rooms/{name}/transcript")


def texts(answer):
    return [turn["text"] for turn in answer.json()["turns"]]


def mock_room(vendors, **properties):
    room = sample("daily/room.json") | {"config": properties}
    return vendors.get(url__startswith=f"{DAILY}/rooms/").respond(json=room)


@pytest.fixture
def room(client):
    return open_room(client, candidate_name="Grace Hopper")


def test_finished_transcript_is_stored_with_the_roles_of_its_names(client, vendors, room):
    listed = mock_transcripts(vendors, item("one"))

    fetched = fetch(client, room)

    assert fetched.status_code == 200
    assert fetched.json()["source"] == "daily"
    assert [turn["role"] for turn in fetched.json()["turns"]] == ["interviewer", "candidate"] * 2
    assert fetched.json() == get(client, room).json()
    assert listed.calls.last.request.url.params["roomId"] == ROOM_ID


def test_link_is_followed_without_the_key(client, vendors, room):
    mock_transcripts(vendors, item("one"))

    fetch(client, room)

    [download] = [call.request for call in vendors.calls if call.request.url.host == "files.example"]
    assert "authorization" not in download.headers


def test_several_transcripts_are_joined_in_the_order_of_their_beginnings(client, vendors, room):
    first, second = item("first"), item("second", created_at="2026-11-23T10:30:00.000Z")
    files = {"first": webvtt(("Ada", "Hello.")), "second": webvtt(("Grace Hopper", "Back again."))}
    mock_transcripts(vendors, second, first, files=files)

    fetched = fetch(client, room)

    assert texts(fetched) == ["Hello.", "Back again."]
    assert [turn["at"] for turn in fetched.json()["turns"]] == ["00:00:00.000", "00:30:00.000"]
    assert fetched.json()["warnings"] == [
        "Daily made 2 transcripts of this room; they are joined in the order of their beginnings."
    ]


@pytest.mark.parametrize(
    "unfinished",
    [item("one", status="t_in_progress", isVttAvailable=False), item("one", isVttAvailable=False, duration=277)],
    ids=["in progress", "finished without a file"],
)
def test_transcript_that_daily_is_writing_is_202_with_retry_after(client, vendors, room, clock, unfinished):
    clock.now = datetime.fromisoformat(unfinished["created_at"]) + timedelta(minutes=5)
    mock_transcripts(vendors, unfinished, item("earlier"))

    answer = fetch(client, room)

    assert (answer.status_code, answer.json()) == (202, {"room_name": room, "status": "in_progress"})
    assert int(answer.headers["retry-after"]) > 0
    assert_problem(get(client, room), 404, "transcript_not_found")


def test_transcript_in_progress_long_after_the_end_of_its_room_is_left_out(client, vendors, room, clock):
    mock_transcripts(vendors, item("two", status="t_in_progress", isVttAvailable=False), item("one"))
    clock.advance(hours=4)

    fetched = fetch(client, room)

    assert len(fetched.json()["turns"]) == 4
    assert fetched.json()["warnings"] == [
        "1 more transcript of this room is not included, because Daily did not finish or store it; words may be missing."
    ]


@pytest.mark.parametrize("duration", [277, None])
def test_lone_transcript_without_a_file_is_waited_for(client, vendors, room, duration):
    mock_transcripts(vendors, item("one", isVttAvailable=False, duration=duration))

    assert fetch(client, room).status_code == 202


@pytest.mark.parametrize("duration", [277, 0])
def test_transcript_without_a_file_does_not_keep_back_the_others_for_long(client, vendors, room, duration):
    mock_transcripts(vendors, item("one", isVttAvailable=False, duration=duration), item("two"))

    fetched = fetch(client, room)

    assert len(fetched.json()["turns"]) == 4
    assert bool(fetched.json()["warnings"]) is (duration > 0)


def test_transcript_in_which_nothing_was_said_is_404(client, vendors, room):
    mock_transcripts(vendors, item("one", isVttAvailable=False, duration=0))

    assert "no words" in assert_problem(fetch(client, room), 404, "transcript_not_found")["detail"]


@pytest.mark.parametrize("listed", [[], [item("one", status="t_deleted")]], ids=["none", "deleted"])
def test_room_without_a_transcript_is_404(client, vendors, room, listed):
    mock_room(vendors, enable_transcription_storage=True)
    mock_transcripts(vendors, *listed)

    assert_problem(fetch(client, room), 404, "transcript_not_found")


@pytest.mark.parametrize("status", ["t_error", "t_failed", "one that Daily adds"])
def test_failed_transcription_is_404_with_the_reason(client, vendors, room, status):
    mock_transcripts(vendors, item("one", status=status, isVttAvailable=False))

    assert "failed" in assert_problem(fetch(client, room), 404, "transcript_not_found")["detail"]


def test_room_that_was_opened_without_storage_is_409(client, vendors, room):
    mock_room(vendors)
    mock_transcripts(vendors)

    assert_problem(fetch(client, room), 409, "transcript_not_stored")


@pytest.mark.parametrize("has_file", [True, False])
def test_sentence_in_place_of_a_link_is_409(client, vendors, room, has_file):
    mock_transcripts(vendors, item("one", isVttAvailable=has_file), is_stored=False)

    assert_problem(fetch(client, room), 409, "transcript_not_stored")


def test_transcript_of_another_room_is_never_read(client, vendors, room):
    mock_transcripts(vendors, item("one", roomId="another-room"))

    assert_problem(fetch(client, room), 502, "provider_bad_answer")


def test_room_id_is_asked_for_where_it_is_not_stored(start, vendors, tmp_path):
    client = start(database_url=f"sqlite:///{tmp_path}/rooms.db")
    room = open_room(client)
    with sqlite3.connect(f"{tmp_path}/rooms.db") as database:
        database.execute("UPDATE rooms SET daily_id = NULL")
    asked = mock_room(vendors)
    mock_transcripts(vendors, item("one"))

    assert fetch(client, room).status_code == 200
    assert asked.called


def test_room_without_an_id_that_daily_no_longer_knows_is_404(start, vendors, tmp_path):
    client = start(database_url=f"sqlite:///{tmp_path}/rooms.db")
    room = open_room(client)
    with sqlite3.connect(f"{tmp_path}/rooms.db") as database:
        database.execute("UPDATE rooms SET daily_id = NULL")
    vendors.get(url__startswith=f"{DAILY}/rooms/").respond(404, json={"error": "not-found"})

    assert "does not know this room" in assert_problem(fetch(client, room), 404, "transcript_not_found")["detail"]


@pytest.mark.parametrize(
    "text", ["<html>not here</html>", "WEBVTT\n\nNOTE nothing was said\n", webvtt(("Ada", "word " * 200_001))]
)
def test_failed_fetch_changes_nothing(client, vendors, room, text):
    client.put(f"/api/rooms/{room}/transcript", json={"transcript": "Ada: Sent by hand."})
    mock_transcripts(vendors, item("one"), files={"one": text})

    answer = fetch(client, room)

    assert answer.status_code in {404, 502}
    assert texts(get(client, room)) == ["Sent by hand."]


def test_broken_second_file_does_not_replace_what_is_stored_with_the_first(client, vendors, room):
    client.put(f"/api/rooms/{room}/transcript", json={"transcript": "Ada: Sent by hand."})
    mock_transcripts(vendors, item("two"), item("one"), files={"two": None})

    assert_problem(fetch(client, room), 502, "provider_bad_answer")
    assert texts(get(client, room)) == ["Sent by hand."]


def test_fetching_replaces_lines_and_ends_them(client, vendors, room):
    line = {"id": "1", "speaker": "Ada", "text": "A line."}
    client.post(f"/api/rooms/{room}/transcript/segments", json={"segments": [line]})
    mock_transcripts(vendors, item("one"), files={"one": INTERVIEW})

    assert "A line." not in texts(fetch(client, room))
    again = client.post(f"/api/rooms/{room}/transcript/segments", json={"segments": [line]})
    assert_problem(again, 409, "transcript_is_whole")


def test_more_files_than_are_joined_is_a_problem(client, vendors, room):
    mock_transcripts(vendors, *(item(f"id-{number}") for number in range(51)))

    assert_problem(fetch(client, room), 502, "provider_bad_answer")
