"""Every SQL statement, made once, so that SQLAlchemy compiles each once; and how rows become records."""

import json
import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from pydantic import ValidationError
from sqlalchemy import (
    Boolean,
    ColumnElement,
    Delete,
    Executable,
    Select,
    and_,
    bindparam,
    delete,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from services.briefing import Briefing
from services.errors import UnreadableRecord
from services.storage.records import ChatTurn, Claim, Room, StoredDebrief, StoredResponse, StoredRoom
from services.storage.tables import briefings, chat_turns, debriefs, idempotency_slots, phone_calls, quota_uses, rooms

log = logging.getLogger(__name__)

NAME: ColumnElement[str] = bindparam("name")
SLOT: ColumnElement[str] = bindparam("slot")
_DEBRIEF = tuple(column for column in debriefs.c if column.name != "room")
_ROOM_WIDTH = len(rooms.c)


PING = select(literal(1))
PING_TO_WRITE = select(func.current_setting("transaction_read_only"))
"""PostgreSQL tells where it only reads, as a standby does: of no use to us."""


def _find(*, briefing: bool, debrief: bool) -> Select[Any]:
    statement = select(rooms).where(rooms.c.name == NAME)
    if briefing:
        statement = statement.add_columns(briefings.c.document).outerjoin(briefings, briefings.c.room == rooms.c.name)
    if debrief:
        latest = select(func.max(debriefs.c.version)).where(debriefs.c.room == NAME).scalar_subquery()
        is_latest = and_(debriefs.c.room == rooms.c.name, debriefs.c.version == latest)
        statement = statement.add_columns(*_DEBRIEF).outerjoin(debriefs, is_latest)
    return statement


FIND = {(asked, too): _find(briefing=asked, debrief=too) for asked in (False, True) for too in (False, True)}
"""By whether the briefing and the latest debrief are asked for."""

FIND_DEBRIEF = (
    select(*_DEBRIEF)
    .where(
        debriefs.c.room == NAME,
        debriefs.c.fingerprint == bindparam("fingerprint"),
        debriefs.c.created_at >= bindparam("since"),
    )
    .order_by(debriefs.c.version.desc())
    .limit(1)
)
CHAT_TURNS = select(chat_turns.c.role, chat_turns.c.content, chat_turns.c.at).where(chat_turns.c.room == NAME)
CHAT_TURNS = CHAT_TURNS.order_by(chat_turns.c.id)
HAS_PHONE_CALL = select(literal(1)).where(phone_calls.c.room == NAME, phone_calls.c.call_id == bindparam("call_id"))

LOCK_ROOM = select(rooms.c.name).where(rooms.c.name == NAME).with_for_update()
LOCK_QUOTAS = select(rooms.c.name).where(rooms.c.name == NAME).with_for_update(key_share=True)
"""Who counts uses of the room's quotas takes turns; others may save something under the room meanwhile."""
ERASE_ROOM = delete(rooms).where(rooms.c.name == NAME)

_ended = select(rooms.c.name).where(rooms.c.expires_at < bindparam("before"))
_ended_batch = _ended.order_by(rooms.c.expires_at).limit(bindparam("limit")).with_for_update(skip_locked=True).cte()
ERASE_ENDED = delete(rooms).where(rooms.c.name.in_(select(_ended_batch.c.name))).returning(rooms.c.name)
"""One statement; rooms that another process is erasing are passed over."""

LATEST_USES = (
    select(quota_uses.c.at)
    .where(quota_uses.c.room == NAME, quota_uses.c.quota == bindparam("quota"), quota_uses.c.at > bindparam("since"))
    .order_by(quota_uses.c.at.desc())
    .limit(bindparam("most"))
)
ADD_USE = insert(quota_uses)
REFUND_QUOTA = delete(quota_uses).where(quota_uses.c.room == NAME, quota_uses.c.id == bindparam("use"))

FIND_SLOT = select(
    idempotency_slots.c.fingerprint,
    idempotency_slots.c.lease,
    idempotency_slots.c.status,
    idempotency_slots.c.headers,
    idempotency_slots.c.body,
).where(idempotency_slots.c.slot == SLOT)
COMPLETE_SLOT = (
    update(idempotency_slots)
    .where(idempotency_slots.c.slot == bindparam("key"))
    .values({name: bindparam(name) for name in ("status", "headers", "body", "room", "until")})
)
RENEW_SLOT = (
    update(idempotency_slots)
    .where(
        idempotency_slots.c.slot == bindparam("key"),
        idempotency_slots.c.lease == bindparam("held"),
        idempotency_slots.c.status.is_(None),
    )
    .values(lease=bindparam("end"))
)
DELETE_SLOT = delete(idempotency_slots).where(idempotency_slots.c.slot == SLOT)
RELEASE_SLOT = DELETE_SLOT.where(idempotency_slots.c.status.is_(None))
DELETE_EXPIRED_RESPONSES = delete(idempotency_slots).where(idempotency_slots.c.until <= bindparam("now"))


def erase_from(children: Any) -> Delete:
    """Delete what belongs to the room in one of the tables."""
    return delete(children).where(children.c.room == NAME)


class Upserts:
    """The statements that need `ON CONFLICT`, which each database has an `insert` of its own for."""

    def __init__(self, kind: str) -> None:
        make: Callable[..., Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}[kind]
        self.save_room: Executable = make(rooms).on_conflict_do_nothing()
        briefing = make(briefings)
        self.save_briefing: Executable = briefing.on_conflict_do_update(
            index_elements=["room"], set_={"document": briefing.excluded.document}
        )
        self.add_phone_call: Executable = make(phone_calls).on_conflict_do_nothing()
        self.add_debrief: Executable = (
            make(debriefs)
            .from_select([column.name for column in debriefs.c], _next_version())
            .on_conflict_do_nothing()
            .returning(debriefs.c.version)
        )
        self.claim_slot: Executable = _claim_slot(make)


def _next_version() -> Select[Any]:
    """The row of a new debrief, or none where there is no such room."""
    version = select(func.coalesce(func.max(debriefs.c.version), 0) + 1).where(debriefs.c.room == NAME)
    values = (bindparam(name, type_=debriefs.c[name].type) for name in ("fingerprint", "created_at", "document"))
    return select(rooms.c.name, version.scalar_subquery(), *values).where(rooms.c.name == NAME)


def _claim_slot(make: Callable[..., Any]) -> Executable:
    """Insert the slot, or take it over where it is free; a row comes back only then."""
    statement = make(idempotency_slots).values(
        {name: bindparam(name) for name in ("slot", "fingerprint", "until", "lease", "room")}
    )
    held, new = idempotency_slots.c, statement.excluded
    now = bindparam("now", type_=held.until.type)
    claimed = {"fingerprint": new.fingerprint, "until": new.until, "lease": new.lease, "room": new.room}
    emptied = {"status": None, "headers": None, "body": None}
    may_take_over = and_(bindparam("is_repeatable", type_=Boolean), held.status.is_(None), held.lease <= now)
    is_free = or_(held.until <= now, may_take_over)
    upsert = statement.on_conflict_do_update(index_elements=["slot"], set_=claimed | emptied, where=is_free)
    returning: Executable = upsert.returning(held.slot)
    return returning


def read_interview(row: Sequence[Any], *, briefing: bool, debrief: bool) -> StoredRoom:
    """A row of FIND as the records it holds."""
    columns = iter(row[_ROOM_WIDTH:])
    document = next(columns) if briefing else None
    stored_debrief = tuple(columns) if debrief else ()
    return StoredRoom(
        Room(*row[:_ROOM_WIDTH]),
        _read_briefing(document) if document is not None else None,
        StoredDebrief(*stored_debrief) if debrief and stored_debrief[0] is not None else None,
    )


def _read_briefing(document: str) -> Briefing:
    try:
        return Briefing.model_validate_json(document)
    except ValidationError as error:
        fields = {".".join(map(str, problem["loc"])) for problem in error.errors(include_input=False)}
        log.error("a stored briefing can't be read: %s", ", ".join(sorted(fields)) or "it is not JSON")  # noqa: TRY400
        raise UnreadableRecord("briefing") from None


def read_debrief(row: Sequence[Any]) -> StoredDebrief:
    """A row of FIND_DEBRIEF."""
    return StoredDebrief(*row)


def read_turn(row: Sequence[Any]) -> ChatTurn:
    """A row of CHAT_TURNS."""
    return ChatTurn(*row)


def read_claim(row: Sequence[Any], used_for: str, now: datetime, *, is_repeatable: bool) -> Claim:
    """A row of FIND_SLOT as the result of a claim that did not get the slot."""
    fingerprint, lease, status, headers, body = row
    if fingerprint != used_for:
        return Claim("mismatch")
    if status is not None:
        pairs = tuple((name, value) for name, value in json.loads(headers))
        return Claim("done", StoredResponse(status, pairs, body, is_replayed=True))
    return Claim("running" if is_repeatable or now < lease else "abandoned")
