"""Vendors that mostly answer well, and otherwise do anything that stands in the fault table."""

import random

from tests.faults.answers import answer_well
from tests.faults.table import IN_CHAT, IN_COMPLETION, IN_JSON, IN_STREAM, OF_VENDOR, ON_THE_WIRE, Row
from tests.faults.wire import Behaviour, Connection, Request

FAULTS = 0.12
"""The share of calls that go wrong: low enough that ten in a row are rare, which would open the breaker."""


async def behave(connection: Connection, request: Request) -> None:
    """Answer one call, somehow."""
    behaviour = answer_well if random.random() > FAULTS else _fault(request)
    await behaviour(connection, request)


def _fault(request: Request) -> Behaviour:
    vendor = request.path.split("/")[1]
    rows: tuple[Row, ...] = ON_THE_WIRE + OF_VENDOR[vendor]
    if vendor != "openrouter":
        rows += IN_JSON
    elif request.json().get("stream"):
        rows += IN_STREAM
    else:
        rows += IN_JSON + IN_COMPLETION + IN_CHAT
    return random.choice([row.behaviour for row in rows if row.behaviour is not None])
