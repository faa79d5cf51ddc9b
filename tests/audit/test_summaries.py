"""Sums by day say what the rows say, whatever of them is summarised, on every database alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, text
from typer.testing import CliRunner

from trustlayer import Outcome
from trustlayer.audit import AuditStore, reports, summaries
from trustlayer.audit.reports import Every, Scope
from trustlayer.audit.summary_tables import ROWS, SUMS, TEXTS
from trustlayer.cli import app

Run = Callable[..., Outcome]

NOON = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
ANSWERS = (("a.",), ("a!", "a."), ("a!", "a!", "a."), ("a!", "a!", "a!", "a!"), ("a?", "a?"))
SCOPES = (
    Scope(),
    Scope(since=NOON + timedelta(hours=20)),
    Scope(since=NOON - timedelta(hours=3), until=NOON + timedelta(hours=2)),
    Scope(until=NOON + timedelta(days=2)),
    Scope(since=NOON + timedelta(hours=2), until=NOON + timedelta(days=2, hours=3)),
    Scope(model="large"),
    Scope(detector="_picky", model="small"),
)
REPORTS: tuple[Callable[[AuditStore, Scope], Any], ...] = (
    reports.totals, reports.by_action, reports.over_time, reports.by_detector, reports.by_model,
    reports.by_template, reports.risk_spreads, reports.unexamined, reports.timings,
    reports.gains, reports.bad_rates,
    lambda store, scope: reports.over_time(store, scope, Every.WEEK),
)  # fmt: skip


@pytest.fixture
def filled(store: AuditStore, run: Run) -> AuditStore:
    made = [run(*ANSWERS[n % len(ANSWERS)]) for n in range(12)]
    for n, one in enumerate(made):
        tries = [replace(a, seconds_asking=0.2 + n / 16, cost=n / 8) for a in one.attempts]
        started = NOON + timedelta(hours=5 * n)
        own = {} if n % 3 == 0 else {"template": f"template-{n % 2}"}
        store.record(
            replace(
                one,
                started=started,
                seconds=n / 4,
                attempts=tuple(tries),
                correlation=own,
                interrupted="Ctrl-C" if n == 7 else None,
            )
        )
    return store


def _seen(store: AuditStore) -> list[str]:
    return [repr(_rounded(report(store, scope))) for report in REPORTS for scope in SCOPES]


def _rounded(value: Any) -> Any:
    # Sums of floats depend on their order in the last places.
    if isinstance(value, float):
        return float(f"{value:.10g}")
    if isinstance(value, list | tuple):
        return [_rounded(one) for one in value]
    if hasattr(value, "__slots__") and hasattr(value, "__dataclass_fields__"):
        return [_rounded(getattr(value, name)) for name in value.__dataclass_fields__]
    return value


def test_reports_are_the_same_whatever_is_summarised(
    filled: AuditStore, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = _seen(filled)
    monkeypatch.setattr(summaries, "_AT_ONCE", 5)
    assert filled.retrying(summaries.catch_up)  # a part of the chain
    assert _seen(filled) == before
    reports.summarise(filled)
    assert not filled.retrying(summaries.catch_up)
    assert _seen(filled) == before
    with filled.transaction() as connection:
        assert list(summaries.drift(connection)) == []


def test_the_writer_keeps_up(store: AuditStore, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(summaries, "EVERY", 4)
    for n in range(10):
        store.record(*(run("a!", "a.") for _ in range(1 + n % 3)))
    with store.transaction() as connection:
        held = connection.scalar(select(func.sum(SUMS[0].c.outcomes)))
        assert 19 - 4 < (held or 0) <= 19
        assert list(summaries.drift(connection)) == []
    assert reports.totals(store).outcomes == 19


def test_sums_that_somebody_changed_are_told(filled: AuditStore) -> None:
    reports.summarise(filled)
    with filled.transaction() as connection:
        connection.execute(text("UPDATE attempt_days SET failed = failed + 1"))
        connection.execute(text("DELETE FROM unexamined_days"))
        assert list(summaries.drift(connection)) == ["attempt_days", "unexamined_days"]
        summaries.clear(connection)
        assert list(summaries.drift(connection)) == []
    reports.summarise(filled)
    with filled.transaction() as connection:
        assert list(summaries.drift(connection)) == []


def test_views_by_day_add_up_to_the_rows(
    filled: AuditStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(summaries, "_AT_ONCE", 7)
    filled.retrying(summaries.catch_up)  # some from the sums, some from the rows
    with filled.session() as session:
        for table in SUMS:
            rows = ROWS[table.name]
            view = text(_DAILY[table.name])
            sums = [c.name for c in table.columns if not c.primary_key]
            daily = session.execute(view).mappings().all()
            for name in sums:
                whole = sum(session.scalar(select(func.sum(v.c[name]))) or 0 for v in rows)
                assert float(sum(row[name] for row in daily)) == pytest.approx(float(whole))
            assert {c.name for c in table.columns} == set(daily[0])
            assert all(row[key] is not None for row in daily for key in TEXTS if key in row)


_DAILY = {
    "outcome_days": "SELECT * FROM report_outcomes_daily",
    "attempt_days": "SELECT * FROM report_attempts_daily",
    "finding_days": "SELECT * FROM report_findings_daily",
    "unexamined_days": "SELECT * FROM report_unexamined_daily",
    "measure_days": "SELECT * FROM report_measures_daily",
}


def test_no_view_holds_a_text(store: AuditStore, run: Run) -> None:
    run("secret answer!", "secret answer.", prompt="secret prompt", store=store, user="secret id")
    run("secret?", prompt="secret prompt", store=store)
    views = [*_DAILY.values(), "SELECT * FROM report_labels"]
    views += [f"SELECT * FROM {v.name}" for own in ROWS.values() for v in own]  # noqa: S608
    with store.session() as session:
        for view in views:
            rows = session.execute(text(view)).all()
            assert "secret" not in repr(rows)
            assert "Paris" not in repr(rows)


def test_scopes_that_make_no_sense() -> None:
    with pytest.raises(ValueError, match="since must lie before until"):
        Scope(since=NOON, until=NOON)
    with pytest.raises(ValueError, match="needs its zone"):
        Scope(since=datetime(2026, 3, 1))
    assert Scope(since=NOON, until=NOON + timedelta(hours=1)).edges() == [
        (NOON, NOON + timedelta(hours=1))
    ]
    assert Scope(since=datetime(2026, 3, 1, tzinfo=UTC)).edges() == []


def test_the_command_makes_and_compares_sums(run: Run) -> None:
    command = ["db", "summarise", "--compare"]
    with AuditStore.create("sqlite:///trustlayer.db") as store:
        run("a!", "a.", store=store)
        run(store=store)
        done = CliRunner().invoke(app, command)
        assert (done.exit_code, "2 entries summarised, as the rows say" in done.stdout) == (0, True)
        with store.transaction() as connection:
            connection.execute(text("DELETE FROM finding_days"))
        done = CliRunner().invoke(app, command)
        assert (done.exit_code, "finding_days does not say" in done.stdout) == (3, True)
        assert CliRunner().invoke(app, [*command, "--anew"]).exit_code == 0
