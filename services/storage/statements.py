"""The SQL statements about rooms and their records, built once, so that SQLAlchemy compiles each once."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Delete,
    Executable,
    Insert,
    Integer,
    LargeBinary,
    ScalarSelect,
    Select,
    Table,
    Text,
    Update,
    and_,
    bindparam,
    cast,
    delete,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from services.storage.storage_budget import ROW_BYTES
from services.storage.tables import (
    briefings,
    chat_turns,
    debriefs,
    decisions,
    participants,
    phone_calls,
    plans,
    ratings,
    rooms,
    segments,
    transcripts,
)

NAME: ColumnElement[str] = bindparam("room_name")
"""Parameter for the room's name. SQLAlchemy requires a name that no column has."""
LIMIT: ColumnElement[int] = bindparam("limit", type_=Integer)


def without_room(table: Table) -> list[ColumnElement[Any]]:
    """The columns of a record, without the room's name."""
    return [column for column in table.c if column.name != "room"]


ROOM = [column for column in rooms.c if column.name != "stored_bytes"]
PARTS = {"briefing": briefings, "debrief": debriefs, "plan": plans, "transcript": transcripts}
"""The parts of a room that are found together with it."""

SEGMENT_TEXTS = ("id", "speaker", "text", "at")

PING = select(literal(1))
PING_TO_WRITE = select(func.current_setting("transaction_read_only"))
"""`on` on a PostgreSQL server that accepts no writes, such as a standby."""


IS_NOT_ERASED = rooms.c.url != ""
"""See `Room.is_erased`."""


@cache
def find_statement(*parts: str) -> Select[Any]:
    """Selects a room with these `PARTS`. Of versioned parts it selects the latest."""
    statement = select(*ROOM).where(rooms.c.name == NAME)
    for table in map(PARTS.__getitem__, parts):
        is_its = table.c.room == rooms.c.name
        if "version" in table.c:
            latest = select(func.max(table.c.version)).where(table.c.room == NAME).scalar_subquery()
            is_its = and_(is_its, table.c.version == latest)
        statement = statement.add_columns(*without_room(table)).outerjoin(table, is_its)
    return statement


@cache
def list_statement(*, is_continued: bool, ended: bool | None) -> Select[Any]:
    """Select rooms of an owner, newest first, with what is stored under each."""
    has = (
        exists().where(briefings.c.room == rooms.c.name),
        or_(exists().where(transcripts.c.room == rooms.c.name), exists().where(segments.c.room == rooms.c.name)),
        exists().where(debriefs.c.room == rooms.c.name),
        exists().where(decisions.c.room == rooms.c.name),
    )
    statement = select(*ROOM, *has).where(rooms.c.owner == bindparam("owner"), IS_NOT_ERASED)
    if is_continued:
        last = rooms.alias("last")
        after: ColumnElement[str] = bindparam("starting_after")
        is_own = last.c.owner == bindparam("owner")
        created_at = select(last.c.created_at).where(last.c.name == after, is_own).scalar_subquery()
        is_older = or_(rooms.c.created_at < created_at, rooms.c.name < after)
        statement = statement.where(rooms.c.created_at <= created_at, is_older)
    if ended is not None:
        now = bindparam("now", type_=rooms.c.expires_at.type)
        statement = statement.where(rooms.c.expires_at <= now if ended else rooms.c.expires_at > now)
    return statement.order_by(rooms.c.created_at.desc(), rooms.c.name.desc()).limit(LIMIT)


IS_OWNED = select(literal(1)).where(rooms.c.name == NAME, rooms.c.owner == bindparam("owner"))
PAYER = select(rooms.c.payer).where(rooms.c.name == NAME)
STORED = select(func.count(), func.coalesce(func.sum(rooms.c.stored_bytes), 0), func.min(rooms.c.expires_at)).where(
    rooms.c.payer == bindparam("payer")
)
LOCK_ROOM_TO_ERASE = select(rooms.c.name).where(rooms.c.name == NAME).with_for_update()
LOCK_ROOM_TO_WRITE = select(rooms.c.name).where(rooms.c.name == NAME, IS_NOT_ERASED).with_for_update(key_share=True)
"""Locks the room before rows below it, as an erasure does, so that neither waits for rows of the other."""
ERASE_ROOM = delete(rooms).where(rooms.c.name == NAME)

