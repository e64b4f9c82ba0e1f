"""Lines of the transcript that a page sends while the interview goes on, over HTTP and over every storage."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.interviews import open_room
from tests.support.problems import assert_problem

pytestmark = pytest.mark.usefixtures("daily")


def line(number, speaker="Ada", text=None, **more):
    return {"id": f"line-{number}", "speaker": speaker, "text": text or f"Line {number}.", **more}


def add(client, name, *lines):
    return client.post(f"/api/rooms/{name}/transcript/segments", json={"segments": lines})


def texts(client, name):
    return [turn["text"] for turn in client.get(f"/api/rooms/{name}/transcript").json()["turns"]]


@pytest.fixture(params=["memory", "sqlite"])
def client(request, start, tmp_path):
    return start(database_url=None if request.param == "memory" else f"sqlite:///{tmp_path}/rooms.db")


@pytest.fixture
def room(client):
    return open_room(client, candidate_name="Grace")


def test_lines_become_turns_with_roles_and_times(client, room, clock):
    added = add(client, room, line(1, at="00:01"), line(2, "Grace", at=7), line(3, "Grace", at=9))

    answer = client.get(f"/api/rooms/{room}/transcript").json()
    assert added.json() == {"stored": 3, "turns": 2}
    assert (answer["source"], answer["updated_at"]) == ("segments", clock().isoformat().replace("+00:00", "Z"))
    assert [(turn["speaker"], turn["role"], turn["at"], turn["text"]) for turn in answer["turns"]] == [
        ("Ada", "interviewer", "00:01", "Line 1."),
        ("Grace", "candidate", "00:00:07", "Line 2. Line 3."),
    ]


def test_number_of_turns_is_that_of_the_transcript(client, room):
    speakers = ["Ada", " Ada", "Grace", "Gr\u200bace", "Ada"]

    added = add(client, room, *(line(number, speaker) for number, speaker in enumerate(speakers)))

    assert added.json() == {"stored": 5, "turns": 3}
    assert len(texts(client, room)) == 3


def test_lines_that_are_sent_again_change_nothing(client, room):
    lines = [line(1), line(2, "Grace")]

    answers = [add(client, room, *lines).json() for _ in range(3)]

    assert answers == [{"stored": 2, "turns": 2}] * 3
    assert texts(client, room) == ["Line 1.", "Line 2."]


def test_corrected_line_stays_in_its_place(client, room):
    add(client, room, line(1), line(2, "Grace"), line(3))

    add(client, room, line(2, "Grace", "I led it."), line(4, "Grace"))

    assert texts(client, room) == ["Line 1.", "I led it.", "Line 3.", "Line 4."]


def test_of_one_id_twice_in_a_call_the_last_counts(client, room):
    assert add(client, room, line(1, text="I"), line(1, text="I led it.")).json() == {"stored": 1, "turns": 1}
    assert texts(client, room) == ["I led it."]


def test_calls_at_the_same_time_lose_no_line(client, room):
    batches = [[line(20 * batch + number, f"Speaker {batch}") for number in range(20)] for batch in range(8)]

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda lines: add(client, room, *lines), batches))

    assert {answer.status_code for answer in answers} == {200}
    assert max(answer.json()["stored"] for answer in answers) == 160
    assert len(" ".join(texts(client, room)).split()) == 2 * 160


def test_thousands_of_lines_are_read_in_their_order(client, room):
    for first in range(0, 4000, 200):
        speakers = ("Ada" if number % 2 else "Grace" for number in range(200))
        added = add(client, room, *(line(first + at, speaker) for at, speaker in enumerate(speakers)))

    assert added.json() == {"stored": 4000, "turns": 4000}
    assert texts(client, room) == [f"Line {number}." for number in range(4000)]


@pytest.mark.parametrize(
    ("lines", "field"),
    [
        ([], "segments"),
        ([line(number) for number in range(201)], "segments"),
        ([{"speaker": "Ada", "text": "No id."}], "segments.0.id"),
        ([{"id": "", "speaker": "Ada", "text": "Empty id."}], "segments.0.id"),
        ([{"id": 7, "speaker": "Ada", "text": "A number."}], "segments.0.id"),
        ([{"id": "x" * 201, "speaker": "Ada", "text": "Long id."}], "segments.0.id"),
        ([line(1), line(2, " ")], "segments.1.speaker"),
        ([line(1, "\u200b")], "segments.0.speaker"),
        ([line(1, "x" * 201)], "segments.0.speaker"),
        ([line(1, text=" \n")], "segments.0.text"),
        ([line(1, text="x" * 10_001)], "segments.0.text"),
        ([line(1, text="a\x00")], "segments.0.text"),
        ([line(1, at="x" * 65)], "segments.0.at"),
        ("Ada: Hello.", "segments"),
        ([["Ada", "Hello."]], "segments.0"),
    ],
)
def test_line_that_cannot_be_stored_is_named_and_no_other_is_stored(client, room, lines, field):
    answer = client.post(f"/api/rooms/{room}/transcript/segments", json={"segments": lines})

    problem = assert_problem(answer, 422, "invalid_input")
    assert [error["field"] for error in problem["errors"]] == [field]
    assert_problem(client.get(f"/api/rooms/{room}/transcript"), 404, "transcript_not_found")


def test_whole_transcript_takes_no_lines_and_says_how_to_start_over(client, room):
    client.put(f"/api/rooms/{room}/transcript", json={"transcript": "Ada: Hello."})

    refused = add(client, room, line(1))

    assert "delete the transcript" in assert_problem(refused, 409, "transcript_is_whole")["detail"]
    client.delete(f"/api/rooms/{room}/transcript")
    assert add(client, room, line(1)).json() == {"stored": 1, "turns": 1}
    assert texts(client, room) == ["Line 1."]


def test_whole_transcript_replaces_all_lines(client, room):
    add(client, room, line(1), line(2))

    client.put(f"/api/rooms/{room}/transcript", json={"transcript": "Ada: Hello."})

    assert texts(client, room) == ["Hello."]


@pytest.mark.parametrize(
    "lines",
    [
        [line(number, text="x" * 10_000) for number in range(101)],
        [line(number, f"Speaker {number}") for number in range(201)],
        [line(number, f"{number:03} {'x' * 196}") for number in range(21)],
    ],
    ids=["characters", "speakers", "characters of speakers"],
)
def test_full_transcript_takes_no_more_lines_and_keeps_what_it_has(client, room, lines):
    answers = [add(client, room, *lines[first : first + 20]) for first in range(0, len(lines), 20)]

    assert {answer.status_code for answer in answers[:-1]} == {200}
    assert "start over" in assert_problem(answers[-1], 409, "transcript_full")["detail"]
    assert client.get(f"/api/rooms/{room}/transcript").status_code == 200


def test_lines_are_deleted_with_their_room_and_counted(client, vendors, room):
    vendors.get(url__startswith="https://api.daily.co/v1/rooms/").respond(404, json={"error": "not-found"})
    add(client, room, line(1), line(2))

    assert client.delete(f"/api/rooms/{room}").json()["deleted"]["segments"] == 2
