"""Daily at the wire: requests, responses, errors."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
import respx

from services.daily import MAX_TRANSCRIPT_PAGES, TRANSCRIPTS_PER_PAGE, Daily, map_error
from services.daily_transcript import DailyTranscript
from services.errors import (
    ProviderBadAnswer,
    ProviderNotConfigured,
    ProviderTimeout,
    ProviderUnavailable,
    RoomNotFound,
    TranscriptionNotStarted,
    TranscriptNotFound,
    TranscriptNotStored,
)
from tests.faults.wire import Behaviour, Connection, FakeVendor, Request
from tests.support.vendor_client import vendor_client
from tests.support.vendor_specs import WITHOUT, SpecChecker

pytestmark = pytest.mark.anyio

BASE = "https://api.daily.co/v1"
KEY = "daily-key-0123456789"
DATA = Path(__file__).parent.parent / "data/daily"
NAME = "interview-5eed5eed5eed5eed5eed5eed5e"
ROOM_ID = "d61cd7b2-a273-42b4-89bd-be763fd562c1"
ID = "0cb313e1-211f-4be0-833d-8c7305b19902"
LINK = "https://files.example/transcript?Signature=abc"
VTT = "WEBVTT\n\ntranscript:0\n00:00:01.000 --> 00:00:02.000\n<v>Ada:</v>Hello.\n"
ENDS = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)


def sample(name: str) -> dict:
    return json.loads((DATA / name).read_text())


@pytest.fixture
def vendor():
    with respx.mock(using="httpx", assert_all_called=False) as router:
        yield router


@pytest.fixture
async def daily():
    async with vendor_client("Daily", BASE, map_error, key=KEY) as upstream:
        yield Daily(upstream, is_configured=True)


async def answer_with_a_file(connection: Connection, _: Request) -> None:
    await connection.answer(VTT.encode())


@asynccontextmanager
async def fake_daily(behaviour: Behaviour = answer_with_a_file) -> AsyncIterator[FakeVendor]:
    """Daily on a real socket, for what mocks don't show."""
    fake = FakeVendor(behaviour)
    await fake.open()
    try:
        yield fake
    finally:
        await fake.close()


def sent_body(route: respx.Route) -> dict:
    return json.loads(route.calls.last.request.content)


def page(*ids: str, room_id: str = ROOM_ID) -> dict:
    data = [{"transcriptId": id_, "roomId": room_id, "status": "t_finished", "isVttAvailable": True} for id_ in ids]
    return {"total_count": len(data), "data": data}


BLAMED = [
    (
        "error_400_authorization_header.json",
        ProviderUnavailable,
        "could not read this server's key; check DAILY_API_KEY",
    ),
    ("error_401_unknown_key.json", ProviderUnavailable, "check DAILY_API_KEY"),
    ("error_403_forbidden.json", ProviderUnavailable, "check DAILY_API_KEY"),
    ("error_403_plan.json", ProviderUnavailable, "plan"),
    ("error_403_no_payment_method.json", ProviderUnavailable, "payment method"),
    ("error_400_transcription_not_allowed.json", ProviderUnavailable, "DAILY_TRANSCRIPTION=off"),
    ("error_400_bad_value.json", ProviderBadAnswer, "check this server's clock"),
]


@pytest.mark.parametrize(
    ("status", "body", "cause"),
    [
        (402, {"error": "payment-required", "info": "unpaid invoice"}, "billing"),
        (400, {"error": "invalid-request-error", "info": "exp must be in the future"}, "clock"),
        (301, {}, "check DAILY_API_URL"),
    ],
)
async def test_refusal_names_its_cause(vendor, daily, status, body, cause):
    vendor.post(f"{BASE}/rooms").respond(status, json=body)
    vendor.get(url__startswith=f"{BASE}/rooms/").respond(404)

    with pytest.raises((ProviderUnavailable, ProviderBadAnswer), match=cause):
        await daily.create_room(NAME, ENDS, is_transcribed=False)


@pytest.mark.parametrize(("name", "kind", "cause"), BLAMED)
async def test_refusal_names_its_cause_to_the_caller_and_to_the_log(vendor, daily, caplog, name, kind, cause):
    status = int(name.split("_")[1])
    vendor.post(f"{BASE}/rooms").respond(status, json=sample(name))

    with pytest.raises(kind) as caught:
        await daily.create_room(NAME, ENDS, is_transcribed=False)

    assert cause in caught.value.detail
    [line] = caplog.messages
    assert f"Daily refused: status={status} code={sample(name)['error']}" in line
    assert KEY not in line


