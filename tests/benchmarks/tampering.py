"""Whether tampering is found: rows changed, removed, inserted, moved; tails cut; history forged.

    python tests/benchmarks/tampering.py [--mutations 2000] [--db URL] [--seed 7]

Each mutation is made in a transaction of its own by one who may do anything to the database:
triggers and foreign keys are out of force. `audit verify` reads the result, and the transaction
is undone. *cut* takes entries off a chain's end together with every trace of them, *forge*
writes a chain anew from some entry on, every hash recomputed: neither can be seen in the
database alone, and both must be found against an anchor. --db is an empty database; without it
one SQLite file is used, in a temporary folder.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, Table, delete, insert, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from sqlalchemy.types import TypeEngine

from trustlayer import (
    Evidence,
    Exchange,
    Finding,
    Outcome,
    Policy,
    Span,
    Verifier,
    detector,
)
from trustlayer.audit import AuditStore
from trustlayer.audit.certificates import put_certificate
from trustlayer.audit.digests import CHILDREN, ENTRIES, first_head, link
from trustlayer.audit.draws import Draw, record_draws
from trustlayer.audit.entries import Entry, Registers, entries
from trustlayer.audit.holds import hold_outcome, hold_subject, release
from trustlayer.audit.labels import Label, record_label
from trustlayer.audit.review import Choice, Ruling, decide
from trustlayer.audit.tables import Base, ChainRow
from trustlayer.audit.verification import Anchor, Flaw, flaws, heads
from trustlayer.certificate import Bound, Certificate

RECORDED = ("chains", "policies", "detectors", "outcomes", "labels", *CHILDREN, *ENTRIES)
TABLES = [Base.metadata.tables[name] for name in RECORDED]
KINDS = ("change", "remove", "insert", "move", "cut", "forge")
HIDDEN = ("cut", "forge")  # those that only an anchor tells of
Row = dict[str, Any]


def fill(store: AuditStore) -> list[Outcome]:
    """Record something in every table, and two rows or more in most."""

    @detector
    def shouting(exchange: Exchange) -> Finding:
        if "?" in exchange.answer:
            raise RuntimeError("no questions")
        loud = "!" in exchange.answer
        return (
            Finding(0.75, (Evidence("loud", Span(0, 1)), Evidence("rude"))) if loud else Finding(0)
        )

    answers = ["Paris!", "Paris!", "Paris.", "Paris.", "Lyon?", "Paris!", "Paris!", "Paris?", "Ok"]
    said = iter(answers * 2)
    made: list[Outcome] = []
    for revisions in (0, 2, 0, 1, 1):
        models = [lambda _: next(said), lambda _: next(said)]
        verifier = Verifier([shouting], models, Policy(revisions=revisions), store)
        ids = {"user": "ann", "template": "plain"}
        made.append(verifier.run(f"{revisions}?", ["Paris."], correlation=ids))
    _act(store, made)
    return made


def _act(store: AuditStore, made: Sequence[Outcome]) -> None:
    one, other = made[1].id, made[0].id
    record_label(store, Label(one, 0, True, "ann", "rude", (Span(0, 1),), 0.5))
    record_label(store, Label(one, 0, False, "bob"))
    for risk in (0.05, 0.1):
        put_certificate(store, _certificate(risk))
    record_draws(store, [Draw(one, 0.5, "risk"), Draw(other, 0.25, "uniform")])
    ruling = Ruling(Choice.EDIT, "Paris", "too loud")
    for outcome in [o.id for o in made if o.action.value == "hold"][:2]:
        decide(store, outcome, "ann", ruling)
    holds = [hold_outcome(store, one, "ann", "case 7"), hold_subject(store, "user", "x", "b", "8")]
    for hold in holds:
        release(store, hold.id, "ann", "settled")


def _certificate(risk: float) -> Certificate:
    bound = Bound(limits={"shouting": 0.5}, accepted=90, bad=1, calibration=100, tuning=50)
    return Certificate(
        risk=risk,
        confidence=0.95,
        detectors={"shouting": "0"},
        bounds={"": bound},
        data="sha256:0",
        labels=150,
        bad=12,
        created=datetime(2026, 1, 1, tzinfo=UTC),
    )


def unguard(engine: Engine) -> None:
    """Drop SQLite's triggers for good: what that takes in each transaction is saved."""
    if engine.dialect.name == "sqlite":
        with engine.begin() as connection:
            _drop_triggers(connection)


