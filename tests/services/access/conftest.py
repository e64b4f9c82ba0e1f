import os
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.support.servers import Server, ServerMissing, redis_server


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def redis() -> Iterator[Server]:
    """A Redis of the test's own, so that it may be stopped."""
    with ExitStack() as stack:
        try:
            server = stack.enter_context(redis_server())
        except ServerMissing as missing:
            if os.environ.get("CI") == "true":
                raise
            pytest.skip(str(missing))
        yield server
