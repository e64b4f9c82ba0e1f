"""The records of an interview, in every storage: chat turns, transcript, segments, plans, ratings, decisions."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from services.errors import RoomNotFound, TranscriptFull
from services.storage.records import (
    Claim,
    Segment,
    SegmentTotals,
    StoredDecision,
    StoredPlan,
    StoredRating,
    StoredTranscript,
)
from tests.services.storage.interviews import (
    CANDIDATE,
    INTERVIEWER,
    MINUTE,
    NOW,
    TRANSCRIPT,
    claim,
    complete,
    fill,
    make_room,
    make_segments,
    make_turns,
)

pytestmark = pytest.mark.anyio


@pytest.fixture
async def room(storage) -> str:
    room = make_room()
    await storage.save_room(room)
    return room.name


async def test_chat_turns_are_numbered_and_returned_in_order(storage, room):
    await storage.add_chat_turns(room, make_turns("1", "2", "3"))
    await storage.add_chat_turns(room, make_turns("4", "5"))

    turns = await storage.chat_turns(room)

    assert turns == (*make_turns("1", "2", "3"), *make_turns("4", "5", first=4))


async def test_chat_turns_of_other_rooms_do_not_count(storage, room):
    await fill(storage)
    await storage.add_chat_turns(room, make_turns("1"))

    assert [turn.number for turn in await storage.chat_turns(room)] == [1]


async def test_an_empty_list_of_chat_turns_adds_nothing(storage, room):
    await storage.add_chat_turns(room, [])

    assert await storage.chat_turns(room) == ()


@pytest.mark.parametrize(
    ("limit", "after", "numbers"),
    [
        (None, None, [1, 2, 3, 4, 5]),
        (2, None, [1, 2]),
        (2, 2, [3, 4]),
        (2, 4, [5]),
        (2, 5, []),
        (0, None, []),
        (None, 3, [4, 5]),
        (10, 99, []),
    ],
)
async def test_chat_turns_are_read_in_pages(storage, room, limit, after, numbers):
    await storage.add_chat_turns(room, make_turns("1", "2", "3", "4", "5"))

    turns = await storage.chat_turns(room, limit=limit, starting_after=after)

    assert [turn.number for turn in turns] == numbers


async def test_concurrent_chat_turns_get_numbers_without_gaps(storage, room):
    await asyncio.gather(*(storage.add_chat_turns(room, make_turns(f"{at}q", f"{at}a")) for at in range(8)))

    turns = await storage.chat_turns(room)

    assert [turn.number for turn in turns] == list(range(1, 17))
    for question, answer in zip(turns[::2], turns[1::2], strict=True):
        assert (question.content[0], question.role, answer.role) == (answer.content[0], "user", "assistant")


async def test_participants_are_found_in_the_order_of_their_tokens(storage, room):
    again = replace(CANDIDATE, user_id="user-3", joined_at=NOW + MINUTE)
    for participant in (CANDIDATE, INTERVIEWER, again):
        await storage.add_participant(room, participant)

    assert (await storage.find(room, participants=True)).participants == (CANDIDATE, INTERVIEWER, again)


async def test_a_saved_transcript_replaces_the_earlier_one_and_all_segments(storage, room):
    newer = StoredTranscript("daily", '{"transcript":"WEBVTT"}', NOW + MINUTE)
    await storage.save_transcript(room, TRANSCRIPT)
    await storage.add_segments(room, make_segments("a", "b"), NOW)

    await storage.save_transcript(room, newer)

    assert (await storage.find(room, transcript=True)).transcript == newer
    assert await storage.segments(room) == ()


async def test_a_transcript_that_must_not_replace_the_clients_replaces_only_one_from_daily(storage, room):
    older, newer = (StoredTranscript("daily", document, NOW) for document in ('"a"', '"b"'))

    saved = [await storage.save_transcript(room, each, keeps_clients=True) for each in (older, newer)]

    assert saved == [True, True]
    assert (await storage.find(room, transcript=True)).transcript == newer


@pytest.mark.parametrize("kind", ["transcript", "segments"])
async def test_what_the_client_sent_is_kept_where_that_is_asked_for(storage, room, kind):
    if kind == "transcript":
        await storage.save_transcript(room, TRANSCRIPT)
    else:
        await storage.add_segments(room, make_segments("a"), NOW)

    is_saved = await storage.save_transcript(room, StoredTranscript("daily", '"b"', NOW), keeps_clients=True)

    assert is_saved is False
    assert (await storage.find(room, transcript=True)).transcript == (TRANSCRIPT if kind == "transcript" else None)
    assert len(await storage.segments(room)) == (1 if kind == "segments" else 0)


async def test_deleting_the_transcript_leaves_neither_transcript_nor_segments(storage, room):
    other = await fill(storage)
    await storage.save_transcript(room, TRANSCRIPT)
    await storage.add_segments(room, make_segments("a", "b"), NOW)

    await storage.delete_transcript(room)
    await storage.delete_transcript(room)

    assert (await storage.find(room, transcript=True)).transcript is None
    assert await storage.segments(room) == ()
    assert len(await storage.segments(other)) == 2


async def test_no_transcript_is_deleted_of_an_unknown_room(storage):
    with pytest.raises(RoomNotFound):
        await storage.delete_transcript("nowhere")


async def test_totals_count_turns_characters_and_speakers(storage, room):
    spoken = [("Ada", "Why?"), ("Grace", "So."), ("Grace", "That's it."), ("Ada", "Né")]
    lines = [Segment(str(at), speaker, text) for at, (speaker, text) in enumerate(spoken)]

    totals = await storage.add_segments(room, lines, NOW)

    assert totals == SegmentTotals(segments=4, turns=3, characters=19, speakers=2, speaker_characters=8)
    assert await storage.add_segments(room, [], NOW) == totals


async def test_no_segments_amount_to_nothing(storage, room):
    assert await storage.add_segments(room, [], NOW) == SegmentTotals(0, 0, 0, 0, 0)


@pytest.mark.parametrize("name", ["segments", "turns", "characters", "speakers", "speaker_characters"])
async def test_segments_beyond_a_limit_are_refused_and_nothing_is_stored(storage, room, name):
    kept = Segment("a", "Ada", "Why?", None, NOW)
    totals = await storage.add_segments(room, [kept], NOW)
    limit = replace(SegmentTotals(9, 9, 99, 9, 99), **{name: getattr(totals, name)})

    with pytest.raises(TranscriptFull):
        await storage.add_segments(room, [Segment("a", "Bo", "Oh."), Segment("b", "Grace", "So.")], NOW, limit=limit)

    assert await storage.segments(room) == (kept,)


async def test_a_segment_is_replaced_at_the_limit(storage, room):
    limit = await storage.add_segments(room, make_segments("a", "b"), NOW)

    totals = await storage.add_segments(room, make_segments("a"), NOW, limit=limit)

    assert totals == limit


async def test_segments_come_back_in_the_order_in_which_they_were_first_sent(storage, room):
    await storage.add_segments(room, make_segments("b", "a"), NOW)
    await storage.add_segments(room, make_segments("c"), NOW)

    assert await storage.segments(room) == tuple(make_segments("b", "a", "c"))


async def test_a_segment_that_is_sent_again_is_replaced_in_its_place(storage, room):
    await storage.add_segments(room, make_segments("a", "b"), NOW)

    corrected = Segment("a", "Grace Hopper", "I led it.", None, NOW + MINUTE)
    totals = await storage.add_segments(room, [corrected, *make_segments("c")], NOW + MINUTE)

    assert totals.segments == 3
    last = replace(make_segments("c")[0], updated_at=NOW + MINUTE)
    assert await storage.segments(room) == (corrected, make_segments("b")[0], last)


async def test_repeated_id_in_a_batch_keeps_its_first_place_and_last_text(storage, room):
    first, second, third = Segment("a", "Grace", "I"), Segment("b", "Ada", "Hm"), Segment("a", "Grace", "I led it.")

    totals = await storage.add_segments(room, [first, second, third], NOW)

    assert totals.segments == 2
    assert [(one.id, one.text) for one in await storage.segments(room)] == [("a", "I led it."), ("b", "Hm")]


async def test_the_same_ids_in_another_room_are_other_segments(storage, room):
    await storage.add_segments(await fill(storage), make_segments("a", text="Elsewhere."), NOW)

    assert (await storage.add_segments(room, make_segments("a"), NOW)).segments == 1
    assert await storage.segments(room) == tuple(make_segments("a"))


async def test_concurrent_batches_keep_every_segment_once(storage, room):
    batches = [make_segments(*(f"{at}-{number}" for number in range(20)), "shared") for at in range(6)]

    totals = await asyncio.gather(*(storage.add_segments(room, batch, NOW) for batch in batches))

    ids = [segment.id for segment in await storage.segments(room)]
    assert max(each.segments for each in totals) == len(ids) == len(set(ids)) == 6 * 20 + 1
    for at in range(6):
        assert [one for one in ids if one.startswith(f"{at}-")] == [f"{at}-{number}" for number in range(20)]


async def test_a_room_takes_thousands_of_segments(storage, room):
    for first in range(0, 4000, 200):
        totals = await storage.add_segments(room, make_segments(*(str(first + at) for at in range(200))), NOW)

    assert totals.segments == 4000
    assert [segment.id for segment in await storage.segments(room)] == [str(at) for at in range(4000)]


async def test_the_latest_plan_is_found(storage, room):
    assert [await storage.add_plan(room, NOW, document) for document in ("{}", '{"a":1}')] == [1, 2]

    assert (await storage.find(room, plan=True)).plan == StoredPlan(2, NOW, '{"a":1}')


@pytest.mark.parametrize("kind", ["add_plan", "add_decision"])
async def test_concurrent_versions_have_no_gaps(storage, room, kind):
    versions = await asyncio.gather(*(getattr(storage, kind)(room, NOW, "{}") for _ in range(12)))

    assert sorted(versions) == list(range(1, 13))


async def test_the_submissions_of_a_rater_are_numbered(storage, room):
    first = await storage.add_rating(room, "bob", NOW, '{"n":1}')
    await storage.add_rating(room, "ada", NOW, "{}")
    second = await storage.add_rating(room, "bob", NOW + MINUTE, '{"n":2}')

    assert first == StoredRating("bob", 1, NOW, '{"n":1}')
    assert second == StoredRating("bob", 2, NOW + MINUTE, '{"n":2}')
    assert await storage.ratings(room) == (StoredRating("ada", 1, NOW, "{}"), first, second)


async def test_two_raters_at_once_are_both_sealed_as_first(storage, room):
    submitted = await asyncio.gather(*(storage.add_rating(room, rater, NOW, "{}") for rater in ("ada", "bob") * 3))

    assert sorted((one.rater, one.number) for one in submitted) == [
        (rater, number) for rater in ("ada", "bob") for number in (1, 2, 3)
    ]


async def test_raters_are_sorted_alike_in_every_storage(storage, room):
    raters = ["é", "e", "B", "a", "Ä", "_", "9"]
    for rater in raters:
        await storage.add_rating(room, rater, NOW, "{}")

    assert [one.rater for one in await storage.ratings(room)] == sorted(raters)


async def test_the_latest_decision_is_found(storage, room):
    assert await storage.decision(room) is None

    await storage.add_decision(room, NOW, '{"decision":"hold"}')
    await storage.add_decision(room, NOW + timedelta(hours=1), '{"decision":"advance"}')

    assert await storage.decision(room) == StoredDecision(2, NOW + timedelta(hours=1), '{"decision":"advance"}')


async def test_an_unknown_room_has_no_records(storage):
    assert await storage.segments("nowhere") == ()
    assert await storage.chat_turns("nowhere") == ()
    assert await storage.ratings("nowhere") == ()
    assert await storage.decision("nowhere") is None


async def test_nothing_is_stored_under_an_erased_room_whose_id_is_kept(storage, room):
    kept = (await storage.find(room)).room
    await storage.erase(room)
    await storage.save_room(kept.erased(NOW))

    for write in (
        storage.save_transcript(room, TRANSCRIPT),
        storage.add_segments(room, make_segments("a"), NOW),
        storage.add_participant(room, CANDIDATE),
        storage.delete_transcript(room),
    ):
        with pytest.raises(RoomNotFound):
            await write

    await claim(storage, "slot")
    await complete(storage, "slot", room)
    assert await claim(storage, "slot") == Claim("started")
    found = await storage.find(room, transcript=True, participants=True)
    assert (found.room.daily_id, found.room.is_erased) == (kept.daily_id, True)
    assert (found.room.candidate_name, found.transcript, found.participants) == (None, None, ())
    assert await storage.list_rooms(kept.owner, limit=10, starting_after=None, ended=None, now=NOW) == ()
