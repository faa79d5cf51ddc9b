"""The sums by day, kept up with what is recorded.

The writer of a chain adds what it has appended since the last time, in the transaction in which
it records, once that are EVERY entries or more; whoever reads adds the rows that are missing.
Rows are never changed, and what of them is contained stands beside the sums: they cannot drift
apart, and `drift` shows it.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Select, Table, and_, delete, func, insert, select, text
from sqlalchemy.dialects import postgresql, sqlite

from trustlayer.audit.facts import added_up
from trustlayer.audit.summary_tables import ROWS, SUMS, summarised
from trustlayer.audit.tables import ChainRow

if TYPE_CHECKING:
    from trustlayer.audit.store import AuditStore

EVERY = 1000  # entries of a chain; fewer are read from the rows in a few hundredths of a second
_AT_ONCE = 50_000  # entries of a chain in one transaction, when many are missing
_LOCK = 0x7472_7573_7473  # "trusts", of PostgreSQL's advisory locks


def keep_up(connection: Connection, chain: int, before: int, length: int) -> None:
    """Summarise *chain*, grown from *before* to *length*, if it is time and nobody else does."""
    if before // EVERY != length // EVERY and _alone(connection):
        after = connection.scalar(select(summarised.c.sequence).where(summarised.c.chain == chain))
        _add(connection, chain, after or 0, length)


def summarise(store: AuditStore) -> None:
    """Add all that is missing to the sums, some at a time, so that writers get between."""
    while store.retrying(catch_up):
        pass


def missing(store: AuditStore) -> int:
    """How many entries are recorded that are in no sum yet."""
    after = func.coalesce(summarised.c.sequence, 0)
    query = select(func.coalesce(func.sum(ChainRow.length - after), 0)).outerjoin(
        summarised, summarised.c.chain == ChainRow.number
    )
    with store.session() as session:
        return int(session.scalar(query) or 0)


def catch_up(connection: Connection) -> bool:
    """Summarise the next entries that are not yet; False when there are none left to do."""
    if not _alone(connection, wait=True):
        return False
    after = func.coalesce(summarised.c.sequence, 0)
    query = (
        select(ChainRow.number, after, ChainRow.length)
        .outerjoin(summarised, summarised.c.chain == ChainRow.number)
        .where(ChainRow.length > after)
        .order_by(ChainRow.number)
        .limit(1)
    )
    if (found := connection.execute(query).one_or_none()) is None:
        return False
    chain, sequence, length = found
    _add(connection, chain, sequence, min(length, sequence + _AT_ONCE))
    return True


def clear(connection: Connection) -> None:
    """Forget all sums; `catch_up` makes them again."""
    _alone(connection, wait=True)
    for table in (*SUMS, summarised):
        connection.execute(delete(table))


def drift(connection: Connection) -> Iterator[str]:
    """The tables of sums that are not what the rows say; none, unless somebody changed them."""
    contained = (
        select(summarised.c.sequence).where(summarised.c.chain == ChainRow.number).scalar_subquery()
    )
    chains = connection.execute(select(ChainRow.number, contained)).all()
    for table in SUMS:
        if _held(connection, table) != _counted(connection, table, dict(chains)):
            yield table.name


def _held(connection: Connection, table: Table) -> dict[Any, Any]:
    return {_key(table, row): _values(table, row) for row in connection.execute(select(table))}


def _counted(connection: Connection, table: Table, chains: dict[int, int | None]) -> dict[Any, Any]:
    found: dict[Any, Any] = {}
    for rows, (chain, upto) in product(ROWS[table.name], chains.items()):
        part = and_(rows.c.chain == chain, rows.c.sequence <= (upto or 0))
        for row in connection.execute(added_up(table, rows, part)):
            key, values = _key(table, row), _values(table, row)
            found[key] = _plus(found[key], values) if key in found else values
    return found


def _key(table: Table, row: Any) -> tuple[Any, ...]:
    return tuple(row[: len(table.primary_key)])


def _values(table: Table, row: Any) -> tuple[float, ...]:
    # Sums of floats depend on their order, in the last places.
    return tuple(float(f"{value:.9g}") for value in row[len(table.primary_key) :])


def _plus(one: tuple[float, ...], other: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(float(f"{a + b:.9g}") for a, b in zip(one, other, strict=True))


def _add(connection: Connection, chain: int, after: int, upto: int) -> None:
    for table in SUMS:
        for rows in ROWS[table.name]:
            part = and_(rows.c.chain == chain, rows.c.sequence > after, rows.c.sequence <= upto)
            _merge(connection, table, added_up(table, rows, part))
    connection.execute(delete(summarised).where(summarised.c.chain == chain))
    connection.execute(insert(summarised).values(chain=chain, sequence=upto))


def _merge(connection: Connection, table: Table, found: Select[Any]) -> None:
    lite = connection.dialect.name == "sqlite"
    statement = (sqlite.insert if lite else postgresql.insert)(table)
    fresh = statement.from_select([c.name for c in table.columns], found)
    sums = [c.name for c in table.columns if not c.primary_key]
    grown = {name: table.c[name] + fresh.excluded[name] for name in sums}
    connection.execute(fresh.on_conflict_do_update(index_elements=table.primary_key, set_=grown))


def _alone(connection: Connection, *, wait: bool = False) -> bool:
    # Two who add at once would wait for each other's days; SQLite has one writer anyway.
    if connection.dialect.name == "sqlite":
        return True
    if wait:
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        return True
    return bool(connection.scalar(text("SELECT pg_try_advisory_xact_lock(:lock)"), {"lock": _LOCK}))
