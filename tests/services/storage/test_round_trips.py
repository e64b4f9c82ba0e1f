"""What goes over the wire to PostgreSQL, counted by a relay between the two."""

import asyncio
from contextlib import asynccontextmanager

import pytest
from sqlalchemy.engine import make_url

from config import Settings
from services.storage.opening import open_storage
from tests.services.storage.interviews import NOW, make_briefing, make_room, make_turns

pytestmark = pytest.mark.anyio

SYNC = b"S\x00\x00\x00\x04"
"""The message that ends a request; the server answers nothing before it."""


class Relay:
    """Passes bytes on, and counts the requests in them."""

    def __init__(self, url) -> None:
        self.target = make_url(url)
        self.requests = 0
        self.sessions = []

    async def accept(self, reader, writer):
        self.sessions.append(asyncio.current_task())
        server_reader, server_writer = await asyncio.open_connection(self.target.host, self.target.port)
        await asyncio.gather(self.pass_on(reader, server_writer, SYNC), self.pass_on(server_reader, writer))

    async def pass_on(self, reader, writer, counted=None):
        while chunk := await reader.read(65536):
            if counted:
                self.requests += chunk.count(counted)
            writer.write(chunk)
        writer.close()
        await writer.wait_closed()


@asynccontextmanager
async def relayed(url):
    relay = Relay(url)
    server = await asyncio.start_server(relay.accept, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    through = relay.target.set(host="127.0.0.1", port=port).update_query_dict({"sslmode": "disable"})
    async with open_storage(
        Settings(_env_file=None, database_url=through.render_as_string(hide_password=False)), lambda: NOW
    ) as storage:
        yield storage, relay
    server.close()
    await asyncio.gather(*relay.sessions)


@pytest.mark.parametrize(
    "call",
    [
        lambda storage, room: storage.find(room.name, briefing=True, debrief=True),
        lambda storage, room: storage.save_room(room),
        lambda storage, room: storage.save_briefing(make_briefing(room.name)),
        lambda storage, room: storage.add_chat_turns(room.name, make_turns("a", "b")),
        lambda storage, room: storage.chat_turns(room.name),
        lambda storage, room: storage.add_debrief(room.name, "f", NOW, "{}"),
        lambda storage, room: storage.find_debrief(room.name, "f", NOW),
        lambda storage, room: storage.claim_slot(room.name, "f", now=NOW, until=NOW, lease=NOW),
        lambda storage, room: storage.renew_slot(room.name, NOW, NOW),
        lambda storage, room: storage.has_phone_call(room.name, "call"),
        lambda storage, _: storage.ping(),
    ],
    ids=["find", "room", "briefing", "chat", "turns", "debrief", "same debrief", "slot", "lease", "call", "ping"],
)
async def test_a_call_is_one_round_trip(postgresql_url, call):
    async with relayed(postgresql_url) as (storage, relay):
        room = make_room()
        await storage.save_room(room)
        await call(storage, room)
        relay.requests = 0

        await call(storage, room)

        assert relay.requests == 1
