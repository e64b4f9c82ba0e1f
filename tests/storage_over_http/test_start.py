"""Starting over a database: it is migrated once for all processes, or one line says why it can not be used."""

import subprocess
import sys

import pytest

from tests.storage_over_http.databases import open_database
from tests.support.api_server import ROOT, own_environment, starting_api
from tests.support.ports import free_port
from tests.support.waiting import LIMIT_SECONDS

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
    """The port of a PostgreSQL server where the role `rooms` needs a password."""
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
        timeout=LIMIT_SECONDS,
        check=False,
    )
    return done.returncode, done.stdout


def assert_one_line_says_why(output):
    assert len([line for line in output.splitlines() if "DATABASE_URL" in line]) == 1
    assert "Traceback" not in output
    assert CANARY not in output


def test_unusable_database_url_ends_the_start_with_one_line(unusable, tmp_path):
    with starting_api(tmp_path, SANDBOX="true", DATABASE_URL=unusable) as server:
        code = server.process.wait()

    assert code == 3
    assert_one_line_says_why(server.log)


@pytest.mark.parametrize("unusable", ["form", "password"], indirect=True)
def test_unusable_database_url_ends_a_manual_migration_with_one_line(unusable, tmp_path):
    code, output = run(MIGRATE, tmp_path, DATABASE_URL=unusable)

    assert code == 1
    assert_one_line_says_why(output)
    assert len(output.splitlines()) == 1


def test_workers_that_can_not_start_are_not_restarted(tmp_path):
    with starting_api(tmp_path, "--workers", "2", SANDBOX="true", DATABASE_URL=UNKNOWN_SCHEME) as server:
        server.process.wait()

    assert server.log.count("DATABASE_URL: only SQLite and PostgreSQL are supported") == 2
    assert "Traceback" not in server.log
    assert CANARY not in server.log


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_manually_migrated_database_is_served(serve, database, tmp_path):
    code, output = run(MIGRATE, tmp_path, DATABASE_URL=database)

    assert (code, output.count("\n"), output.endswith(" is up to date.\n")) == (0, 1, True)
    assert serve(database).process.is_running
