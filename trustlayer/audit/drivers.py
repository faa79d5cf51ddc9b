"""What a writer says to a database, in the fewest words that its driver knows.

SQLAlchemy makes the connection, the transaction and the types. The rows of a transaction go
past its statement compiler, which would cost more than the disk does: to SQLite by one
`executemany` a table, to PostgreSQL as one JSON array a table, all of them in one round trip,
or by COPY when they are many.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Protocol

from sqlalchemy import Connection, Dialect, Double
from sqlalchemy.dialects.sqlite.base import SQLiteDialect
from sqlalchemy.exc import DBAPIError

from trustlayer.audit.chains import Chain
from trustlayer.audit.columns import AnyText, escape, unescape
from trustlayer.audit.copying import columns
from trustlayer.audit.digests import Row
from trustlayer.audit.tables import Base

MANY = 200  # outcomes from which on PostgreSQL's COPY is faster than a statement
_COPIED = 1000  # rows that are sent together by COPY
_LONGEST = 16 << 20  # characters of texts in one statement, about: databases have their limits

_LITE: Dialect = SQLiteDialect()
_GROWN = "UPDATE chains SET length = %s, head = %s WHERE number = %s"  # PostgreSQL's
_CHAIN = "SELECT number, id, length, head FROM chains ORDER BY number LIMIT 1"


@dataclass(frozen=True, slots=True)
class Opening:
    """What a writer has to know first: which outcomes are there, its chain, its numbers.

    No *chain* means that other writers have them all.
    """

    known: frozenset[str]
    chain: Chain | None
    numbers: Sequence[int]


class Driver(Protocol):
    """A transaction, as the writer of outcomes sees it."""

    def open(self, ids: Sequence[str]) -> Opening:
        """Say which of *ids* are recorded, lock a chain, and draw a number for each of them."""
        ...

    def close(self, rows: Mapping[str, Sequence[Row]], chain: Chain) -> None:
        """Insert *rows*, by table, parents first, and note how long the *chain* is now."""
        ...


@contextmanager
def driven(connection: Connection) -> Generator[Server | Lite]:
    """The driver of *connection*; its errors come out as SQLAlchemy's."""
    dialect, driver = connection.dialect, _driver(connection)
    errors: Any = dialect.dbapi
    try:
        yield Server(driver) if dialect.name == "postgresql" else Lite(driver)
    except errors.Error as error:
        gone = dialect.is_disconnect(error, driver, None) or _stuck(driver)
        if gone:
            connection.invalidate(error)
        raise DBAPIError.instance(
            None, None, error, errors.Error, connection_invalidated=gone, dialect=dialect
        ) from error


def _stuck(driver: Any) -> bool:
    # Whether a session that broke in the middle of a pipeline cannot even be rolled back.
    pipeline = getattr(getattr(driver, "pgconn", None), "pipeline_status", 0)
    return bool(pipeline)


def _driver(connection: Connection) -> Any:
    return connection.connection.driver_connection


@dataclass(frozen=True, slots=True)
class Lite:
    """SQLite: a call costs little, and the transaction has the whole file to itself."""

    driver: Any

    def open(self, ids: Sequence[str]) -> Opening:
        query = "SELECT id FROM outcomes WHERE id IN (SELECT value FROM json_each(?))"
        known = self.driver.execute(query, [json.dumps([escape(id) for id in ids])]).fetchall()
        chain = self.driver.execute(_CHAIN).fetchone()
        last = "SELECT seq FROM sqlite_sequence WHERE name = 'outcomes'"
        [used] = self.driver.execute(last).fetchone() or [0]
        numbers = range(used + 1, used + 1 + len(ids))
        return Opening(_ids(known), chain and Chain(*chain), numbers)

    def close(self, rows: Mapping[str, Sequence[Row]], chain: Chain) -> None:
        for table, some in rows.items():
            if some:
                self._insert(table, some)
        grown = "UPDATE chains SET length = ?, head = ? WHERE number = ?"
        self.driver.execute(grown, [chain.length, chain.head, chain.number])

    def _insert(self, table: str, rows: Sequence[Row]) -> None:
        names = tuple(rows[0])
        columns = [(name, _processor(table, name)) for name in names]
        statement = _lite_insert(table, names)
        self.driver.executemany(
            statement,
            [[p(row[name]) if p else row[name] for name, p in columns] for row in rows],
        )


