"""The start over a database: once for all processes, or one line that says why not."""

import subprocess
import sys

import pytest

from tests.storage_over_http.databases import open_database
from tests.support.api_server import ROOT, START_SECONDS, own_environment, start_api
from tests.support.servers import free_port

CANARY = "canary-7f3a"
UNKNOWN_SCHEME = f"mysql://rooms:{CANARY}@127.0.0.1/rooms"
MIGRATE = [sys.executable, "-m", "services.storage.migrate"]

UNUSABLE = {
    "form": f"postgresql//rooms:{CANARY}@127.0.0.1/rooms",
    "folder": "sqlite:///./no/such/folder/rooms.db",
    "port": f"postgresql://rooms:{CANARY}@127.0.0.1:{{port}}/rooms",
    "password": f"postgresql://rooms:{CANARY}@127.0.0.1:{{server}}/postgres",
}


@pytest.fixture(scope="module")
def locked_port(own_server):
    """Of a PostgreSQL where the role `rooms` must show a password."""
    hba = own_server.directory / "cluster" / "pg_hba.conf"
    hba.write_text("host all rooms all scram-sha-256\n" + hba.read_text())
    with open_database(own_server.url) as connection:
        connection.execute("CREATE ROLE rooms LOGIN PASSWORD 'another'")
        connection.execute("SELECT pg_reload_conf()")
    return own_server.port


@pytest.fixture(params=UNUSABLE)
def unusable(request):
    """A `DATABASE_URL` that stops the start."""
    url = UNUSABLE[request.param]
    server = request.getfixturevalue("locked_port") if "{server}" in url else None
    return url.format(port=free_port(), server=server)


def run(command, folder, **settings):
    done = subprocess.run(
        command,
        cwd=folder,
        env=own_environment(PYTHONPATH=str(ROOT), **settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=START_SECONDS,
        check=False,
    )
    return done.returncode, done.stdout


def assert_one_line_tells_why(said):
    assert len([line for line in said.splitlines() if "DATABASE_URL" in line]) == 1
    assert "Traceback" not in said
    assert CANARY not in said


def test_an_unusable_database_url_stops_the_start_with_one_line(unusable, tmp_path):
    server = start_api(tmp_path, SANDBOX="true", DATABASE_URL=unusable)

    assert server.process.wait(START_SECONDS) == 3
    assert_one_line_tells_why(server.log)


@pytest.mark.parametrize("unusable", ["form", "password"], indirect=True)
def test_an_unusable_database_url_stops_migrating_by_hand_with_one_line(unusable, tmp_path):
    code, said = run(MIGRATE, tmp_path, DATABASE_URL=unusable)

    assert code == 1
    assert_one_line_tells_why(said)
    assert len(said.splitlines()) == 1


def test_workers_that_can_not_start_are_not_started_again_and_again(tmp_path):
    server = start_api(tmp_path, "--workers", "2", SANDBOX="true", DATABASE_URL=UNKNOWN_SCHEME)

    server.process.wait(START_SECONDS)

    assert server.log.count("DATABASE_URL: only SQLite and PostgreSQL are supported") == 2
    assert "Traceback" not in server.log
    assert CANARY not in server.log


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_database_that_was_migrated_by_hand_is_served(serve, database, tmp_path):
    code, said = run(MIGRATE, tmp_path, DATABASE_URL=database)

    assert (code, said.count("\n"), said.endswith(" is up to date.\n")) == (0, 1, True)
    assert serve(database).process.poll() is None
