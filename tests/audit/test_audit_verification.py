"""Whatever is done to a row, verification names it."""

from __future__ import annotations

import random
import runpy
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Table, select, update

from trustlayer import Outcome
from trustlayer.audit import AuditStore
from trustlayer.audit.digests import CHILDREN, ENTRIES
from trustlayer.audit.tables import Base
from trustlayer.audit.verification import Anchor, Flaw, heads, verify

Run = Callable[..., Outcome]

RECORDED = ("chains", "policies", "detectors", "outcomes", "labels", *CHILDREN, *ENTRIES)
BENCHMARK = Path(__file__).parents[1] / "benchmarks" / "tampering.py"


@pytest.fixture(scope="session")
def tampering() -> SimpleNamespace:
    """The benchmark, whose mutations these are."""
    return SimpleNamespace(**runpy.run_path(str(BENCHMARK)))


@pytest.fixture(scope="module")
def recorded(
    tampering: SimpleNamespace, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[AuditStore]:
    """A store with something in every table, its triggers gone."""
    path = tmp_path_factory.mktemp("verification") / "recorded.db"
    with AuditStore.create(f"sqlite:///{path}") as store:
        tampering.fill(store)
        tampering.unguard(store._engine)
        yield store


def test_nothing_is_wrong_with_what_nobody_touched(
    store: AuditStore, tampering: SimpleNamespace
) -> None:
    tampering.fill(store)
    assert list(verify(store, heads(store))) == []
    with store.session() as session:
        tables = [Base.metadata.tables[name] for name in RECORDED]
        assert all(session.execute(select(table)).first() for table in tables)


def test_every_table_is_recorded_in_or_made_of_those_that_are() -> None:
    made = {name for name in Base.metadata.tables if name.endswith("_days")} | {"summarised"}
    assert set(Base.metadata.tables) - made == set(RECORDED)


@settings(max_examples=40)
@given(
    seed=st.integers(0, 2**32),
    kind=st.sampled_from(["change", "remove", "insert", "move", "cut", "forge"]),
)
def test_every_change_is_found(
    recorded: AuditStore, tampering: SimpleNamespace, seed: int, kind: str
) -> None:
    dice = random.Random(seed)
    flaws, done = _after(
        recorded, tampering, lambda c: str(tampering.mutate(c, dice, kind)), *heads(recorded)
    )
    assert flaws, done


def test_every_kind_of_change_is_found_on_each_database(
    store: AuditStore, tampering: SimpleNamespace
) -> None:
    tampering.fill(store)
    tampering.unguard(store._engine)
    dice, anchors = random.Random(5), heads(store)
    for kind in tampering.KINDS * 2:
        only = anchors if kind in tampering.HIDDEN else []

        def tamper(connection: Connection, kind: str = kind) -> str:
            return str(tampering.mutate(connection, dice, kind))

        flaws, done = _after(store, tampering, tamper, *only)
        assert flaws, done
    assert list(verify(store, anchors)) == []


@pytest.mark.parametrize("name", RECORDED)
def test_every_column_is_covered(
    recorded: AuditStore, tampering: SimpleNamespace, name: str
) -> None:
    table: Table = Base.metadata.tables[name]
    for column in table.columns:

        def change(connection: Connection, column: str = column.name) -> str:
            return str(tampering.change(connection, random.Random(1), table, column))

        flaws, done = _after(recorded, tampering, change)
        assert flaws, done


def test_the_first_wrong_row_is_named(recorded: AuditStore, tampering: SimpleNamespace) -> None:
    def change(connection: Connection) -> str:
        texts = Base.metadata.tables["texts"]
        wrong = update(texts).where(texts.c.outcome == 2, texts.c.number == 1)
        connection.execute(wrong.values(body="something else"))
        return str(connection.exec_driver_sql("SELECT id FROM outcomes WHERE number = 2").scalar())

    flaws, id = _after(recorded, tampering, change)
    assert [(flaw.table, flaw.what) for flaw in flaws] == [("texts", "was changed")]
    assert flaws[0].row.startswith(id)
    assert flaws[0].row.endswith("number 1")


def test_erasing_texts_leaves_the_chain_whole(
    recorded: AuditStore, tampering: SimpleNamespace
) -> None:
    def erase(connection: Connection) -> str:
        connection.exec_driver_sql("UPDATE texts SET body = NULL, salt = NULL")
        connection.exec_driver_sql("UPDATE correlations SET lookup = NULL")
        connection.exec_driver_sql("UPDATE labels SET reason = NULL, salt = NULL")
        connection.exec_driver_sql("UPDATE decisions SET answer = NULL, salt = NULL")
        return ""

    assert _after(recorded, tampering, erase)[0] == []


@pytest.mark.parametrize("kind", ["cut", "forge"])
def test_what_looks_as_if_nothing_had_been_is_found_by_an_anchor(
    recorded: AuditStore, tampering: SimpleNamespace, kind: str
) -> None:
    [anchor] = heads(recorded)

    def tamper(connection: Connection) -> str:
        return str(tampering.mutate(connection, random.Random(3), kind))

    assert _after(recorded, tampering, tamper)[0] == []
    [flaw] = _after(recorded, tampering, tamper, anchor)[0]
    cut = f"is anchored at {anchor.length}"
    assert flaw.what.endswith(cut if kind == "cut" else "differs from the anchor")


def test_anchors_of_another_store(recorded: AuditStore, tampering: SimpleNamespace) -> None:
    [anchor] = heads(recorded)

    def told(*anchors: Anchor) -> list[str]:
        return [f.what for f in _after(recorded, tampering, lambda _: "", *anchors)[0]]

    assert told(Anchor("another chain", 1, b"")) == ["is anchored, and was removed"]
    assert told(Anchor(anchor.chain, 2, b"forged")) == ["differs from the anchor"]
    assert told(anchor, Anchor(anchor.chain, anchor.length, b"forged")) == [
        f"has two heads at {anchor.length}: one is wrong"
    ]


def _after(
    store: AuditStore,
    tampering: SimpleNamespace,
    change: Callable[[Connection], str],
    *anchors: Anchor,
) -> tuple[list[Flaw], str]:
    with tampering.unguarded(store._engine) as connection:
        done = change(connection)
        return tampering.found(connection, anchors), done
