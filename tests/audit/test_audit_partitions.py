"""Texts by month: partitions made ahead, and dropped whole by retention, on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Protocol

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from trustlayer import Outcome
from trustlayer.audit import AuditStore, partitions, schema
from trustlayer.audit.erasing import retain
from trustlayer.audit.holds import hold_outcome
from trustlayer.audit.months import after, end_of, month_of
from trustlayer.audit.verification import verify
from trustlayer.cli import app
from trustlayer.errors import StoreUnavailable

Run = Callable[..., Outcome]
OLD = datetime(2024, 3, 31, 23, 59, tzinfo=UTC)


class Postgres(Protocol):
    """The server of conftest.py."""

    def database(self) -> str: ...


@pytest.fixture
def parted(postgres: Postgres) -> Iterator[AuditStore]:
    with AuditStore.create(postgres.database()) as store:
        yield store


def rows(store: AuditStore, table: str) -> int:
    with store.session() as session:
        count = session.scalars(text(f"SELECT count(*) FROM {table}"))  # noqa: S608
        return int(count.one())


def make(store: AuditStore, *months: int) -> None:
    """The partitions of *months*, as they were made in their time."""
    for month in months:
        store.retrying(partial(partitions._make, month=month))


def test_months() -> None:
    assert month_of(OLD) == 202403
    assert [after(202403, n) for n in (0, 1, 9, 10, -3, -15)] == [
        202403, 202404, 202412, 202501, 202312, 202212,
    ]  # fmt: skip
    assert end_of(202412) == datetime(2025, 1, 1, tzinfo=UTC)


def test_the_coming_months_are_made_with_the_store(parted: AuditStore, run: Run) -> None:
    this = month_of(datetime.now(UTC))
    names = [part.name for part in partitions.partitions(parted)]
    months = [f"texts_{after(this, n)}" for n in range(partitions.AHEAD + 1)]
    assert names == [*months, "texts_erased", "texts_other"]
    assert partitions.make_ahead(parted) == []
    run(store=parted)
    assert rows(parted, f"texts_{this}") == rows(parted, "texts") > 0


def test_a_late_row_never_fails_and_moves_when_its_month_is_made(
    parted: AuditStore, run: Run
) -> None:
    late = replace(run("Late.", "It is late."), started=OLD)
    parted.record(late, run("Now."))
    assert rows(parted, "texts_other") > 0
    assert list(verify(parted)) == []
    make(parted, 202403)
    assert rows(parted, "texts_other") == 0
    assert rows(parted, "texts_202403") > 0
    assert parted.outcome(late.id) == late
    assert list(verify(parted)) == []
    for act in ("DELETE FROM {}", "UPDATE {} SET body = 'other'", "TRUNCATE texts"):
        change = text(act.format("texts_202403"))
        with pytest.raises(StoreUnavailable, match="append-only"), parted.transaction() as begun:
            begun.execute(change)


def test_retention_drops_whole_months_and_the_chain_still_verifies(
    parted: AuditStore, run: Run
) -> None:
    make(parted, 202403, 202404)
    march = [replace(run(prompt=f"{n}?", user="7"), started=OLD) for n in range(3)]
    april = replace(run("April."), started=datetime(2024, 4, 30, tzinfo=UTC))
    now = run("Now.")
    parted.record(*march, april, now)
    assert retain(parted, datetime(2024, 4, 30, 12, tzinfo=UTC)).outcomes == 4
    names = {part.name for part in partitions.partitions(parted)}
    assert "texts_202403" not in names
    assert "texts_202404" in names  # not over by then: erased row by row
    assert parted.outcome(march[0].id).prompt == "[erased]"
    assert parted.correlated("user", "7") == []
    assert parted.outcome(now.id) == now
    assert list(verify(parted)) == []
    parted.record(replace(run("Later still."), started=OLD))
    assert list(verify(parted)) == []
    assert retain(parted, datetime(2024, 4, 30, 12, tzinfo=UTC)).outcomes == 1


def test_a_month_with_something_on_hold_is_erased_row_by_row(parted: AuditStore, run: Run) -> None:
    make(parted, 202403)
    kept, gone = (replace(run(prompt=f"{n}?"), started=OLD) for n in range(2))
    parted.record(kept, gone)
    hold_outcome(parted, kept.id, "ann", "case 7")
    erased = retain(parted, datetime(2025, 1, 1, tzinfo=UTC))
    assert (erased.outcomes, [left.outcome for left in erased.left]) == (1, [kept.id])
    assert "texts_202403" in {part.name for part in partitions.partitions(parted)}
    assert parted.outcome(kept.id) == kept
    assert parted.outcome(gone.id).prompt == "[erased]"


def test_a_text_that_was_moved_to_another_month_is_found(parted: AuditStore, run: Run) -> None:
    outcome = run(store=parted)
    with parted.transaction() as connection:
        connection.execute(text("ALTER TABLE texts DISABLE TRIGGER USER"))
        connection.execute(text("UPDATE texts SET month = 202401 WHERE number = 0"))
    flaws = [flaw for flaw in verify(parted) if flaw.table == "texts"]
    assert [(flaw.row, flaw.what) for flaw in flaws] == [
        (f"{outcome.id}, number 0", "was moved to another month")
    ]


def test_texts_are_in_one_table_again_after_a_downgrade(postgres: Postgres, run: Run) -> None:
    url = postgres.database()
    with AuditStore.create(url) as store:
        made = [replace(run(prompt=f"{n}?"), started=OLD) for n in range(3)]
        store.record(*made)
    schema.downgrade(url, "0004")
    schema.upgrade(url)
    with AuditStore.open(url) as store:
        assert "texts_202403" in {part.name for part in partitions.partitions(store)}
        assert [store.outcome(outcome.id) for outcome in made] == made
        assert list(verify(store)) == []


def test_the_command_lists_them(parted: AuditStore) -> None:
    told = CliRunner().invoke(app, ["db", "partitions", "--ahead", "4", "--db", parted.url])
    assert told.exit_code == 0
    this = month_of(datetime.now(UTC))
    assert f"texts_{after(this, 4)}  0.0 MiB  made now" in told.output
    assert "texts_other" in told.output


def test_sqlite_keeps_them_together(tmp_path: object, run: Run) -> None:
    with AuditStore.create(f"sqlite:///{tmp_path}/a.db") as store:
        run(store=store)
        assert partitions.make_ahead(store) == []
        told = CliRunner().invoke(app, ["db", "partitions", "--db", store.url])
        assert "keeps all texts in one table" in told.output
