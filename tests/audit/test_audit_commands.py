"""`trustlayer audit` on the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from trustlayer import Outcome
from trustlayer.audit import AuditStore
from trustlayer.cli import app

Run = Callable[..., Outcome]


@pytest.fixture
def db(tmp_path: Path, run: Run) -> str:
    url = f"sqlite:///{tmp_path}/a.db"
    with AuditStore.create(url) as store:
        run(store=store, user="ann")
        store.record(replace(run(), started=datetime.now(UTC) - timedelta(days=100)))
    return url


def _call(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["audit", *arguments])
    return done.exit_code, done.output


def test_an_untouched_store_verifies_against_its_anchors(db: str, tmp_path: Path) -> None:
    code, lines = _call("anchor", "--db", db)
    assert code == 0
    kept = tmp_path / "anchors.jsonl"
    kept.write_text(lines)
    assert _call("verify", "--db", db) == (0, f"as recorded in {db}: 2 outcome(s)\n")
    code, told = _call("verify", "--db", db, "--anchors", str(kept))
    assert (code, told) == (0, f"as recorded and as 1 anchor(s) say in {db}: 2 outcome(s)\n")


def test_a_changed_row_is_named(db: str) -> None:
    with AuditStore.open(db) as store, store.transaction() as connection:
        connection.exec_driver_sql("DROP TRIGGER outcomes_no_update")
        connection.exec_driver_sql("UPDATE outcomes SET action = 'refuse' WHERE number = 2")
        [changed] = connection.exec_driver_sql("SELECT id FROM outcomes WHERE number = 2").one()
    code, told = _call("verify", "--db", db)
    assert code == 3
    assert f"outcomes: {changed} " in told
    assert "was changed, it or a row that belongs to it" in told
    assert f"not as it was recorded in {db}: 1 row(s)" in told.replace("\n", "")


def test_anchors_that_are_none(db: str, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("nonsense\n")
    code, told = _call("verify", "--db", db, "--anchors", str(tmp_path / "a.jsonl"))
    assert code == 1
    assert "line 1: found" in told


def test_texts_are_erased_by_age_and_by_person(db: str) -> None:
    assert _call("retain", "--older-than", "90d", "--db", db) == (
        0,
        f"texts erased from {db}: those of 1 outcome(s)\n",
    )
    assert _call("erase", "user", "nobody", "--db", db)[1].endswith("of 0 outcome(s)\n")
    assert _call("erase", "user", "ann", "--db", db)[1].endswith("of 1 outcome(s)\n")
    assert _call("verify", "--db", db)[0] == 0
    assert _call("retain", "--older-than", "soon", "--db", db)[0] == 2


def test_labelled_answers_are_exported_for_calibration(db: str) -> None:
    with AuditStore.open(db) as store:
        old, new = store.recent()
    assert _call("label", old.id, "bad", "--reason", "Lyon", "--by", "ann", "--db", db) == (
        0,
        f"{old.id}, attempt 1: bad\n",
    )
    assert _call("label", new.id[:12], "good", "--attempt", "1", "--by", "ann", "--db", db)[0] == 0
    code, told = _call("label", new.id, "good", "--attempt", "9", "--db", db)
    assert code == 1
    assert "has no answer" in told
    assert _call("label", new.id, "middling", "--db", db)[0] == 2
    code, lines = _call("export", "--db", db)
    assert code == 0
    found = [json.loads(line) for line in lines.splitlines()]
    assert [(line["id"], line["label"]) for line in found] == [(old.id, 1), (new.id, 0)]
    assert _call("verify", "--db", db)[0] == 0
    done = CliRunner().invoke(app, ["evaluate", "-", "--detector", "quotations"], input=lines)
    assert done.exit_code == 0, done.output