def _drop_triggers(connection: Connection) -> None:
    names = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    for (name,) in connection.exec_driver_sql(names).all():
        connection.exec_driver_sql(f"DROP TRIGGER {name}")


@contextmanager
def unguarded(engine: Engine) -> Iterator[Connection]:
    """A transaction in which nothing is refused, undone at its end."""
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            driver: Any = connection.connection.driver_connection
            driver.execute("PRAGMA foreign_keys = OFF")
        with connection.begin() as transaction:
            if engine.dialect.name == "sqlite":
                _drop_triggers(connection)
            else:
                connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
            yield connection
            transaction.rollback()


def mutate(connection: Connection, dice: random.Random, kind: str) -> str:
    """Tamper with one row of any table, or with a chain; what was done, in words."""
    if kind in HIDDEN:
        return (_cut if kind == "cut" else _forge)(connection, dice)
    table = dice.choice(TABLES)
    if kind == "change":
        return change(connection, dice, table, dice.choice(list(table.columns)).name)
    rows = [dict(row) for row in connection.execute(select(table)).mappings()]
    if kind == "move" and len(rows) > 1:
        return _swap(connection, dice, table, rows)
    row = dice.choice(rows)
    if kind == "insert":
        return _insert(connection, dice, table, row)
    connection.execute(delete(table).where(*_key(table, row)))
    return f"removed {row} from {table.name}"


def change(connection: Connection, dice: random.Random, table: Table, column: str) -> str:
    """Put another value into one column of some row."""
    row = dict(dice.choice(connection.execute(select(table)).mappings().all()))
    value = _other(row[column], table.c[column].type)
    connection.execute(update(table).where(*_key(table, row)).values({column: value}))
    return f"changed {column} of {row} in {table.name} to {value!r}"


def found(connection: Connection, anchors: Sequence[Anchor] = ()) -> list[Flaw]:
    """What verification says of the database as *connection* sees it."""
    with Session(connection, join_transaction_mode="rollback_only") as session:
        named = list(flaws(session, anchors))
        session.expunge_all()
        return named


def _insert(connection: Connection, dice: random.Random, table: Table, row: Row) -> str:
    last = list(table.primary_key)[-1].name
    new = row | {last: _other(row[last], table.c[last].type)}
    new |= {c.name: _other(row[c.name], c.type) for c in table.columns if c.unique}
    if "sequence" in new:
        new["sequence"] += dice.choice([1, 100]) + 7
    for name in ("turn", "outcome"):
        if name in new and name not in table.primary_key and table.name != "chains":
            new[name] = (new[name] or 0) + 1000
    connection.execute(insert(table), new)
    return f"inserted {new} into {table.name}"


def _swap(connection: Connection, dice: random.Random, table: Table, rows: list[Row]) -> str:
    # Give two rows each other's key, or each other's place in the chain.
    one, two = dice.sample(rows, 2)
    names = [column.name for column in table.primary_key]
    if "sequence" in table.c:
        names = ["sequence"]
    keys = [{name: row[name] for name in names} for row in (one, two)]
    last = keys[0][names[-1]]
    aside = keys[0] | {
        names[-1]: -1 if isinstance(last, int) else _other(last, table.c[names[-1]].type)
    }
    for of, given in ((one, aside), (two, keys[0]), (one | aside, keys[1])):
        connection.execute(update(table).where(*_key(table, of)).values(given))
    if all(one[name] == two[name] for name in one if name not in names):
        connection.execute(delete(table).where(*_key(table, one)))  # the swap was none
    return f"swapped {one} and {two} in {table.name}"


def _cut(connection: Connection, dice: random.Random) -> str:
    # Take entries off the end of a chain, with all that belongs to them and the note of it.
    chain, chained = _entries(connection, dice)
    keep = dice.randrange(len(chained))
    for entry in chained[keep:]:
        table = Base.metadata.tables[entry.table]
        if entry.table == "outcomes":
            number = connection.scalar(select(table.c.number).where(table.c.id == entry.id))
            for name in CHILDREN:
                child = Base.metadata.tables[name]
                connection.execute(delete(child).where(child.c.outcome == number))
        connection.execute(delete(table).where(table.c.hash == entry.hash))
    _sweep_registers(connection)
    _note(connection, chain, chained[keep - 1] if keep else None)
    return f"cut {len(chained) - keep} of {len(chained)} entries off {chain.id}"