@pytest.mark.parametrize("is_transcribed", [True, False])
async def test_room_is_private_ends_and_stores_transcripts_only_where_asked(vendor, daily, is_transcribed):
    route = vendor.post(f"{BASE}/rooms").respond(json=sample("room.json"))

    await daily.create_room(NAME, ENDS, is_transcribed=is_transcribed)

    properties = {"exp": int(ENDS.timestamp()), "eject_at_room_exp": True}
    stored = {"enable_transcription_storage": True} if is_transcribed else {}
    assert sent_body(route) == {"name": NAME, "privacy": "private", "properties": properties | stored}


@pytest.mark.parametrize("starts_transcription", [True, False])
async def test_token_is_for_one_person_in_one_room(vendor, daily, starts_transcription):
    route = vendor.post(f"{BASE}/meeting-tokens").respond(json=sample("meeting_token.json"))

    await daily.create_meeting_token(
        NAME, "Ada", ENDS, user_id="u-1", is_owner=True, starts_transcription=starts_transcription
    )

    started = {"auto_start_transcription": True} if starts_transcription else {}
    assert (
        sent_body(route)["properties"]
        == {
            "room_name": NAME,
            "exp": int(ENDS.timestamp()),
            "is_owner": True,
            "user_name": "Ada",
            "user_id": "u-1",
        }
        | started
    )


async def test_room_says_whether_it_stores_transcripts(vendor, daily):
    room = sample("room.json")
    vendor.get(f"{BASE}/rooms/{NAME}").respond(json=room | {"config": {"enable_transcription_storage": True}})
    vendor.get(f"{BASE}/rooms/other").respond(json=room)

    assert (await daily.get_room(NAME)).config.enable_transcription_storage is True
    assert (await daily.get_room("other")).config.enable_transcription_storage is False


async def test_transcripts_are_listed_by_room_id_in_the_order_in_which_they_began(vendor, daily):
    route = vendor.get(f"{BASE}/transcript").respond(json=sample("transcripts.json"))

    finished, running = await daily.list_transcripts(ROOM_ID)

    assert dict(route.calls.last.request.url.params) == {"roomId": ROOM_ID, "limit": "100"}
    assert finished == DailyTranscript(
        id=ID,
        room_id=ROOM_ID,
        status="t_finished",
        is_vtt_available=True,
        duration_seconds=277,
        created_at=datetime(2026, 11, 23, 10, 5, tzinfo=UTC),
    )
    assert (finished.is_ready, finished.is_in_progress) == (True, False)
    assert (running.is_ready, running.is_in_progress) == (False, True)


async def test_every_page_of_transcripts_is_read(vendor, daily):
    first = [f"t-{number}" for number in range(TRANSCRIPTS_PER_PAGE)]
    route = vendor.get(f"{BASE}/transcript").mock(
        side_effect=[httpx.Response(200, json=page(*first)), httpx.Response(200, json=page("t-last"))]
    )

    found = await daily.list_transcripts(ROOM_ID)

    assert [transcript.id for transcript in found] == [*first, "t-last"]
    assert route.calls.last.request.url.params["starting_after"] == first[-1]


async def test_list_that_never_ends_is_a_bad_answer(vendor, daily):
    ids = [f"t-{number}" for number in range(TRANSCRIPTS_PER_PAGE)]
    route = vendor.get(f"{BASE}/transcript").respond(json=page(*ids))

    with pytest.raises(ProviderBadAnswer):
        await daily.list_transcripts(ROOM_ID)

    assert route.call_count == MAX_TRANSCRIPT_PAGES


async def test_transcripts_of_another_room_are_not_read(vendor, daily):
    vendor.get(f"{BASE}/transcript").respond(json=page("t-1", room_id="another-room"))

    with pytest.raises(ProviderBadAnswer, match="another room"):
        await daily.list_transcripts(ROOM_ID)


@pytest.mark.parametrize(
    ("fields", "is_ready"),
    [
        ({"status": "t_finished", "isVttAvailable": True}, True),
        ({"status": "t_finished"}, True),
        ({"status": "t_finished", "isVttAvailable": False}, False),
        ({"status": "t_in_progress", "isVttAvailable": True}, False),
        ({"status": "t_error"}, False),
        ({"status": "t_completed_in_2028"}, False),
    ],
)
async def test_only_a_finished_transcript_with_a_file_is_ready(vendor, daily, fields, is_ready):
    vendor.get(f"{BASE}/transcript").respond(json={"data": [{"transcriptId": ID, "roomId": ROOM_ID} | fields]})

    [transcript] = await daily.list_transcripts(ROOM_ID)

    assert transcript.is_ready is is_ready


