"""Erased texts are gone from the files; what was decided still stands and verifies."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

import pytest

from trustlayer import Outcome
from trustlayer.audit import AuditStore, anchors, reports
from trustlayer.audit.databases import connect
from trustlayer.audit.erasing import Erased, Left, erase, retain
from trustlayer.audit.holds import hold_outcome, hold_subject, holds, release
from trustlayer.audit.labels import Label, labelled, labels, record_label
from trustlayer.audit.review import Choice, Ruling, decide
from trustlayer.audit.verification import heads, verify
from trustlayer.errors import (
    BadLine,
    OutcomeConflict,
    StoreUnavailable,
    UnknownHold,
    UnknownOutcome,
)

Run = Callable[..., Outcome]

NOW = datetime(2026, 6, 1, tzinfo=UTC)
SECRET = "the patient's name is Rosalind"


def _secretive(run: Run, days: int, **ids: str) -> Outcome:
    made = run(f"No! {SECRET}", f"{SECRET}?", prompt=f"{SECRET} {days}", **ids)
    return replace(made, started=NOW - timedelta(days=days))


def test_retention_erases_texts_of_old_outcomes_alone(store: AuditStore, run: Run) -> None:
    old, new = _secretive(run, 100, user="rosalind"), _secretive(run, 1)
    store.record(old, new)
    record_label(store, Label(old.id, 0, True, "ann", f"not {SECRET}"))
    before, counted = heads(store), reports.totals(store)
    assert retain(store, NOW - timedelta(days=90)) == Erased(1)
    assert retain(store, NOW - timedelta(days=90)) == Erased(0)
    assert store.outcome(new.id) == new
    erased = store.outcome(old.id)
    assert SECRET not in repr(erased)
    assert erased.prompt == "[erased]"
    assert (erased.action, len(erased.attempts)) == (old.action, len(old.attempts))
    assert store.correlated("user", "rosalind") == []
    assert labels(store, old.id) == [Label(old.id, 0, True, "ann", "[erased]")]
    assert list(labelled(store)) == []
    assert reports.totals(store) == counted
    assert reports.lines(store)[1].prompt == "[erased]"
    assert list(verify(store, before)) == []
    with pytest.raises(OutcomeConflict):
        store.record(old)  # what was erased does not come back


def test_a_persons_texts_are_erased(store: AuditStore, run: Run) -> None:
    hers, his = _secretive(run, 1, user="rosalind"), _secretive(run, 1, user="francis")
    store.record(hers, his)
    assert erase(store, "user", "rosalind") == Erased(1)
    assert store.outcome(his.id) == his
    assert store.outcome(hers.id).correlation == {"user": "[erased]"}
    assert list(verify(store)) == []


def test_no_erased_byte_is_left_in_the_files(tmp_path: Path, run: Run) -> None:
    with AuditStore.create(f"sqlite:///{tmp_path}/a.db") as store:
        for days in range(60):
            store.record(_secretive(run, days, user="rosalind"))
        assert _found(tmp_path) > 0
        assert retain(store, NOW - timedelta(days=30)) == Erased(29)
        assert _found(tmp_path) > 0
        assert erase(store, "user", "rosalind") == Erased(31)
        assert _found(tmp_path) == 0
        assert list(verify(store)) == []
    assert _found(tmp_path) == 0


class Postgres(Protocol):
    """The server of conftest.py."""

    folder: Path
    url: str

    def database(self) -> str: ...


def test_no_erased_byte_is_left_on_the_server(postgres: Postgres, run: Run) -> None:
    """Neither in a table, an index, the planner's statistics, nor in the server's own log."""
    _set(postgres, "wal_recycle", "off")
    data = postgres.folder / "data"
    with AuditStore.create(postgres.database()) as store:
        made = [run("No!", "No!", "No!", "No!", prompt=f"Is it Ignaz? {n}") for n in range(60)]
        store.record(*made)
        record_label(store, Label(made[0].id, 0, True, "ann", "not Ignaz"))
        decide(store, made[1].id, "ann", Ruling(Choice.EDIT, "Ignaz it is"))
        with store._engine.connect() as connection:
            connection.exec_driver_sql("ANALYZE")
        _write_back(postgres)
        assert _found(data, b"Ignaz") > 0
        assert retain(store, datetime.now(UTC)) == Erased(60)
        _write_back(postgres)
        assert _found(data, b"Ignaz") == 0
        assert list(verify(store)) == []


def _set(postgres: Postgres, name: str, value: str) -> None:
    engine = connect(postgres.url).execution_options(isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"ALTER SYSTEM SET {name} = {value}")
        connection.exec_driver_sql("SELECT pg_reload_conf()")
    engine.dispose()


def _write_back(postgres: Postgres) -> None:
    engine = connect(postgres.url)
    with engine.connect() as connection:
        connection.exec_driver_sql("CHECKPOINT")
    engine.dispose()


def _found(folder: Path, name: bytes = b"Rosalind") -> int:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return sum(path.read_bytes().count(name) for path in files)


def test_a_reader_keeps_the_log_and_is_told_of(tmp_path: Path, run: Run) -> None:
    url = f"sqlite:///{tmp_path}/a.db"
    with AuditStore.create(url) as store, AuditStore.open(url) as other:
        store.record(_secretive(run, 9))
        with other.session() as session, other.session() as again:
            for reader in (session, again):
                reader.connection().exec_driver_sql("SELECT * FROM texts").all()
            _be_impatient(store)
            with pytest.raises(StoreUnavailable, match="is being read") as caught:
                retain(store, NOW)
        assert "do the same again" in caught.value.__notes__[0]
        assert retain(store, NOW) == Erased(0)
        assert _found(tmp_path) == 0


def _be_impatient(store: AuditStore) -> None:
    with store.session() as session:
        session.connection().exec_driver_sql("PRAGMA busy_timeout = 50")


def test_anchors_are_written_and_read(store: AuditStore, run: Run) -> None:
    run(store=store)
    kept = heads(store)
    assert list(anchors.read(anchors.written(kept))) == kept
    assert list(anchors.read(["", "\n"])) == []


@pytest.mark.parametrize(
    "line", ["{", "[]", "{}", '"x"', json.dumps({"chain": "a", "length": 1, "head": "zz"})]
)
def test_a_line_that_is_no_anchor(line: str) -> None:
    good = json.dumps({"chain": "a", "length": 1, "head": "00"})
    with pytest.raises(BadLine, match=r"line 2.*hexadecimal digits"):
        list(anchors.read([good, line]))


def test_what_is_held_is_left_until_it_is_released(store: AuditStore, run: Run) -> None:
    hers, his, other = (_secretive(run, 9, user=name) for name in ("rosalind", "francis", "x"))
    store.record(hers, his, other)
    subject = hold_subject(store, "user", "rosalind", "ann", "case 8")
    one = hold_outcome(store, his.id, "ann", "case 7")
    assert retain(store, NOW) == Erased(
        1,
        (
            Left(hers.id, f"hold {subject.id}: case 8"),
            Left(his.id, f"hold {one.id}: case 7"),
        ),
    )
    assert erase(store, "user", "francis") == Erased(0, (Left(his.id, f"hold {one.id}: case 7"),))
    assert (store.outcome(hers.id), store.outcome(his.id)) == (hers, his)
    ended = release(store, one.id, "bob", "settled")
    assert (ended.released_by, ended.released is not None) == ("bob", True)
    with pytest.raises(UnknownHold, match="in force") as caught:
        release(store, one.id, "bob", "settled")
    assert "trustlayer audit holds" in caught.value.__notes__[0]
    assert erase(store, "user", "francis") == Erased(1)
    assert [(h.outcome, h.name, h.who, h.reason) for h in holds(store)] == [
        (None, "user", "ann", "case 8"),
        (his.id, None, "ann", "case 7"),
    ]
    assert list(verify(store)) == []


def test_an_outcome_that_is_not_there_cannot_be_held(store: AuditStore) -> None:
    with pytest.raises(UnknownOutcome):
        hold_outcome(store, "none", "ann", "case 7")
    assert holds(store) == []
