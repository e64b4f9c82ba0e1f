"""Acknowledged writes survive kill -9 of the writing process and of the database."""

import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

from config import Settings
from services.storage.opening import open_storage
from tests.services.storage.interviews import NOW

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).resolve().parents[3]
ENOUGH = 200
"""Acknowledgements before the kill; by then all eight write at once."""


@contextmanager
def writing(url):
    """A process with eight writers."""
    command = [sys.executable, "-m", "tests.services.storage.writer", url]
    with subprocess.Popen(command, cwd=ROOT, env={}, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def read_acknowledged(process, kill) -> dict[str, int]:
    """The last count that each room acknowledged, with everything killed in the middle."""
    acknowledged = {}
    for number, line in enumerate(process.stdout):
        if number == ENOUGH:
            kill()
        if line.endswith("\n"):
            name, count = line.split()
            acknowledged[name] = int(count)
    return acknowledged


async def assert_all_is_there(url, acknowledged):
    assert len(acknowledged) == 8
    async with open_storage(Settings(_env_file=None, database_url=url), lambda: NOW) as storage:
        for name, count in acknowledged.items():
            interview = await storage.find(name, briefing=True, debrief=True)
            turns = await storage.chat_turns(name)
            assert [turn.content for turn in turns][:count] == [str(at) for at in range(1, count + 1)]
            assert int(interview.briefing.notes) >= count
            assert interview.debrief.version >= count
            assert interview.debrief.document == str(interview.debrief.version)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql", "pgbouncer"])
async def test_killing_eight_writers_loses_no_acknowledged_write(request, tmp_path, kind):
    url = f"sqlite:///{tmp_path}/rooms.db" if kind == "sqlite" else request.getfixturevalue(f"{kind}_url")

    with writing(url) as process:
        acknowledged = read_acknowledged(process, process.kill)

    await assert_all_is_there(url, acknowledged)


async def test_killing_the_database_under_eight_writers_loses_no_acknowledged_write(own_server):
    with writing(own_server.url) as process:
        acknowledged = read_acknowledged(process, own_server.kill)
    own_server.start()

    await assert_all_is_there(own_server.url, acknowledged)
