"""Eight writers in a process of their own, to be killed: `python writer.py URL`.

Each names on stdout what was acknowledged: its room, and how many chat turns and
debriefs the room has by then. They stop when the database is lost.
"""

import asyncio
import os
import sys

from config import Settings
from services.errors import StorageUnavailable
from services.storage.opening import open_storage
from services.storage.protocol import Storage
from tests.services.storage.interviews import NOW, make_briefing, make_room, make_turns

WRITERS = 8


async def main() -> None:
    settings = Settings(_env_file=None, database_url=sys.argv[1])
    async with open_storage(settings, lambda: NOW) as storage:
        await asyncio.gather(*(write(storage) for _ in range(WRITERS)))


async def write(storage: Storage) -> None:
    room, count = make_room(), 0
    try:
        await storage.save_room(room)
        while True:
            count += 1
            await storage.add_chat_turns(room.name, make_turns(str(count)))
            await storage.save_briefing(make_briefing(room.name, str(count)))
            await storage.add_debrief(room.name, "f", NOW, str(count))
            os.write(1, f"{room.name} {count}\n".encode())
    except StorageUnavailable:
        return


if __name__ == "__main__":
    asyncio.run(main())
