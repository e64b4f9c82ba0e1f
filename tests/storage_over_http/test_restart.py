"""Acknowledged writes survive a stop and a kill of the process."""

from concurrent.futures import ThreadPoolExecutor
from threading import Semaphore

import httpx
import pytest

from tests.support.interviews import TRANSCRIPT, open_briefed_room, open_room
from tests.support.waiting import LIMIT_SECONDS

LASTING = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)
KEY = {"Idempotency-Key": "the-first-try"}
PARTS = ("", "/briefing", "/chat", "/debrief")
WRITERS = 8
ENOUGH = 40
"""Acknowledgements before the kill; by then all eight writers are at work."""


def everything(client, name):
    return [client.get(f"/api/rooms/{name}{part}").json() for part in PARTS]


@LASTING
def test_everything_is_kept_over_a_restart(serve, connect, database):
    server = serve(database)
    client = connect(server)
    name = open_briefed_room(client)
    client.post(f"/api/rooms/{name}/chat", json={"message": "And compilers?"})
    debrief = client.post(f"/api/rooms/{name}/debrief", json={"transcript": TRANSCRIPT}, headers=KEY)
    before = everything(client, name)

    server.stop()
    client = connect(serve(database))

    assert everything(client, name) == before
    again = client.post(f"/api/rooms/{name}/debrief", json={"transcript": TRANSCRIPT}, headers=KEY)
    assert (again.content, again.headers["idempotency-replayed"]) == (debrief.content, "true")
    assert client.delete(f"/api/rooms/{name}").json()["deleted"]["debriefs"] == 1


class Writer:
    """Writes numbers to a room of its own until the service is gone. `acknowledged` is the last one that succeeded."""

    def __init__(self, url: str, acknowledgements: Semaphore) -> None:
        self.url = url
        self.acknowledgements = acknowledgements
        self.name = ""
        self.acknowledged = 0

    def write(self):
        with httpx.Client(base_url=self.url, trust_env=False, timeout=LIMIT_SECONDS) as client:
            try:
                self.name = open_room(client)
                while True:
                    self.write_number(client, self.acknowledged + 1)
                    self.acknowledged += 1
                    self.acknowledgements.release()
            except httpx.TransportError:
                return

    def write_number(self, client, number):
        room = f"/api/rooms/{self.name}"
        for path, body in (
            ("briefing", {"candidate_name": "Grace", "notes": str(number)}),
            ("chat", {"message": f"Question {number}"}),
            ("debrief", {"notes": f"Note {number}"}),
        ):
            assert client.post(f"{room}/{path}", json=body).is_success


@LASTING
def test_kill_during_writes_loses_no_acknowledged_write(serve, connect, database):
    server = serve(database)
    acknowledgements = Semaphore(0)
    writers = [Writer(server.url, acknowledgements) for _ in range(WRITERS)]

    with ThreadPoolExecutor(WRITERS) as threads:
        writing = [threads.submit(writer.write) for writer in writers]
        for _ in range(ENOUGH):
            assert acknowledgements.acquire(timeout=LIMIT_SECONDS)
        server.kill()
        assert [done.result() for done in writing] == [None] * WRITERS
    client = connect(serve(database))

    assert all(writer.acknowledged for writer in writers)
    for writer in writers:
        assert_all_is_there(client, writer)


def assert_all_is_there(client, writer):
    _, briefing, chat, debrief = everything(client, writer.name)
    asked = [turn["content"] for turn in chat["turns"] if turn["role"] == "user"]
    assert int(briefing["notes"]) >= writer.acknowledged
    assert asked[: writer.acknowledged] == [f"Question {number + 1}" for number in range(writer.acknowledged)]
    assert len(chat["turns"]) == 2 * len(asked)
    assert debrief["version"] >= writer.acknowledged