_ended = select(rooms.c.name).where(rooms.c.expires_at < bindparam("before"))
_ended_batch = _ended.order_by(rooms.c.expires_at).limit(LIMIT).with_for_update(skip_locked=True).cte()
ERASE_ENDED = delete(rooms).where(rooms.c.name.in_(select(_ended_batch.c.name))).returning(rooms.c.name)
"""Rooms that another process is deleting are skipped."""

PARTICIPANTS = (
    select(participants.c.name, participants.c.role, participants.c.user_id, participants.c.joined_at)
    .where(participants.c.room == NAME)
    .order_by(participants.c.number)
)
CHAT_TURNS = (
    select(chat_turns.c.role, chat_turns.c.content, chat_turns.c.at, chat_turns.c.number)
    .where(chat_turns.c.room == NAME, chat_turns.c.number > bindparam("after"))
    .order_by(chat_turns.c.number)
    .limit(LIMIT)
)
SEGMENTS = (
    select(segments.c.id, segments.c.speaker, segments.c.text, segments.c.at, segments.c.updated_at)
    .where(segments.c.room == NAME)
    .order_by(segments.c.number)
)
IS_FROM_CLIENT = select(literal(1)).where(
    or_(
        exists().where(segments.c.room == NAME),
        exists().where(transcripts.c.room == NAME, transcripts.c.source == "client"),
    )
)


def _segment_totals() -> Select[Any]:
    """Select the columns of `SegmentTotals`. A join to the segment before is faster than a window function."""
    before = segments.alias()
    is_before = and_(before.c.room == segments.c.room, before.c.number == segments.c.number - 1)
    speakers = select(segments.c.speaker).where(segments.c.room == NAME).distinct().cte()
    return (
        select(
            func.count(),
            func.count().filter(segments.c.speaker.is_distinct_from(before.c.speaker)),
            _sum_of_lengths(segments.c.text),
            select(func.count()).select_from(speakers).scalar_subquery(),
            select(_sum_of_lengths(speakers.c.speaker)).scalar_subquery(),
        )
        .select_from(segments.outerjoin(before, is_before))
        .where(segments.c.room == NAME)
    )


def _sum_of_lengths(text: ColumnElement[str]) -> ColumnElement[int]:
    return func.coalesce(func.sum(func.length(text)), 0)


SEGMENT_TOTALS = _segment_totals()
RATINGS = select(*without_room(ratings)).where(ratings.c.room == NAME)
DECISION = select(*without_room(decisions)).where(decisions.c.room == NAME).order_by(decisions.c.number.desc()).limit(1)
FIND_DEBRIEF = (
    select(*without_room(debriefs))
    .where(
        debriefs.c.room == NAME,
        debriefs.c.fingerprint == bindparam("fingerprint"),
        debriefs.c.created_at >= bindparam("since"),
    )
    .order_by(debriefs.c.version.desc())
    .limit(1)
)
HAS_PHONE_CALL = select(literal(1)).where(phone_calls.c.room == NAME, phone_calls.c.call_id == bindparam("call_id"))


def _charge_statement(replaced: ColumnElement[int]) -> Update:
    """Count `size` bytes, less what is replaced, for the room's payer, whose budget is `most` (0: unlimited).

    The payer is locked. No row is updated when the bytes do not fit, or when the room does not exist.
    """
    more = bindparam("size", type_=BigInteger) - replaced
    return update(rooms).where(rooms.c.name == NAME, _fits(more)).values(stored_bytes=rooms.c.stored_bytes + more)


def _fits(more: ColumnElement[int]) -> ColumnElement[bool]:
    of_payer = rooms.alias("of_payer")
    stored = select(func.sum(of_payer.c.stored_bytes)).where(of_payer.c.payer == rooms.c.payer).scalar_subquery()
    most = bindparam("most", type_=BigInteger)
    return or_(most == 0, rooms.c.payer.is_(None), more <= 0, stored + more <= most)


CHARGE = _charge_statement(literal(0))
FITS = select(rooms.c.name).where(rooms.c.name == NAME, _fits(bindparam("size", type_=BigInteger)))


