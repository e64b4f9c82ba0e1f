"""The size of the pool of connections to PostgreSQL."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.storage_over_http.databases import drop_tables, open_database
from tests.support.interviews import open_briefed_room

CALLS = 12


def connections_of_the_service(url):
    query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    with open_database(url) as connection:
        return connection.execute(query).fetchone()[0]


@pytest.mark.parametrize("size", [1, 3])
def test_service_works_with_as_many_connections_as_it_may_have(serve, connect, own_server, size):
    drop_tables(own_server.url)
    client = connect(serve(own_server.url, DATABASE_POOL_SIZE=str(size)))

    with ThreadPoolExecutor(CALLS) as pool:
        rooms = list(pool.map(lambda _: open_briefed_room(client), range(CALLS)))

    assert len(set(rooms)) == CALLS
    assert connections_of_the_service(own_server.url) == size