@pytest.mark.parametrize("odd", [{"duration": "long"}, {"created_at": "yesterday"}, {"created_at": None}], ids=str)
async def test_invalid_optional_field_does_not_lose_a_transcript(vendor, daily, odd):
    item = {"transcriptId": ID, "roomId": ROOM_ID, "status": "t_finished"} | odd
    vendor.get(f"{BASE}/transcript").respond(json={"data": [item]})

    assert [transcript.id for transcript in await daily.list_transcripts(ROOM_ID)] == [ID]


@pytest.mark.parametrize("content", [b"", b"[]", b"<html>", b'{"data": {}}', b'{"data": [{"roomId": "x"}]}'])
async def test_malformed_list_is_a_bad_answer(vendor, daily, content):
    vendor.get(f"{BASE}/transcript").respond(content=content)

    with pytest.raises(ProviderBadAnswer):
        await daily.list_transcripts(ROOM_ID)


@pytest.mark.parametrize("name", ["transcript_link.json", "transcript_link_as_in_the_example.json"])
async def test_link_is_read_under_both_of_its_names(vendor, daily, name):
    answer = sample(name)
    vendor.get(f"{BASE}/transcript/{ID}/access-link").respond(json=answer)

    assert await daily.get_transcript_link(ID) == answer.get("link", answer.get("download_link"))


async def test_error_sentence_about_storage_means_that_nothing_was_stored(vendor, daily, caplog):
    vendor.get(f"{BASE}/transcript/{ID}/access-link").respond(json=sample("transcript_link_not_stored.json"))

    with pytest.raises(TranscriptNotStored, match="DAILY_TRANSCRIPTION=on"):
        await daily.get_transcript_link(ID)

    assert "enable_transcription_storage" in caplog.text


NO_LINKS = [
    "try later",
    "",
    "ftp://files.example/x",
    "http://files.example/x",
    "http://127.0.0.1/x",
    "https://",
    "//files.example/x",
    "file:///etc/passwd",
]


@pytest.mark.parametrize("link", NO_LINKS)
async def test_link_that_is_no_https_url_is_refused(vendor, daily, link):
    vendor.get(f"{BASE}/transcript/{ID}/access-link").respond(json={"transcriptId": ID, "link": link})

    with pytest.raises(ProviderBadAnswer, match="no link"):
        await daily.get_transcript_link(ID)


@pytest.mark.parametrize("link", NO_LINKS)
async def test_only_an_https_url_is_downloaded(vendor, daily, link):
    with pytest.raises(ProviderBadAnswer, match="no link"):
        await daily.download_transcript(link)

    assert not vendor.calls


async def test_unknown_transcript_has_no_link(vendor, daily):
    vendor.get(f"{BASE}/transcript/{ID}/access-link").respond(404, json=sample("error_404_unknown_room.json"))

    with pytest.raises(TranscriptNotFound):
        await daily.get_transcript_link(ID)


async def test_transcript_id_stays_one_segment_of_the_path():
    async with fake_daily() as fake, vendor_client("Daily", fake.url, map_error) as upstream:
        await Daily(upstream, is_configured=True).delete_transcript("../rooms/x?y#z")

    assert [request.path for request in fake.calls] == ["/transcript/..%2Frooms%2Fx%3Fy%23z"]


async def test_file_is_downloaded_without_the_key(vendor, daily):
    route = vendor.get(LINK).respond(text="\ufeff" + VTT)

    assert await daily.download_transcript(LINK) == VTT
    assert "authorization" not in route.calls.last.request.headers
    assert KEY not in str(route.calls.last.request.headers)


async def test_signed_link_arrives_with_its_whole_query():
    signed = urlsplit(sample("transcript_link.json")["link"])
    async with fake_daily() as fake, vendor_client("Daily", fake.url, map_error) as upstream:
        link = f"{fake.url}{signed.path}?{signed.query}"
        await Daily(upstream, is_configured=True).download_transcript(link)

    [request] = fake.calls
    assert urlsplit(request.path).path == signed.path
    assert parse_qsl(urlsplit(request.path).query) == parse_qsl(signed.query)


@pytest.mark.parametrize("status", [400, 403, 404])
async def test_expired_link_is_a_bad_answer_that_blames_no_key(vendor, daily, status):
    vendor.get(LINK).respond(status, text="<Error><Code>AccessDenied</Code></Error>")

    with pytest.raises(ProviderBadAnswer) as caught:
        await daily.download_transcript(LINK)

    assert "DAILY_API_KEY" not in caught.value.detail


