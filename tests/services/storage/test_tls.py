"""A PostgreSQL server that accepts encrypted connections only, with each `sslmode`."""

import os
import shutil

import pytest
import trustme

from services.storage.database_url import UnusableDatabaseUrl
from tests.services.storage.conftest import open_at
from tests.services.storage.interviews import make_room
from tests.storage_over_http.databases import open_database

pytestmark = pytest.mark.anyio

AUTHORITY = trustme.CA()
ANOTHER_AUTHORITY = trustme.CA()


@pytest.fixture(scope="module")
def encrypted(own_server):
    """A server whose certificate is for 127.0.0.1, and which refuses plain connections."""
    folder = own_server.directory
    certificate = AUTHORITY.issue_cert("127.0.0.1")
    key = folder / "server.key"
    certificate.private_key_pem.write_to_path(key)
    certificate.cert_chain_pems[0].write_to_path(folder / "server.crt")
    key.chmod(0o600)
    if os.geteuid() == 0:
        shutil.chown(key, "postgres")
        shutil.chown(folder / "server.crt", "postgres")
    (folder / "cluster" / "pg_hba.conf").write_text("hostssl all all all trust\n")
    with open_database(own_server.url) as connection:
        connection.execute(f"ALTER SYSTEM SET ssl_cert_file = '{folder}/server.crt'")
        connection.execute(f"ALTER SYSTEM SET ssl_key_file = '{key}'")
        connection.execute("ALTER SYSTEM SET ssl = on")
    own_server.stop()
    own_server.start()
    return own_server


@pytest.fixture
def roots(tmp_path):
    """A folder with the certificates of a trusted and of another authority."""
    for name, authority in (("right", AUTHORITY), ("wrong", ANOTHER_AUTHORITY)):
        authority.cert_pem.write_to_path(tmp_path / f"{name}.pem")
    return tmp_path


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?sslmode=require",
        "?sslmode=verify-ca&sslrootcert={roots}/right.pem",
        "?sslmode=verify-full&sslrootcert={roots}/right.pem",
    ],
)
async def test_a_room_is_stored_over_an_encrypted_connection(encrypted, roots, query):
    room = make_room()

    async with open_at(encrypted.url + query.format(roots=roots)) as storage:
        await storage.save_room(room)

        assert (await storage.find(room.name)).room == room


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("?sslmode=disable", "no encryption"),
        ("?sslmode=verify-full", "certificate verify failed"),
        ("?sslmode=verify-ca&sslrootcert={roots}/wrong.pem", "certificate verify failed"),
        ("?sslmode=verify-full&sslrootcert={roots}/missing.pem", "missing.pem"),
    ],
)
async def test_an_unencrypted_or_untrusted_connection_ends_the_start(encrypted, roots, query, reason):
    with pytest.raises(UnusableDatabaseUrl, match=f"^DATABASE_URL: .*{reason}"):
        await open_at(encrypted.url + query.format(roots=roots)).__aenter__()


async def test_verify_full_checks_the_host_name_and_verify_ca_does_not(encrypted, roots):
    url = encrypted.url.replace("127.0.0.1", "localhost") + f"?sslrootcert={roots}/right.pem&sslmode="

    async with open_at(f"{url}verify-ca") as storage:
        await storage.ping()
    with pytest.raises(UnusableDatabaseUrl, match="does not match host name"):
        await open_at(f"{url}verify-full").__aenter__()
