"""The transcript of a room over HTTP: stored whole, read with the names that are known, written as a file, deleted."""

import json
import sqlite3

import pytest

from tests.support.interviews import open_room
from tests.support.problems import assert_problem

pytestmark = pytest.mark.usefixtures("daily")

TEXT = "Ada: What did you build?\nGrace Hopper (she/her): A compiler.\nIt ran on the UNIVAC.\nAda: And then?"
LABELS = "Uma: What did you build?\nTom: A compiler."


def put(client, name, **body):
    return client.put(f"/api/rooms/{name}/transcript", json=body)


def get(client, name, **headers):
    return client.get(f"/api/rooms/{name}/transcript", headers=headers)


def roles(answer):
    return {speaker["label"]: speaker["role"] for speaker in answer.json()["speakers"]}


@pytest.fixture
def room(client):
    return open_room(client, candidate_name="Grace Hopper")


def test_saved_transcript_comes_back_with_roles_and_reasons(client, room, clock):
    saved = put(client, room, transcript=TEXT)

    assert saved.status_code == 200
    assert saved.json() == {
        "room_name": room,
        "source": "client",
        "turns": [
            {"number": 1, "speaker": "Ada", "role": "interviewer", "text": "What did you build?", "at": None},
            {
                "number": 2,
                "speaker": "Grace Hopper (she/her)",
                "role": "candidate",
                "text": "A compiler.\nIt ran on the UNIVAC.",
                "at": None,
            },
            {"number": 3, "speaker": "Ada", "role": "interviewer", "text": "And then?", "at": None},
        ],
        "speakers": [
            {
                "label": "Ada",
                "role": "interviewer",
                "because": "it is the interviewer's full name",
                "turns": 2,
                "words": 6,
            },
            {
                "label": "Grace Hopper (she/her)",
                "role": "candidate",
                "because": "it is the candidate's full name",
                "turns": 1,
                "words": 7,
            },
        ],
        "warnings": [],
        "updated_at": clock().isoformat().replace("+00:00", "Z"),
    }
    assert get(client, room).json() == saved.json()


def test_list_of_turns_keeps_its_times(client, room):
    turns = [{"speaker": "Ada", "text": "Why?", "at": "00:01"}, {"role": "assistant", "content": "So.", "timestamp": 7}]

    put(client, room, transcript=turns)

    read = get(client, room).json()["turns"]
    assert [(turn["speaker"], turn["role"], turn["at"]) for turn in read] == [
        ("Ada", "interviewer", "00:01"),
        ("assistant", "candidate", "00:00:07"),
    ]


def test_sent_speakers_are_stored_with_the_transcript(client, room):
    put(client, room, transcript=LABELS, speakers={"Tom": "candidate", "Uma": "interviewer"})

    answer = get(client, room)

    assert roles(answer) == {"Uma": "interviewer", "Tom": "candidate"}
    assert {speaker["because"] for speaker in answer.json()["speakers"]} == {"the request's `speakers` says so"}


def test_briefing_that_is_saved_later_improves_the_attribution(client, room):
    put(client, room, transcript=LABELS)
    before = roles(get(client, room))

    client.post(f"/api/rooms/{room}/briefing", json={"candidate_name": "Tom"})

    assert (before["Tom"], roles(get(client, room))["Tom"]) == ("unknown", "candidate")


def test_transcript_of_unknown_speakers_shows_how_to_send_them(client, room):
    answer = put(client, room, transcript=LABELS)

    assert roles(answer) == {"Uma": "unknown", "Tom": "unknown"}
    assert any("`speakers`" in warning for warning in answer.json()["warnings"])


def test_saving_again_replaces_the_transcript_and_its_speakers(client, room, clock):
    put(client, room, transcript=TEXT, speakers={"Ada": "other"})
    clock.advance(minutes=1)

    put(client, room, transcript="Ada: Bye.")

    answer = get(client, room).json()
    assert [(turn["text"], turn["role"]) for turn in answer["turns"]] == [("Bye.", "interviewer")]
    assert answer["updated_at"] == clock().isoformat().replace("+00:00", "Z")


@pytest.mark.parametrize("transcript", [None, "", "  \n", [], [{"speaker": "Ada", "text": " "}], "WEBVTT\n"])
def test_transcript_without_words_is_refused_and_the_stored_one_is_kept(client, room, transcript):
    put(client, room, transcript=TEXT)

    answer = put(client, room, transcript=transcript)

    problem = assert_problem(answer, 422, "invalid_input")
    assert problem["errors"][0]["field"] == "transcript"
    assert len(get(client, room).json()["turns"]) == 3


