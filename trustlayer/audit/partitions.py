"""The months by which PostgreSQL parts the texts: made ahead, listed, and dropped whole.

A text whose month has no partition yet lies in `texts_other`, and moves when it gets one. A
month is dropped at once, however many texts it holds; their digests stay, in `texts_erased`,
so that the chains verify. Outcomes are not parted: their ids have to be unique in all of them,
which PostgreSQL can promise within a partition only, and the chains run through all months.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, text

from trustlayer.audit.months import NONE, after, end_of, month_of
from trustlayer.audit.store import AuditStore

AHEAD = 3  # months that are made before they begin
_NAME = re.compile(r"texts_(\d{6})")
_COLUMNS = "outcome, number, digest, salt, body, sealed, month"


@dataclass(frozen=True, slots=True)
class Partition:
    """A part of the texts: its name, its month, if it is of one, and its bytes on the disk."""

    name: str
    month: int | None
    size: int


def partitions(store: AuditStore) -> list[Partition]:
    """All parts of the texts, in the order of their names; none on SQLite."""
    with store.session() as session:
        return list(_found(session.connection()))


def make_ahead(store: AuditStore, months: int = AHEAD) -> list[str]:
    """Make the partitions of this month and so many *months* after; the names of the new ones."""
    return store.retrying(lambda connection: ahead(connection, months))


def ahead(connection: Connection, months: int = AHEAD) -> list[str]:
    """Do what `make_ahead` does in a transaction."""
    if connection.dialect.name != "postgresql":
        return []
    this = month_of(datetime.now(UTC))
    there = {part.month for part in _found(connection)}
    wanted = [after(this, step) for step in range(months + 1)]
    return [_make(connection, month) for month in wanted if month not in there]


def past(connection: Connection, since: datetime) -> list[int]:
    """The months that have a partition and were over at *since*."""
    months = [part.month for part in _found(connection) if part.month is not None]
    return [month for month in months if end_of(month) <= since]


def drop(connection: Connection, month: int) -> None:
    """Erase all texts of *month* with their partition; their digests stay."""
    name = f"texts_{month:d}"
    connection.execute(text(f"LOCK TABLE {name} IN ACCESS EXCLUSIVE MODE"))
    connection.execute(
        text(
            f"INSERT INTO texts (outcome, number, digest, month) "  # noqa: S608  # a number
            f"SELECT outcome, number, digest, {NONE} FROM {name}"
        )
    )
    connection.execute(text(f"DROP TABLE {name}"))


def _found(connection: Connection) -> Iterator[Partition]:
    if connection.dialect.name != "postgresql":
        return
    query = text(
        "SELECT c.relname, pg_total_relation_size(c.oid) FROM pg_inherits i "
        "JOIN pg_class c ON c.oid = i.inhrelid "
        "WHERE i.inhparent = to_regclass('texts') ORDER BY c.relname"
    )
    for name, size in connection.execute(query).all():
        found = _NAME.fullmatch(name)
        yield Partition(name, int(found[1]) if found else None, size)


def _make(connection: Connection, month: int) -> str:
    # What came before its month's partition is moved: PostgreSQL refuses to make it otherwise.
    name = f"texts_{month:d}"
    there = connection.scalar(
        text("SELECT 1 FROM texts_other WHERE month = :m LIMIT 1"), {"m": month}
    )
    if there:
        connection.execute(text("ALTER TABLE texts DETACH PARTITION texts_other"))
    connection.execute(text(f"CREATE TABLE {name} PARTITION OF texts FOR VALUES IN ({month:d})"))
    connection.execute(text(f"ALTER TABLE {name} ALTER COLUMN body SET STATISTICS 0"))
    if there:
        rows = f"SELECT {_COLUMNS} FROM texts_other WHERE month = :m"  # noqa: S608  # our names
        connection.execute(text(f"INSERT INTO texts ({_COLUMNS}) {rows}"), {"m": month})
        connection.execute(text("DELETE FROM texts_other WHERE month = :m"), {"m": month})
        connection.execute(text("ALTER TABLE texts ATTACH PARTITION texts_other DEFAULT"))
    return name