def _forge(connection: Connection, dice: random.Random) -> str:
    # Move an entry by a second in time, and write all hashes from there on anew.
    chain, chained = _entries(connection, dice)
    start = dice.randrange(len(chained))
    before = chained[start - 1].hash if start else None
    for number, entry in enumerate(chained[start:]):
        recorded = entry.recorded + timedelta(seconds=not number)
        if before is None:
            before = first_head(chain.id, chain.opened)
        before = link(chain.id, entry.sequence, before, recorded, entry.content)
        table = Base.metadata.tables[entry.table]
        forged = update(table).where(table.c.hash == entry.hash)
        connection.execute(forged.values(hash=before, recorded=recorded))
    rows = Base.metadata.tables["chains"]
    connection.execute(update(rows).where(rows.c.id == chain.id).values(head=before))
    return f"forged {chain.id} from {start + 1} on"


def _entries(connection: Connection, dice: random.Random) -> tuple[ChainRow, list[Entry]]:
    with Session(connection, join_transaction_mode="rollback_only") as session:
        chain = dice.choice(session.scalars(select(ChainRow)).all())
        chained = list(entries(session, chain, Registers.read(session)))
        session.expunge_all()
        return chain, chained


def _note(connection: Connection, chain: ChainRow, last: Entry | None) -> None:
    rows = Base.metadata.tables["chains"]
    own = rows.c.id == chain.id
    if last is None:
        connection.execute(delete(rows).where(own))
    else:
        end = {"length": last.sequence, "head": last.hash}
        connection.execute(update(rows).where(own).values(end))


def _sweep_registers(connection: Connection) -> None:
    # Whoever cuts cleanly removes policies and detectors that nothing speaks of any more.
    for statement in (
        "DELETE FROM policies WHERE number NOT IN (SELECT policy FROM outcomes)",
        "DELETE FROM detectors WHERE number NOT IN (SELECT detector FROM findings) "
        "AND number NOT IN (SELECT detector FROM examiners)",
    ):
        connection.exec_driver_sql(statement)


def _key(table: Table, row: Row) -> list[Any]:
    return [column == row[column.name] for column in table.primary_key]


def _other(value: Any, kind: TypeEngine[Any]) -> Any:
    # Another value of the same kind.
    match value:
        case bool():
            return not value
        case int() | float():
            return value + 1000
        case str():
            return value + "x"
        case bytes():
            return value[:-1] + bytes([value[-1] ^ 1])
        case list():
            return [*value, 0]
        case datetime():
            return value + timedelta(microseconds=1)
        case _:
            return {"LargeBinary": b"x", "AnyText": "x"}.get(type(kind).__name__, 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mutations", type=int, default=2000)
    parser.add_argument("--db", metavar="URL")
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        AuditStore.create(options.db or f"sqlite:///{folder}/tampering.db") as store,
    ):
        fill(store)
        unguard(store._engine)
        report(store, options.mutations, options.seed)


def report(store: AuditStore, mutations: int, seed: int) -> None:
    """Print how many of each kind were made, and how many were found."""
    kept, dice, begun = heads(store), random.Random(seed), time.perf_counter()
    made, refused, seen = Counter[str](), Counter[str](), Counter[str]()
    for number in range(mutations):
        kind = KINDS[number % len(KINDS)]
        with unguarded(store._engine) as connection:
            try:
                done = mutate(connection, dice, kind)
            except DBAPIError:  # a key or a constraint that no trigger guards
                refused[kind] += 1
                continue
            made[kind] += 1
            seen[kind] += bool(found(connection, kept if kind in HIDDEN else ()))
            if made[kind] != seen[kind]:
                raise SystemExit(f"not found: {done}")
    for kind in KINDS:
        print(f"{kind:7} made {made[kind]:5}  found {seen[kind]:5}  refused {refused[kind]:5}")
    total, taken = sum(made.values()), time.perf_counter() - begun
    print(f"{store!r}: {total} mutations, {sum(seen.values())} found, in {taken:.0f} s")


if __name__ == "__main__":
    main()
