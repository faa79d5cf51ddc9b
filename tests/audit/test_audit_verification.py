"""Whatever is done to a row, verification names it."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Table, delete, insert, select, update
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
from trustlayer.audit.databases import connect
from trustlayer.audit.labels import Label, record_label
from trustlayer.audit.tables import Base
from trustlayer.audit.verification import Anchor, Flaw, heads, verify

Run = Callable[..., Outcome]
Row = dict[str, Any]

TABLES = sorted(Base.metadata.tables.values(), key=lambda table: table.name)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store without its triggers, as one has it who is out to change it."""
    path = tmp_path_factory.mktemp("verification") / "recorded.db"
    with AuditStore.create(f"sqlite:///{path}") as store:
        _fill(store)
        with store._engine.begin() as connection:
            names = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
            for (name,) in connection.exec_driver_sql(names).all():
                connection.exec_driver_sql(f"DROP TRIGGER {name}")
            connection.exec_driver_sql("DELETE FROM sqlite_sequence")
    return path


def _fill(store: AuditStore) -> None:
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
    for revisions in (0, 2, 0, 1, 1):
        models = [lambda _: next(said), lambda _: next(said)]
        verifier = Verifier([shouting], models, Policy(revisions=revisions), store)
        outcome = verifier.run(f"{revisions}?", ["Paris."], correlation={"user": "ann"})
        if revisions == 2:
            record_label(store, Label(outcome.id, 0, True, "ann", "rude", (Span(0, 1),), 0.5))
            record_label(store, Label(outcome.id, 0, False, "bob"))


def test_nothing_is_wrong_with_what_nobody_touched(recorded: Path, store: AuditStore) -> None:
    _fill(store)
    assert list(verify(store, heads(store))) == []
    with AuditStore.open(f"sqlite:///{recorded}") as other:
        assert list(verify(other, heads(other))) == []
        with other.session() as session:
            assert all(session.execute(select(table)).first() for table in TABLES)


@settings(max_examples=80)
@given(st.integers(0, 2**32), st.sampled_from(["change", "remove", "insert", "swap"]))
def test_every_change_is_found(recorded: Path, seed: int, kind: str) -> None:
    dice = random.Random(seed)
    flaws, done = _after(recorded, lambda connection: _mutate(connection, dice, kind))
    assert flaws, done


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_column_is_covered(recorded: Path, table: Table) -> None:
    for column in table.columns:

        def change(connection: Connection, column: str = column.name) -> str:
            return _change(connection, random.Random(1), table, column)

        flaws, done = _after(recorded, change)
        assert flaws, done


def test_the_first_wrong_row_is_named(recorded: Path) -> None:
    def change(connection: Connection) -> str:
        texts = Base.metadata.tables["texts"]
        wrong = update(texts).where(texts.c.outcome == 2, texts.c.number == 1)
        connection.execute(wrong.values(body="something else"))
        return str(connection.exec_driver_sql("SELECT id FROM outcomes WHERE number = 2").scalar())

    flaws, id = _after(recorded, change)
    assert [(flaw.table, flaw.what) for flaw in flaws] == [("texts", "was changed")]
    assert flaws[0].row.startswith(id)
    assert flaws[0].row.endswith("number 1")


def test_erasing_texts_leaves_the_chain_whole(recorded: Path) -> None:
    def erase(connection: Connection) -> str:
        connection.exec_driver_sql("UPDATE texts SET body = NULL, salt = NULL")
        connection.exec_driver_sql("UPDATE correlations SET lookup = NULL")
        connection.exec_driver_sql("UPDATE labels SET reason = NULL, salt = NULL")
        return ""

    assert _after(recorded, erase)[0] == []


