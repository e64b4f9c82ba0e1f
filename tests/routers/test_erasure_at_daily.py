"""Deleting a room deletes its transcripts at Daily, over HTTP with Daily mocked at the wire."""

import re

import httpx
import pytest

from tests.routers.daily_transcripts import ROOM_ID, item
from tests.support.interviews import DAILY, open_room, sample
from tests.support.problems import assert_problem

pytestmark = pytest.mark.usefixtures("daily")


class Transcripts:
    """Daily's list, from which transcripts disappear when they are deleted, unless they are `undeletable`."""

    def __init__(self, vendors, *items, undeletable=()):
        self.items = {one["transcriptId"]: one for one in items}
        self.undeletable = set(undeletable)
        self.deleted = []
        self.listing = vendors.get(f"{DAILY}/transcript").mock(side_effect=self._list)
        vendors.delete(url__regex=rf"{re.escape(DAILY)}/transcript/[^/]+$").mock(side_effect=self._delete)

    def _list(self, request):
        data = [one for one in self.items.values() if one["roomId"] == request.url.params["roomId"]]
        return httpx.Response(200, json={"total_count": len(data), "data": data})

    def _delete(self, request):
        transcript_id = request.url.path.split("/")[-1]
        if transcript_id in self.undeletable:
            return httpx.Response(403, json={"error": "forbidden-error"})
        self.deleted.append(transcript_id)
        self.items[transcript_id] |= {"status": "t_deleted"}
        return httpx.Response(200, json=sample("daily/transcript_deleted.json") | {"transcriptId": transcript_id})


def delete(client, room):
    answer = client.delete(f"/api/rooms/{room}")
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.fixture
def room(client):
    return open_room(client, candidate_name="Grace Hopper")


def test_transcripts_of_the_room_are_deleted_one_by_one_and_counted(client, vendors, room):
    at_daily = Transcripts(vendors, item("one"), item("two"), item("gone", status="t_deleted"))
    client.put(f"/api/rooms/{room}/transcript", json={"transcript": "Ada: Hello."})

    receipt = delete(client, room)

    assert at_daily.deleted == ["one", "two"]
    assert (receipt["deleted"]["transcripts"], receipt["deleted"]["transcripts_at_daily"]) == (1, 2)
    assert receipt["remaining"] == []


def test_transcripts_of_other_rooms_are_not_deleted(client, vendors, room):
    at_daily = Transcripts(vendors, item("one"), item("of-another-room", roomId="another-room"))

    delete(client, room)

    assert at_daily.deleted == ["one"]


def test_list_with_another_rooms_transcript_deletes_nothing(client, vendors, room):
    at_daily = Transcripts(vendors)
    listed = {"total_count": 2, "data": [item("one"), item("of-another-room", roomId="another-room")]}
    at_daily.listing.mock(side_effect=None, return_value=httpx.Response(200, json=listed))

    receipt = delete(client, room)

    assert at_daily.deleted == []
    assert "Transcripts" in receipt["remaining"][0]


def test_transcripts_are_deleted_when_daily_no_longer_knows_the_room(client, vendors, room, clock):
    at_daily = Transcripts(vendors, item("one"))
    vendors.delete(url__startswith=f"{DAILY}/rooms/").respond(404, json={"error": "not-found"})
    clock.advance(hours=20)

    assert delete(client, room)["deleted"]["transcripts_at_daily"] == 1
    assert at_daily.deleted == ["one"]


def test_room_id_is_asked_for_after_a_restart(start, vendors):
    room = open_room(start())
    at_daily = Transcripts(vendors, item("one"))
    vendors.get(url__startswith=f"{DAILY}/rooms/").respond(json=sample("daily/room.json") | {"name": room})

    assert delete(start(), room)["deleted"]["transcripts_at_daily"] == 1
    assert at_daily.listing.calls.last.request.url.params["roomId"] == ROOM_ID


@pytest.mark.parametrize("database", [None, "sqlite"])
def test_repeated_call_deletes_what_was_left(start, vendors, tmp_path, database):
    client = start(database_url=database and f"sqlite:///{tmp_path}/rooms.db")
    room = open_room(client, candidate_name="Grace Hopper")
    client.post(f"/api/rooms/{room}/briefing", json={"candidate_name": "Grace Hopper"})
    at_daily = Transcripts(vendors, item("one"), item("two"), undeletable=["one"])

    first = delete(client, room)
    at_daily.undeletable.clear()
    second = delete(client, room)

    assert (first["deleted"]["transcripts_at_daily"], second["deleted"]["transcripts_at_daily"]) == (1, 1)
    assert "repeat this call" in first["remaining"][0]
    assert second["remaining"] == []
    assert at_daily.deleted == ["two", "one"]


def test_room_whose_transcripts_are_left_is_not_found(client, vendors, room):
    briefing = {"candidate_name": "Grace Hopper"}
    candidate = {"participant_name": "Grace Hopper", "participant_type": "candidate"}
    client.post(f"/api/rooms/{room}/briefing", json=briefing)
    Transcripts(vendors, item("one"), undeletable=["one"])

    delete(client, room)

    for path in ("", "/briefing", "/transcript", "/debrief"):
        assert_problem(client.get(f"/api/rooms/{room}{path}"), 404, "room_not_found")
    for path, body in (("/briefing", briefing), ("/join", candidate), ("/transcript/fetch", None)):
        assert_problem(client.post(f"/api/rooms/{room}{path}", json=body), 404, "room_not_found")


def test_everything_stored_is_erased_while_daily_is_down(client, vendors, room):
    client.put(f"/api/rooms/{room}/transcript", json={"transcript": "Ada: Hello."})
    for route in (
        vendors.get(f"{DAILY}/transcript"),
        vendors.get(url__startswith=f"{DAILY}/rooms/"),
        vendors.delete(url__startswith=f"{DAILY}/rooms/"),
    ):
        route.mock(side_effect=httpx.ConnectError("down"))

    receipt = delete(client, room)

    assert receipt["deleted"]["transcripts"] == 1
    assert len(receipt["remaining"]) == 2
    assert_problem(client.get(f"/api/rooms/{room}/transcript"), 404, "room_not_found")


def test_transcript_that_is_still_being_written_remains(client, vendors, room):
    at_daily = Transcripts(vendors, item("one", status="t_in_progress", isVttAvailable=False))
    vendors.delete(url__regex=rf"{re.escape(DAILY)}/transcript/[^/]+$").respond(404, json={"error": "not-found"})

    receipt = delete(client, room)

    assert at_daily.listing.call_count == 2
    assert "in a minute" in receipt["remaining"][0]


def test_foreign_name_deletes_nothing_at_daily(client, vendors):
    at_daily = Transcripts(vendors, item("one"))

    delete(client, "team-standup")

    assert not at_daily.listing.called
