"""Vendors that mostly work, and otherwise have any fault of the fault table."""

import random

from tests.faults.answers import answer_well
from tests.faults.table import IN_CHAT, IN_COMPLETION, IN_JSON, IN_STREAM, OF_VENDOR, ON_THE_WIRE, Row
from tests.faults.wire import Behaviour, Connection, Request

FAULTS = 0.12
"""The share of calls that fail: low enough that ten in a row, which open the circuit breaker, are rare."""

BELIEVED = frozenset({"404", "404 deleted"})
"""Left out: the service believes a vendor that says that a room or a phone call no longer exists."""


async def behave(connection: Connection, request: Request) -> None:
    """Answer one request correctly, or with a random fault."""
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
    return random.choice([row.behaviour for row in rows if row.behaviour is not None and row.fault not in BELIEVED])