@pytest.mark.parametrize(
    ("transcript", "named"),
    [
        ("WEBVTT\n\n00:0x.000 --> 00:04.000\nB: c", "line 3"),
        ('[{"speaker": "A", "te', "line 1"),
        ("A: b\n" * 20_001, "20,000 turns"),
    ],
)
def test_transcript_that_cannot_be_read_names_the_line_and_the_stored_one_is_kept(client, room, transcript, named):
    put(client, room, transcript=TEXT)

    answer = put(client, room, transcript=transcript)

    assert named in assert_problem(answer, 422, "invalid_input")["detail"]
    assert len(get(client, room).json()["turns"]) == 3


def test_transcript_of_the_largest_size_is_read(client, room):
    answer = put(client, room, transcript=[{"speaker": "Ada", "text": "I built it. " * 50}] * 1600)

    assert answer.status_code == 200
    assert len(get(client, room).json()["turns"]) == 1600


def test_webvtt_has_cues_with_voices(client, room):
    put(client, room, transcript=[{"speaker": "Ada", "text": "Why?", "at": "00:01"}])

    answer = get(client, room, accept="text/vtt")

    assert answer.headers["content-type"] == "text/vtt; charset=utf-8"
    assert "Accept" in answer.headers["vary"]
    assert answer.text == "WEBVTT\n\n1\n00:00:01.000 --> 00:00:02.000\n<v Ada>Why?\n"


def test_plain_text_has_a_line_for_each_turn(client, room):
    put(client, room, transcript=TEXT)

    answer = get(client, room, accept="text/plain")

    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.text.splitlines()[1] == "Grace Hopper (she/her): A compiler. It ran on the UNIVAC."


@pytest.mark.parametrize("accept", ["application/json", "text/vtt", "text/plain"])
def test_head_answers_as_get_without_a_body(client, room, accept):
    put(client, room, transcript=TEXT)

    head = client.head(f"/api/rooms/{room}/transcript", headers={"accept": accept})

    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-type"] == get(client, room, accept=accept).headers["content-type"]


def test_room_without_a_transcript_has_none_to_read(client, room):
    assert_problem(get(client, room), 404, "transcript_not_found")


def test_deleted_transcript_is_gone_and_another_can_be_sent(client, room):
    put(client, room, transcript=TEXT)

    deleted = [client.delete(f"/api/rooms/{room}/transcript") for _ in range(2)]

    assert [(answer.status_code, answer.content) for answer in deleted] == [(204, b"")] * 2
    assert_problem(get(client, room), 404, "transcript_not_found")
    assert put(client, room, transcript=LABELS).status_code == 200


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_unknown_room_has_no_transcript(client, vendors, method):
    vendors.get(url__startswith="https://api.daily.co/v1/rooms/").respond(404, json={"error": "not-found"})

    answer = client.request(method, "/api/rooms/interview-0/transcript", json={"transcript": TEXT})

    assert_problem(answer, 404, "room_not_found")


def test_transcript_of_an_ended_room_can_be_sent_and_read(client, room, clock):
    clock.advance(hours=3)

    assert put(client, room, transcript=TEXT).status_code == 200
    assert get(client, room).status_code == 200


def test_transcript_is_deleted_with_its_room_and_counted(client, vendors, room):
    vendors.get(url__startswith="https://api.daily.co/v1/rooms/").respond(404, json={"error": "not-found"})
    put(client, room, transcript=TEXT)

    receipt = client.delete(f"/api/rooms/{room}").json()

    assert receipt["deleted"]["transcripts"] == 1
    assert_problem(get(client, room), 404, "room_not_found")


@pytest.mark.parametrize("document", ["not JSON", json.dumps({"words": []})])
def test_stored_transcript_of_another_version_is_a_named_problem(start, tmp_path, document):
    client = start(database_url=f"sqlite:///{tmp_path}/rooms.db")
    room = open_room(client)
    put(client, room, transcript=TEXT)
    with sqlite3.connect(tmp_path / "rooms.db") as database:
        database.execute("UPDATE transcripts SET document = ?", [document])

    assert_problem(get(client, room), 503, "record_unreadable")