@pytest.mark.parametrize(
    "content",
    [b"", b"<html>", b"\xff\xfeW", b"WEBVTT" + b"x" * 5_000_000],
    ids=["empty", "HTML", "no UTF-8", "too large"],
)
async def test_file_that_is_no_webvtt_of_bounded_size_is_a_bad_answer(vendor, daily, content):
    vendor.get(LINK).respond(content=content)

    with pytest.raises(ProviderBadAnswer):
        await daily.download_transcript(LINK)


async def test_redirect_of_a_file_is_not_followed(vendor, daily):
    vendor.get(LINK).respond(302, headers={"location": "https://elsewhere.example/"})

    with pytest.raises(ProviderBadAnswer):
        await daily.download_transcript(LINK)


async def test_download_has_a_deadline():
    async def hang(connection: Connection, _: Request) -> None:
        await connection.hang()

    async with fake_daily(hang) as fake, vendor_client("Daily", fake.url, map_error, deadline=1) as upstream:
        with pytest.raises(ProviderTimeout):
            await Daily(upstream, is_configured=True).download_transcript(f"{fake.url}/file")


async def test_failing_file_storage_does_not_stop_calls_to_daily(vendor, daily):
    vendor.get(LINK).mock(side_effect=lambda _: httpx.Response(500, headers={"retry-after": "0"}))
    vendor.get(f"{BASE}/rooms/{NAME}").respond(json=sample("room.json"))
    for _ in range(11):
        with pytest.raises((ProviderBadAnswer, ProviderUnavailable)):
            await daily.download_transcript(LINK)

    assert (await daily.get_room(NAME)).id == ROOM_ID


async def test_deleting_says_whether_there_was_a_transcript(vendor, daily):
    vendor.delete(f"{BASE}/transcript/{ID}").respond(json=sample("transcript_deleted.json"))
    vendor.delete(f"{BASE}/transcript/gone").respond(404, json=sample("error_404_unknown_room.json"))

    assert await daily.delete_transcript(ID) is True
    assert await daily.delete_transcript("gone") is False


async def test_transcription_is_started_in_a_running_call(vendor, daily):
    route = vendor.post(f"{BASE}/rooms/{NAME}/transcription/start").respond(json=sample("transcription_started.json"))

    await daily.start_transcription(NAME)

    assert route.called


@pytest.mark.parametrize(
    ("status", "kind"),
    [(404, TranscriptionNotStarted), (400, ProviderBadAnswer), (503, ProviderUnavailable), (500, ProviderBadAnswer)],
)
async def test_transcription_that_does_not_start_is_not_started_again(vendor, daily, status, kind):
    route = vendor.post(f"{BASE}/rooms/{NAME}/transcription/start").mock(
        side_effect=lambda _: httpx.Response(
            status, json={"error": "invalid-request-error"}, headers={"retry-after": "0"}
        )
    )

    with pytest.raises(kind):
        await daily.start_transcription(NAME)

    assert route.call_count == 1


async def test_nothing_is_sent_without_a_key(vendor):
    async with vendor_client("Daily", BASE, map_error, key=KEY) as upstream:
        with pytest.raises(ProviderNotConfigured, match="DAILY_API_KEY"):
            await Daily(upstream, is_configured=False).list_transcripts(ROOM_ID)

    assert not vendor.calls


async def test_unknown_room_is_not_found(vendor, daily):
    vendor.get(f"{BASE}/rooms/{NAME}").respond(404, json=sample("error_404_unknown_room.json"))

    with pytest.raises(RoomNotFound):
        await daily.get_room(NAME)


async def test_requests_match_the_published_schema(vendor, daily):
    checker = SpecChecker.from_environment()
    if checker is None:
        pytest.skip(WITHOUT)
    vendor.post(f"{BASE}/rooms").respond(json=sample("room.json"))
    vendor.post(f"{BASE}/meeting-tokens").respond(json=sample("meeting_token.json"))
    vendor.get(f"{BASE}/transcript").respond(json=sample("transcripts.json"))
    vendor.get(f"{BASE}/transcript/{ID}/access-link").respond(json=sample("transcript_link.json"))
    vendor.delete(f"{BASE}/transcript/{ID}").respond(json=sample("transcript_deleted.json"))
    vendor.post(f"{BASE}/rooms/{NAME}/transcription/start").respond(json=sample("transcription_started.json"))

    await daily.create_room(NAME, ENDS, is_transcribed=True)
    await daily.create_meeting_token(NAME, "Ada", ENDS, user_id="u", is_owner=True, starts_transcription=True)
    await daily.list_transcripts(ROOM_ID)
    await daily.get_transcript_link(ID)
    await daily.delete_transcript(ID)
    await daily.start_transcription(NAME)

    assert len(vendor.calls) == 6
    for call in vendor.calls:
        checker.check(call.request)