def test_a_tail_cut_off_with_its_note_is_found_by_an_anchor(recorded: Path) -> None:
    with AuditStore.open(f"sqlite:///{recorded}") as store:
        [anchor] = heads(store)

    def cut(connection: Connection) -> str:
        for table in TABLES:
            if "outcome" in table.c:
                connection.execute(delete(table).where(table.c.outcome == 5))
        outcomes = Base.metadata.tables["outcomes"]
        connection.execute(delete(outcomes).where(outcomes.c.number == 5))
        connection.exec_driver_sql(
            "UPDATE chains SET length = length - 1, "
            "head = (SELECT hash FROM outcomes ORDER BY sequence DESC LIMIT 1)"
        )
        return ""

    assert _after(recorded, cut)[0] == []  # it looks as if it had never been
    [flaw] = _after(recorded, cut, anchor)[0]
    assert flaw.what == f"ends at {anchor.length - 1}, is anchored at {anchor.length}"
    other = Anchor("another chain", 1, b"")
    assert [f.what for f in _after(recorded, lambda _: "", other)[0]] == [
        "is anchored, and was removed"
    ]
    forged = Anchor(anchor.chain, 2, b"forged")
    assert [f.what for f in _after(recorded, lambda _: "", forged)[0]] == [
        "differs from the anchor"
    ]


def _after(
    recorded: Path, change: Callable[[Connection], str], *anchors: Anchor
) -> tuple[list[Flaw], str]:
    path = recorded.with_name("changed.db")
    shutil.copy(recorded, path)
    engine = connect(f"sqlite:///{path}")
    try:
        with engine.connect() as connection:
            connection.connection.driver_connection.execute("PRAGMA foreign_keys = OFF")  # type: ignore[union-attr]
            with connection.begin():
                done = change(connection)
    finally:
        engine.dispose()
    with AuditStore.open(f"sqlite:///{path}") as store:
        return list(verify(store, anchors)), done


def _mutate(connection: Connection, dice: random.Random, kind: str) -> str:
    table = dice.choice(TABLES)
    if kind == "change":
        return _change(connection, dice, table, dice.choice(list(table.columns)).name)
    rows = [dict(row) for row in connection.execute(select(table)).mappings()]
    if kind == "swap" and len(rows) > 1:
        return _swap(connection, dice, table, rows)
    row = dice.choice(rows)
    if kind == "insert":
        last = list(table.primary_key)[-1].name
        new = row | {last: _other(row[last], table.c[last].type)}
        new |= {c.name: _other(row[c.name], c.type) for c in table.columns if c.unique}
        if table.name in ("outcomes", "labels"):
            new["sequence"] += dice.choice([1, 100])
            new["sequence"] += 7
        connection.execute(insert(table), new)
        return f"inserted {new} into {table.name}"
    connection.execute(delete(table).where(*_key(table, row)))
    return f"removed {row} from {table.name}"


def _change(connection: Connection, dice: random.Random, table: Table, column: str) -> str:
    row = dict(dice.choice(connection.execute(select(table)).mappings().all()))
    value = _other(row[column], table.c[column].type)
    connection.execute(update(table).where(*_key(table, row)).values({column: value}))
    return f"changed {column} of {row} in {table.name} to {value!r}"


def _swap(connection: Connection, dice: random.Random, table: Table, rows: list[Row]) -> str:
    # Give two rows each other's key.
    one, two = dice.sample(rows, 2)
    names = [column.name for column in table.primary_key]
    if table.name in ("outcomes", "labels"):
        names = ["sequence"]
    keys = [{name: row[name] for name in names} for row in (one, two)]
    aside = keys[0] | {names[-1]: -1}
    for found, given_ in ((one, aside), (two, keys[0]), (one | aside, keys[1])):
        connection.execute(update(table).where(*_key(table, found)).values(given_))
    if _same(one, two, names):
        connection.execute(delete(table).where(*_key(table, one)))  # the swap was none
    return f"swapped {one} and {two} in {table.name}"


def _same(one: Row, two: Row, names: list[str]) -> bool:
    return all(one[name] == two[name] for name in one if name not in names)


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
