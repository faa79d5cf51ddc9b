"""The migrations make what the models say, up and down, wherever they are installed."""

from __future__ import annotations

import runpy
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect
from sqlalchemy.exc import DBAPIError

from trustlayer import Outcome
from trustlayer.audit import AuditStore, schema
from trustlayer.audit.databases import connect
from trustlayer.audit.months import is_partition
from trustlayer.audit.sealing import Keys
from trustlayer.audit.summary_tables import SUMS
from trustlayer.audit.tables import Base
from trustlayer.audit.verification import verify
from trustlayer.errors import NotAStore

Run = Callable[..., Outcome]
DERIVED = {"summarised", *(table.name for table in SUMS)}  # made again from what is recorded


def _ours(url: str) -> set[str]:
    engine = connect(url)
    with engine.connect() as connection:
        names = set(inspect(connection).get_table_names())
    engine.dispose()
    ours = names - {"sqlite_sequence", schema.VERSION_TABLE}
    return {name for name in ours if not is_partition(name)}


def test_the_head_is_that_of_the_migrations() -> None:
    scripts = ScriptDirectory.from_config(schema.configuration())
    assert scripts.get_heads() == [schema.HEAD]


def test_the_migrations_make_what_the_models_say(url: str) -> None:
    schema.upgrade(url)
    engine = connect(url)
    with engine.connect() as connection:
        options = {
            "version_table": schema.VERSION_TABLE,
            "compare_server_default": True,
            "include_name": lambda name, kind, _: kind != "table" or not is_partition(name),
        }
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, Base.metadata) == []
        found = inspect(connection)
        for name, table in Base.metadata.tables.items():
            foreign = {key["name"] for key in found.get_foreign_keys(name)}
            assert foreign == {key.name for key in table.foreign_key_constraints}
    engine.dispose()


def test_states_on_the_way_up_and_down(url: str) -> None:
    assert schema.state(url) == schema.State(None, schema.HEAD, schema.Standing.NONE)
    schema.upgrade(url)
    assert schema.state(url).standing is schema.Standing.CURRENT
    assert schema.current(url) == schema.head()
    schema.upgrade(url)  # once more changes nothing
    schema.downgrade(url, "base")
    assert schema.state(url).standing is schema.Standing.NONE
    assert _ours(url) == set()
    schema.upgrade(url)
    assert _ours(url) == set(Base.metadata.tables)


def test_every_step_down_can_be_taken_up_again(url: str, run: Run) -> None:
    with AuditStore.create(url) as store:
        run(store=store)
    for script in ScriptDirectory.from_config(schema.configuration()).walk_revisions():
        schema.downgrade(url, str(script.down_revision or "base"))
        schema.upgrade(url)
    AuditStore.open(url).close()


def test_a_stored_database_of_every_past_schema_is_upgraded(tmp_path: Path, run: Run) -> None:
    stored = sorted((Path(__file__).parents[1] / "data").glob("audit_*.db"))
    assert stored
    for path in stored:
        shutil.copy(path, tmp_path)
        url = f"sqlite:///{tmp_path / path.name}"
        assert schema.state(url).standing in (schema.Standing.OLD, schema.Standing.CURRENT)
        with AuditStore.create(url) as store:
            assert list(verify(store)) == []
            assert [o.id for o in store.recent()] == [f"outcome-{n}" for n in (3, 2, 1, 0)]
            assert [o.prompt[-1] for o in store.recent()] == ["3", "2", "1", "0"]
            assert store.outcome("outcome-3").verdicts[-1].exchange.answer == "\x00\ud800?"
            assert store.correlated("ticket", "T-2") == [store.outcome("outcome-2")]
            run(store=store)
            assert list(verify(store)) == []


def test_downgrading_nothing_makes_no_file(tmp_path: Path) -> None:
    with pytest.raises(NotAStore, match="there is no audit store at"):
        schema.downgrade(f"sqlite:///{tmp_path}/a.db", "base")
    assert not list(tmp_path.iterdir())