@dataclass(frozen=True, slots=True)
class Server:
    """PostgreSQL: what counts is how often it is spoken to."""

    driver: Any

    def open(self, ids: Sequence[str]) -> Opening:
        draw = "SELECT nextval('outcomes_number_seq') FROM generate_series(1, %s)"
        with self._together():
            known = self.driver.execute(
                "SELECT id FROM outcomes WHERE id = ANY(%s)", [[escape(id) for id in ids]]
            )
            chain = self.driver.execute(f"{_CHAIN} FOR UPDATE SKIP LOCKED")
            numbers = self.driver.execute(draw, [len(ids)])
            found = chain.fetchone()
            drawn = [number for [number] in numbers.fetchall()]
            return Opening(_ids(known.fetchall()), found and Chain(*found), drawn)

    def close(self, rows: Mapping[str, Sequence[Row]], chain: Chain) -> None:
        with self._together():
            for table, some in rows.items():
                if some:
                    self._insert(table, some)
            self.driver.execute(_GROWN, [chain.length, chain.head, chain.number])

    def copy(self, lines: Mapping[str, Sequence[str]], chain: Chain) -> None:
        """Do what `close` does, by COPY: the faster, the more there is."""
        for table, some in lines.items():
            if some:
                self._copy(table, some)
        self.driver.execute(_GROWN, [chain.length, chain.head, chain.number])

    def _insert(self, table: str, rows: Sequence[Row]) -> None:
        for part in _parts(rows):
            statement = _server_insert(table, tuple(part[0]))
            self.driver.execute(statement, [_array(table, part)])

    def _copy(self, table: str, lines: Sequence[str]) -> None:
        statement = f"COPY {table} ({', '.join(columns(table))}) FROM STDIN"
        with self.driver.cursor() as cursor, cursor.copy(statement) as copy:
            for start in range(0, len(lines), _COPIED):
                copy.write("".join(lines[start : start + _COPIED]).encode())

    def _together(self) -> AbstractContextManager[Any]:
        from psycopg import Pipeline

        return self.driver.pipeline() if Pipeline.is_supported() else nullcontext()


def _ids(rows: Sequence[tuple[str]]) -> frozenset[str]:
    return frozenset(unescape(id) for [id] in rows)


@cache
def _processor(table: str, name: str) -> Callable[[Any], Any] | None:
    kind: Any = Base.metadata.tables[table].c[name].type
    found: Callable[[Any], Any] | None = kind.dialect_impl(_LITE).bind_processor(_LITE)
    return found


@cache
def _lite_insert(table: str, names: tuple[str, ...]) -> str:
    marks = ", ".join("?" * len(names))
    return f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})"  # noqa: S608  # our names


@cache
def _server_insert(table: str, names: tuple[str, ...]) -> str:
    columns = ", ".join(names)
    return (
        f"INSERT INTO {table} ({columns}) "  # noqa: S608  # our own names
        f"SELECT {columns} FROM json_populate_recordset(NULL::{table}, %s)"
    )


def _parts(rows: Sequence[Row]) -> Generator[Sequence[Row]]:
    # Cut where a statement would grow too long; one text is never cut.
    start = size = 0
    for end, row in enumerate(rows):
        size += len(row.get("body") or "")
        if size > _LONGEST:
            yield rows[start : end + 1]
            start, size = end + 1, 0
    if start < len(rows):
        yield rows[start:]


def _array(table: str, rows: Sequence[Row]) -> str:
    names = _named(table)
    for_json = [
        {name: value if name not in names else names[name](value) for name, value in row.items()}
        for row in rows
    ]
    return json.dumps(for_json, ensure_ascii=False, separators=(",", ":"), default=_in_json)


@cache
def _named(table: str) -> Mapping[str, Callable[[Any], Any]]:
    # The columns whose values JSON would not carry as they are.
    kinds: dict[type[Any], Callable[[Any], Any]] = {AnyText: _text, Double: _double}
    return {
        column.name: kinds[type(column.type)]
        for column in Base.metadata.tables[table].columns
        if type(column.type) in kinds
    }


def _text(value: str | None) -> str | None:
    return None if value is None else escape(value)


def _double(value: float | None) -> float | str | None:
    return str(value) if value is not None and math.isinf(value) else value


def _in_json(value: object) -> str:
    if isinstance(value, bytes):
        return f"\\x{value.hex()}"
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.isoformat()
    raise TypeError(f"{value!r} has no form in the database")
