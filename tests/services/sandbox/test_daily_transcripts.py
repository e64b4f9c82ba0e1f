"""Transcripts of the emulated Daily: when there is one, and what it says."""

import re
from datetime import UTC, datetime

import httpx
import pytest
from pydantic import SecretStr

from services.daily import Daily as DailyClient
from services.daily import map_error
from services.sandbox import sandbox_transport
from services.sandbox.daily import Daily
from services.sandbox.daily_transcripts import SECONDS_TO_FINISH
from services.upstream.client import VendorClient
from services.upstream.retry_policy import RETRY_POLICIES
from services.upstream.transport import open_client
from tests.services.sandbox.conftest import KEY, START, Connect, client_of
from tests.support.clock import ManualTimer

pytestmark = pytest.mark.anyio

EXP = int(START) + 3600
CANDIDATE = "Maya Lindqvist"
INTERVIEWER = "Jonas Weber"


@pytest.fixture
async def client(connect: Connect):
    async with connect("daily") as client:
        yield client


async def open_daily_room(client: httpx.AsyncClient, *, is_stored: bool = True) -> str:
    """A room named `iv-1`; its id."""
    properties = {"exp": EXP, "enable_transcription_storage": is_stored}
    room = await client.post("/rooms", json={"name": "iv-1", "properties": properties})
    return room.json()["id"]


async def join(client: httpx.AsyncClient, name: str, *, is_owner: bool = False, starts: bool = False) -> None:
    token = {"room_name": "iv-1", "exp": EXP, "user_name": name, "is_owner": is_owner}
    started = {"auto_start_transcription": True} if starts else {}
    assert (await client.post("/meeting-tokens", json={"properties": token | started})).status_code == 200


async def hold_interview(client: httpx.AsyncClient, clock: ManualTimer) -> str:
    """An interview that is over; the room's id."""
    room_id = await open_daily_room(client)
    await join(client, INTERVIEWER, is_owner=True, starts=True)
    await join(client, CANDIDATE)
    clock.advance(SECONDS_TO_FINISH)
    return room_id


async def transcripts(client: httpx.AsyncClient, room_id: str, **params: str) -> list[dict]:
    return (await client.get("/transcript", params={"roomId": room_id} | params)).json()["data"]


async def link_of(client: httpx.AsyncClient, transcript_id: str) -> str:
    return (await client.get(f"/transcript/{transcript_id}/access-link")).json()["link"]


async def read_file(client: httpx.AsyncClient, link: str) -> httpx.Response:
    """Follow the link without the key."""
    request = client.build_request("GET", link)
    del request.headers["Authorization"]
    return await client.send(request)


async def test_transcript_is_finished_some_seconds_after_the_last_participant_joined(client, clock):
    room_id = await open_daily_room(client)
    await join(client, INTERVIEWER, is_owner=True, starts=True)
    clock.advance(SECONDS_TO_FINISH - 1)
    await join(client, CANDIDATE)
    clock.advance(SECONDS_TO_FINISH - 1)
    [running] = await transcripts(client, room_id)
    clock.advance(1)

    [finished] = await transcripts(client, room_id)

    assert (running["status"], running["isVttAvailable"]) == ("t_in_progress", False)
    assert (finished["status"], finished["isVttAvailable"]) == ("t_finished", True)
    assert (finished["roomId"], finished["created_at"]) == (room_id, "2026-11-23T10:00:00.000Z")


async def test_file_is_webvtt_as_daily_writes_it_under_the_names_of_the_tokens(client, clock):
    room_id = await hold_interview(client, clock)
    [transcript] = await transcripts(client, room_id)

    text = (await read_file(client, await link_of(client, transcript["transcriptId"]))).text

    assert re.match(r"WEBVTT\n\ntranscript:0\n00:00:04\.000 --> 00:00:\d\d\.\d{3}\n<v>Jonas Weber:</v>Thanks", text)
    assert re.search(r"\n\ntranscript:1\n[\d:.]{12} --> [\d:.]{12}\n<v>Maya Lindqvist:</v>The search", text)
    assert set(re.findall(r"<v>(.*?):</v>", text)) == {INTERVIEWER, CANDIDATE}


async def test_participant_without_a_name_is_a_guest(client, clock):
    room_id = await open_daily_room(client)
    await join(client, INTERVIEWER, is_owner=True, starts=True)
    clock.advance(SECONDS_TO_FINISH)
    [transcript] = await transcripts(client, room_id)

    text = (await read_file(client, await link_of(client, transcript["transcriptId"]))).text

    assert set(re.findall(r"<v>(.*?):</v>", text)) == {INTERVIEWER, "Guest"}


@pytest.mark.parametrize(("is_stored", "starts"), [(False, True), (True, False)])
async def test_nothing_is_stored_without_storage_or_start(client, clock, is_stored, starts):
    room_id = await open_daily_room(client, is_stored=is_stored)
    await join(client, INTERVIEWER, is_owner=True, starts=starts)
    clock.advance(SECONDS_TO_FINISH)

    assert await transcripts(client, room_id) == []


async def test_guest_starts_no_transcription(client):
    room_id = await open_daily_room(client)
    await join(client, CANDIDATE, starts=True)

    assert await transcripts(client, room_id) == []