def last_number(table: Table, number: str, *conditions: ColumnElement[bool]) -> ScalarSelect[int]:
    """The highest number of the room's rows, or 0."""
    highest = func.coalesce(func.max(table.c[number]), 0)
    return select(highest).where(table.c.room == NAME, *conditions).scalar_subquery()


def _append(table: Table, number: str, *conditions: ColumnElement[bool]) -> Insert:
    """Insert the next row of the room, and return its number. The room is locked."""
    values: dict[str, Any] = {column.name: bindparam(column.name, type_=column.type) for column in table.c}
    values |= {"room": NAME, number: last_number(table, number, *conditions) + 1}
    return insert(table).values(values).returning(table.c[number])


ADD_PARTICIPANT = _append(participants, "number")
ADD_PLAN = _append(plans, "version")
ADD_DEBRIEF = _append(debriefs, "version")
ADD_RATING = _append(ratings, "number", ratings.c.rater == bindparam("same_rater"))
ADD_DECISION = _append(decisions, "number")
LAST_CHAT_TURN = select(last_number(chat_turns, "number"))
ADD_CHAT_TURN = insert(chat_turns)
LAST_SEGMENT = select(last_number(segments, "number"))
DELETE_SEGMENTS = delete(segments).where(segments.c.room == NAME)
DELETE_TRANSCRIPT = delete(transcripts).where(transcripts.c.room == NAME)


def erase_from(table: Table) -> Delete:
    """Delete the room's rows of one table."""
    return delete(table).where(table.c.room == NAME)


INSERTS: dict[str, Callable[..., Any]] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
"""The `insert` of each database, with `ON CONFLICT`."""


class DialectStatements:
    """The statements that differ between SQLite and PostgreSQL."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._insert = INSERTS[kind]
        self.save_room: Executable = self._insert(rooms).on_conflict_do_nothing()
        self.add_phone_call: Executable = self._insert(phone_calls).on_conflict_do_nothing()
        self.save_briefing = self._replace(briefings, ["room"], ["document"])
        self.save_transcript = self._replace(transcripts, ["room"], ["source", "document", "updated_at"])
        self.save_segments = self._replace(segments, ["room", "id"], ["speaker", "text", "at", "updated_at"])
        self.charge_briefing = _charge_statement(self._size_of_rows(briefings, "document"))
        self.charge_transcript = _charge_statement(
            self._size_of_rows(transcripts, "document") + self._size_of_rows(segments, *SEGMENT_TEXTS)
        )
        self.known_segments = select(segments.c.id, segments.c.number, self._size_of(segments, *SEGMENT_TEXTS)).where(
            segments.c.room == NAME, segments.c.id.in_(bindparam("ids", expanding=True))
        )
        # SQLite needs no lock: its transactions begin with the write lock of the whole file
        locks = self._locks(func.coalesce(rooms.c.payer, rooms.c.name))
        self.lock_room: Executable = LOCK_ROOM_TO_WRITE.add_columns(*locks)
        self.lock_payer: Executable = select(literal(1), *self._locks(bindparam("payer", type_=Text)))

    def _replace(self, table: Table, key: Sequence[str], replaced: Sequence[str]) -> Executable:
        statement = self._insert(table)
        values = {name: statement.excluded[name] for name in replaced}
        upsert: Executable = statement.on_conflict_do_update(index_elements=key, set_=values)
        return upsert

    def _locks(self, key: ColumnElement[str]) -> list[ColumnElement[Any]]:
        """A lock that ends with the transaction."""
        return [func.pg_advisory_xact_lock(func.hashtextextended(key, 0))] if self._kind == "postgresql" else []

    def _size_of_rows(self, table: Table, *texts: str) -> ColumnElement[int]:
        """`size_in_bytes` of the room's rows."""
        size = func.coalesce(func.sum(self._size_of(table, *texts)), 0)
        return select(size).where(table.c.room == NAME).scalar_subquery()

    def _size_of(self, table: Table, *texts: str) -> ColumnElement[int]:
        """`size_in_bytes` of a row."""
        sizes = (func.coalesce(self._bytes(table.c[text]), 0) for text in texts)
        return sum(sizes, start=literal(ROW_BYTES))

    def _bytes(self, text: ColumnElement[str]) -> ColumnElement[int]:
        return func.octet_length(text) if self._kind == "postgresql" else func.length(cast(text, LargeBinary))
