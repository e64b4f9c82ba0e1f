"""Round trips to PostgreSQL, counted by a relay in between."""

import asyncio
from contextlib import asynccontextmanager

import pytest
from sqlalchemy.engine import make_url

from config import Settings
from services.storage.opening import open_storage
from tests.services.storage.interviews import (
    CANDIDATE,
    NOW,
    TRANSCRIPT,
    make_briefing,
    make_room,
    make_segments,
    make_turns,
    make_use,
    reserve,
)

pytestmark = pytest.mark.anyio

READY_FOR_QUERY = b"Z\x00\x00\x00\x05"
"""The message with which the server ends its response to a request."""


class Relay:
    """Forwards bytes in both directions and counts the server's responses."""

    def __init__(self, url) -> None:
        self.target = make_url(url)
        self.responses = 0
        self.sessions = []

    async def accept(self, reader, writer):
        self.sessions.append(asyncio.current_task())
        server_reader, server_writer = await asyncio.open_connection(self.target.host, self.target.port)
        await asyncio.gather(self.forward(reader, server_writer), self.forward(server_reader, writer, is_counted=True))

    async def forward(self, reader, writer, *, is_counted=False):
        end = b""
        while chunk := await reader.read(65536):
            if is_counted:
                self.responses += (end + chunk).count(READY_FOR_QUERY)
                end = chunk[-len(READY_FOR_QUERY) + 1 :]
            writer.write(chunk)
        writer.close()
        await writer.wait_closed()


@asynccontextmanager
async def relayed(url):
    relay = Relay(url)
    server = await asyncio.start_server(relay.accept, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    through = relay.target.set(host="127.0.0.1", port=port).update_query_dict({"sslmode": "disable"})
    settings = Settings(_env_file=None, database_url=through.render_as_string(hide_password=False))
    try:
        async with open_storage(settings, lambda: NOW) as storage:
            yield storage, relay
    finally:
        server.close()
        await asyncio.gather(*relay.sessions)


READS = {
    "room": lambda storage, room: storage.find(room.name, briefing=True, debrief=True, plan=True, transcript=True),
    "list": lambda storage, room: storage.list_rooms(room.owner, limit=20, starting_after=None, ended=False, now=NOW),
    "segments": lambda storage, room: storage.segments(room.name),
    "chat turns": lambda storage, room: storage.chat_turns(room.name),
    "ratings": lambda storage, room: storage.ratings(room.name),
    "decision": lambda storage, room: storage.decision(room.name),
    "same debrief": lambda storage, room: storage.find_debrief(room.name, "f", NOW),
    "phone call": lambda storage, room: storage.has_phone_call(room.name, "call"),
    "ping": lambda storage, _: storage.ping(),
}
SLOTS = {
    "claim": lambda storage, room: storage.claim_slot(room.name, "f", now=NOW, until=NOW, lease=NOW),
    "renewal": lambda storage, room: storage.renew_slot(room.name, NOW, NOW),
}
WRITES = {
    "briefing": lambda storage, room: storage.save_briefing(make_briefing(room.name)),
    "participant": lambda storage, room: storage.add_participant(room.name, CANDIDATE),
    "plan": lambda storage, room: storage.add_plan(room.name, NOW, "{}"),
    "debrief": lambda storage, room: storage.add_debrief(room.name, "f", NOW, "{}"),
    "rating": lambda storage, room: storage.add_rating(room.name, "ada", NOW, "{}"),
    "decision": lambda storage, room: storage.add_decision(room.name, NOW, "{}"),
}
LONGER_WRITES = {
    "transcript": lambda storage, room: storage.save_transcript(room.name, TRANSCRIPT),
    "chat": lambda storage, room: storage.add_chat_turns(room.name, make_turns("a", "b")),
    "segments": lambda storage, room: storage.add_segments(room.name, make_segments(*map(str, range(200))), NOW),
}


async def count_round_trips(url, call) -> int:
    """Of the second call, when the connection is open and its settings are known."""
    async with relayed(url) as (storage, relay):
        room = make_room()
        await storage.save_room(room)
        await call(storage, room)
        relay.responses = 0

        await call(storage, room)

        return relay.responses


@pytest.mark.parametrize("call", READS | SLOTS)
async def test_a_read_is_one_round_trip(postgresql_url, call):
    assert await count_round_trips(postgresql_url, (READS | SLOTS)[call]) == 1


async def test_participants_are_a_second_round_trip(postgresql_url):
    assert (
        await count_round_trips(postgresql_url, lambda storage, room: storage.find(room.name, participants=True)) == 2
    )


@pytest.mark.parametrize("call", WRITES)
async def test_a_write_is_its_transaction_the_lock_the_charge_and_the_record(postgresql_url, call):
    assert await count_round_trips(postgresql_url, WRITES[call]) == 5


@pytest.mark.parametrize("call", LONGER_WRITES)
async def test_a_write_of_many_records_takes_no_more_round_trips_for_more_records(postgresql_url, call):
    assert await count_round_trips(postgresql_url, LONGER_WRITES[call]) <= 7


async def test_a_reservation_is_five_round_trips_and_its_settlement_five(postgresql_url):
    uses = [make_use(f"budget {at}", most=1000) for at in range(4)]

    assert await count_round_trips(postgresql_url, lambda storage, _: reserve(storage, *uses)) == 5

    async def reserve_and_settle(storage, _):
        await reserve(storage, *uses, reservation="again")
        await storage.settle_uses("again", uses, 2)

    assert await count_round_trips(postgresql_url, reserve_and_settle) == 10