async def test_joining_again_makes_no_second_transcript(client):
    room_id = await open_daily_room(client)
    for _ in range(2):
        await join(client, INTERVIEWER, is_owner=True, starts=True)

    assert len(await transcripts(client, room_id)) == 1


async def test_transcription_is_started_by_a_call_only_during_a_call(client):
    room_id = await open_daily_room(client)
    early = await client.post("/rooms/iv-1/transcription/start")
    await join(client, INTERVIEWER, is_owner=True)

    started = await client.post("/rooms/iv-1/transcription/start")

    assert (early.status_code, early.json()["error"]) == (404, "not-found")
    assert (started.status_code, started.json()) == (200, {"sent": "true"})
    assert len(await transcripts(client, room_id)) == 1


async def test_other_rooms_transcripts_are_not_listed(client, clock):
    await hold_interview(client, clock)

    assert await transcripts(client, "another-room") == []


async def test_list_is_newest_first_in_pages(client, clock):
    room_id = await hold_interview(client, clock)
    [first] = await transcripts(client, room_id)
    await client.delete(f"/transcript/{first['transcriptId']}")
    await join(client, INTERVIEWER, is_owner=True, starts=True)
    newest_first = [item["transcriptId"] for item in await transcripts(client, room_id)]

    pages = [await transcripts(client, room_id, limit="1", starting_after=after) for after in ("", newest_first[0])]

    assert newest_first[1] == first["transcriptId"]
    assert [item["transcriptId"] for page in pages for item in page] == newest_first


async def test_deleted_transcript_is_listed_as_deleted_and_has_no_file(client, clock):
    room_id = await hold_interview(client, clock)
    [transcript] = await transcripts(client, room_id)
    link = await link_of(client, transcript["transcriptId"])

    deleted = await client.delete(f"/transcript/{transcript['transcriptId']}")

    assert deleted.json()["status"] == "t_deleted"
    assert [item["status"] for item in await transcripts(client, room_id)] == ["t_deleted"]
    assert (await read_file(client, link)).status_code == 404
    assert (await client.get(f"/transcript/{transcript['transcriptId']}/access-link")).status_code == 404
    assert (await client.delete(f"/transcript/{transcript['transcriptId']}")).status_code == 404


async def test_transcript_stays_when_its_room_is_deleted(client, clock):
    room_id = await hold_interview(client, clock)

    await client.delete("/rooms/iv-1")

    assert [item["status"] for item in await transcripts(client, room_id)] == ["t_finished"]


async def test_file_is_refused_to_a_request_with_the_key(client, clock):
    room_id = await hold_interview(client, clock)
    [transcript] = await transcripts(client, room_id)

    with_key = await client.get(await link_of(client, transcript["transcriptId"]))

    assert with_key.status_code == 400


async def test_unfinished_transcript_has_no_file(client):
    room_id = await open_daily_room(client)
    await join(client, INTERVIEWER, is_owner=True, starts=True)
    [transcript] = await transcripts(client, room_id)

    assert (await read_file(client, await link_of(client, transcript["transcriptId"]))).status_code == 404


async def test_oldest_transcripts_are_dropped_above_the_capacity(clock):
    client = client_of("daily", httpx.MockTransport(Daily(clock, capacity=1).answer))
    room_id = await hold_interview(client, clock)
    [first] = await transcripts(client, room_id)
    await client.delete(f"/transcript/{first['transcriptId']}")

    await join(client, INTERVIEWER, is_owner=True, starts=True)

    [second] = await transcripts(client, room_id)
    assert second["transcriptId"] != first["transcriptId"]


async def test_service_reads_and_deletes_an_emulated_transcript(clock):
    http = open_client("https://api.daily.co/v1", SecretStr(KEY), sandbox_transport("daily", clock))
    policy = RETRY_POLICIES["daily"]
    ends = datetime.fromtimestamp(EXP, UTC)
    async with VendorClient("Daily", http, map_error, deadline=30, max_concurrency=1, retry_policy=policy) as upstream:
        daily = DailyClient(upstream, is_configured=True)
        room = await daily.create_room("iv-1", ends, is_transcribed=True)
        await daily.create_meeting_token(
            "iv-1", INTERVIEWER, ends, user_id="1", is_owner=True, starts_transcription=True
        )
        await daily.create_meeting_token("iv-1", CANDIDATE, ends, user_id="2", is_owner=False)
        [running] = await daily.list_transcripts(room.id)
        clock.advance(SECONDS_TO_FINISH)

        [finished] = await daily.list_transcripts(room.id)
        text = await daily.download_transcript(await daily.get_transcript_link(finished.id))
        was_there = await daily.delete_transcript(finished.id)
        [deleted] = await daily.list_transcripts(room.id)

    assert (running.is_in_progress, finished.is_ready, was_there, deleted.is_deleted) == (True, True, True, True)
    assert f"<v>{CANDIDATE}:</v>" in text


async def test_link_has_the_base_url_of_the_request(clock):
    base_url = "http://127.0.0.1:8123/daily"
    transport = httpx.MockTransport(Daily(clock).answer)
    headers = {"Authorization": f"Bearer {KEY}"}
    async with httpx.AsyncClient(base_url=base_url, headers=headers, transport=transport) as client:
        room_id = await hold_interview(client, clock)
        [transcript] = await transcripts(client, room_id)

        link = await link_of(client, transcript["transcriptId"])

    assert link == f"{base_url}/transcript-files/{transcript['transcriptId']}"