def test_an_upgrade_that_fails_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import trustlayer_migrations.triggers as triggers

    url = f"sqlite:///{tmp_path}/a.db"
    monkeypatch.setattr(triggers, "_lite", lambda table, condition: ["CREATE NONSENSE"])
    with pytest.raises(Exception, match="NONSENSE"):
        schema.upgrade(url)
    assert _ours(url) == set()
    monkeypatch.undo()
    AuditStore.create(url).close()


def test_paths_with_odd_characters(tmp_path: Path, run: Run) -> None:
    folder = tmp_path / "50% off & 'more' ü"
    folder.mkdir()
    with AuditStore.create(f"sqlite:///{folder}/a b.db") as store:
        run(store=store)
    assert (folder / "a b.db").stat().st_size > 0


def test_alembic_itself_runs_on_a_url(tmp_path: Path) -> None:
    from argparse import Namespace

    config = schema.configuration()
    config.cmd_opts = Namespace(x=[f"url=sqlite:///{tmp_path}/a.db"])
    command.upgrade(config, "head")
    command.check(config)
    assert schema.state(f"sqlite:///{tmp_path}/a.db").standing is schema.Standing.CURRENT


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def filled(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[AuditStore]:
    """A store with something in every table."""
    benchmark = Path(__file__).parents[1] / "benchmarks" / "tampering.py"
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('filled')}/a.db"
    else:
        url = request.getfixturevalue("postgres").database()
    with AuditStore.create(url) as store:
        runpy.run_path(str(benchmark))["fill"](store)
        yield store


@pytest.mark.parametrize("table", sorted(Base.metadata.tables.keys() - DERIVED))
@pytest.mark.parametrize("verb", ["UPDATE {} SET {} = {}", "DELETE FROM {}"])
def test_what_is_recorded_can_neither_be_changed_nor_removed(
    filled: AuditStore, table: str, verb: str
) -> None:
    column = next(iter(Base.metadata.tables[table].primary_key)).name
    statement = verb.format(table, column, column)
    with pytest.raises(DBAPIError, match="append-only"), filled._engine.begin() as connection:
        connection.exec_driver_sql(statement)


@pytest.mark.parametrize(
    ("table", "body"), [("texts", "body"), ("labels", "reason"), ("decisions", "answer")]
)
def test_a_text_can_be_sealed_and_erased_and_not_be_brought_back(
    filled: AuditStore, table: str, body: str
) -> None:
    erased = f"UPDATE {table} SET {body} = NULL, salt = NULL, sealed = NULL"  # noqa: S608
    sealed = f"UPDATE {table} SET {body} = NULL, salt = NULL, sealed = digest"  # noqa: S608
    opened = f"UPDATE {table} SET {body} = 'x', salt = digest, sealed = NULL"  # noqa: S608
    for done, refused in (
        ([sealed, sealed], opened),
        ([erased], sealed),
        ([sealed, erased], opened),
    ):
        with filled._engine.connect() as connection:
            for statement in done:
                connection.exec_driver_sql(statement)
            with pytest.raises(DBAPIError, match="append-only"):
                connection.exec_driver_sql(refused)


def test_sealed_texts_keep_a_store_from_the_schema_that_would_lose_them(url: str, run: Run) -> None:
    pytest.importorskip("cryptography")
    with AuditStore.create(url, keys=Keys((b"1" * 32,))) as store:
        outcome = run(store=store)
        with pytest.raises(ValueError, match="sealed texts are in texts") as caught:
            schema.downgrade(url, "0002")
        assert "keep this schema" in caught.value.__notes__[0]
        assert store.outcome(outcome.id) == outcome


def test_texts_can_be_erased_and_nothing_else_done_to_them(store: AuditStore, run: Run) -> None:
    run(store=store, ticket="T-1")
    for change in ("body = 'other'", "body = NULL", "salt = NULL, body = NULL, number = 99"):
        with pytest.raises(DBAPIError, match="append-only"), store._engine.begin() as connection:
            connection.exec_driver_sql(f"UPDATE texts SET {change}")  # noqa: S608
    with store._engine.begin() as connection:
        connection.exec_driver_sql("UPDATE texts SET body = NULL, salt = NULL")
        connection.exec_driver_sql("UPDATE correlations SET lookup = NULL")
    assert store.recent()[0].prompt == "[erased]"
